/**
 * Reads what strace wrote (-f -y) about processes and the files of a database: who opened which, how, and
 * with which POSIX locks of its own on a file each process closed a descriptor of it, which drops them all.
 *
 * Lines are `TID call(arguments) = result`; a call that was interrupted by another thread's is in two parts,
 * `call(... <unfinished ...>` and `<... call resumed> ...`, which are put together again.
 */
import { readFileSync } from "node:fs";

export interface FileOpen {
  readonly pid: number;
  readonly path: string;
  readonly flags: readonly string[];
}

export interface LockCall {
  readonly pid: number;
  readonly path: string;
  readonly type: "read" | "write" | "unlock";
  readonly firstByte: number;
  /** 0: to the end of the file. */
  readonly byteCount: number;
}

/** A descriptor was closed while its process held these bytes of the file locked. */
export interface LossyClose {
  readonly pid: number;
  readonly path: string;
  readonly lockedBytes: readonly number[];
}

export interface SystemCalls {
  readonly opens: readonly FileOpen[];
  readonly locks: readonly LockCall[];
  readonly lossyCloses: readonly LossyClose[];
  /** Process id to the words it was executed with. */
  readonly executed: ReadonlyMap<number, string>;
}

interface Call {
  readonly threadId: number;
  readonly text: string;
}

function wholeCalls(trace: string): readonly Call[] {
  const begun = new Map<number, string>();
  const calls: Call[] = [];
  for (const line of trace.split("\n")) {
    const parts = /^(\d+)\s+(.*)$/.exec(line);
    if (parts === null) continue;
    const threadId = Number(parts[1]);
    let text = parts[2] ?? "";
    if (text.endsWith(" <unfinished ...>")) {
      begun.set(threadId, text.slice(0, -" <unfinished ...>".length));
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(text);
    if (resumed !== null) text = (begun.get(threadId) ?? "") + (resumed[1] ?? "");
    calls.push({ threadId, text });
  }
  return calls;
}

/** A thread that was started before its creator's call came back has its lines first: so threads come first. */
function processesOf(calls: readonly Call[]): (threadId: number) => number {
  const creators = new Map<number, number>();
  for (const { threadId, text } of calls) {
    const created = /^(?:clone|clone3|vfork|fork)\((.*)\)\s+= (\d+)/.exec(text);
    if (created?.[1]?.includes("CLONE_THREAD")) creators.set(Number(created[2]), threadId);
  }
  const processOf = (threadId: number): number => {
    const creator = creators.get(threadId);
    return creator === undefined ? threadId : processOf(creator);
  };
  return processOf;
}

const lockTypes = { F_RDLCK: "read", F_WRLCK: "write", F_UNLCK: "unlock" } as const;

export function readSystemCalls(tracePath: string, isWatched: (path: string) => boolean): SystemCalls {
  const calls = wholeCalls(readFileSync(tracePath, "utf8"));
  const processOf = processesOf(calls);
  const opens: FileOpen[] = [];
  const locks: LockCall[] = [];
  const lossyCloses: LossyClose[] = [];
  const executed = new Map<number, string>();
  const held = new Map<string, Map<number, number>>();

  for (const { threadId, text } of calls) {
    const pid = processOf(threadId);
    const execution = /^execve\("[^"]*", \[(.*)\], .*\)\s+= 0/.exec(text);
    if (execution !== null) executed.set(pid, execution[1] ?? "");
    const open = /^openat\(\w+(?:<[^>]*>)?, "([^"]*)", ([A-Z_|]+).*\)\s+= \d+/.exec(text);
    if (open !== null && isWatched(open[1] ?? "")) {
      opens.push({ pid, path: open[1] ?? "", flags: (open[2] ?? "").split("|") });
    }
    const lock =
      /^fcntl\(\d+<([^>]*)>, F_(?:OFD_)?SETLKW?, \{l_type=(F_\w+), .*l_start=(\d+), l_len=(\d+)\}\)\s+= 0/.exec(
        text,
      );
    if (lock !== null && isWatched(lock[1] ?? "")) {
      const path = lock[1] ?? "";
      const type = lockTypes[lock[2] as keyof typeof lockTypes];
      const firstByte = Number(lock[3]);
      const byteCount = Number(lock[4]);
      locks.push({ pid, path, type, firstByte, byteCount });
      noteLock(held, `${pid} ${path}`, type, firstByte, byteCount);
    }
    const close = /^close\(\d+<([^>]*)>\)/.exec(text);
    if (close !== null && isWatched(close[1] ?? "")) {
      const path = close[1] ?? "";
      const lockedBytes = [...(held.get(`${pid} ${path}`)?.keys() ?? [])];
      held.delete(`${pid} ${path}`);
      if (lockedBytes.length > 0) lossyCloses.push({ pid, path, lockedBytes });
    }
  }
  return { opens, locks, lossyCloses, executed };
}

/** A length of 0 reaches to the end of the file, however long. */
function noteLock(
  held: Map<string, Map<number, number>>,
  key: string,
  type: LockCall["type"],
  firstByte: number,
  byteCount: number,
): void {
  const ranges = held.get(key) ?? new Map<number, number>();
  const endByte = byteCount === 0 ? Number.POSITIVE_INFINITY : firstByte + byteCount;
  for (const [rangeFirst, rangeEnd] of ranges) {
    if (rangeFirst >= firstByte && rangeEnd <= endByte) ranges.delete(rangeFirst);
  }
  if (type !== "unlock") ranges.set(firstByte, endByte);
  held.set(key, ranges);
}
