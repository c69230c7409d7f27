/**
 * All file locks that this PID namespace may see. Reading /proc/locks opens no database file, so a process
 * that uses SQLite may do it too. Two things about the kernel's fs/locks.c and fs/seq_file.c matter here.
 *
 * It is slow at times: locks_start() takes a per-CPU lock for writing, which waits for an RCU grace period.
 * Measured: 6 to 16 ms for a read after 50 ms without one, under 0.2 ms for those that follow at once. The
 * supervisor gathers off its event loop; who reads while it holds a lock should have read just before.
 *
 * It is not one snapshot: the text comes in pages of 4,096 bytes, and between two of them the list may
 * change, so that a lock which is held all the time is left out. Measured with 400 locks, 100 of them taken
 * and dropped without a pause: 0.35 % of the others missing in one read, 0.01 % in two together, 0.0003 % in
 * three. A text of one page is a snapshot.
 */
import { readFileSync } from "node:fs";
import { type ProcLock, parseProcLockLine, parseProcLocks } from "../format/procLocks.ts";
import { errnoOf } from "./errno.ts";
import type { Os } from "./os.ts";

const pageBytes = 4096;
const readCountMax = 3;
const readText = (path: string): string => readFileSync(path, "utf8");

/**
 * One read, at once. May leave out a lock that is held when the machine has more than some 60 of them.
 * Null: /proc/locks cannot be read (ProcSubset=pid hides it), so nothing is known about locks.
 */
export function readProcLocks(readProc: (path: string) => string = readText): readonly ProcLock[] | null {
  try {
    return parseProcLocks(readProc("/proc/locks"));
  } catch (error) {
    errnoOf(error);
    return null;
  }
}

/**
 * Every lock that was held throughout, and some that were held for a part of it; off the event loop. A lock that
 * was there at the gathering before is the very same value, and so is the list when nothing in it has changed.
 */
export type GatherProcLocks = () => Promise<readonly ProcLock[] | null>;

/** Lines without their ordinal, which says nothing and differs from one read to the next. Null: not understood. */
type Lines = Map<string, ProcLock | null>;

interface Gathered {
  /** Of all reads, each once; most often they are all the same. */
  readonly texts: ReadonlySet<string>;
  readonly lines: Lines;
  readonly locks: readonly ProcLock[];
}

/** Whoever asks while one is under way shares the next one: no answer is older than its question. */
export function createLockGatherer(os: Os): GatherProcLocks {
  const gather = gatherer(os);
  let running: ReturnType<GatherProcLocks> | null = null;
  let next: ReturnType<GatherProcLocks> | null = null;
  const begin = (): ReturnType<GatherProcLocks> => {
    next = null;
    const begun = gather().finally(() => {
      if (running === begun) running = null;
    });
    running = begun;
    return begun;
  };
  return () => {
    if (running === null) return begin();
    next ??= running.then(begin, begin);
    return next;
  };
}

function gatherer(os: Os): GatherProcLocks {
  let latest: Gathered = { texts: new Set(), lines: new Map(), locks: [] };
  return async () => {
    const known = latest;
    const texts = new Set<string>();
    try {
      for (let readCount = 1; readCount <= readCountMax; readCount += 1) {
        const text = await os.readProcLocks();
        texts.add(text);
        if (text.length < pageBytes) break;
      }
    } catch (error) {
      errnoOf(error);
      return null;
    }
    if (texts.size === known.texts.size && texts.isSubsetOf(known.texts)) return known.locks;
    const lines: Lines = new Map();
    let isNew = false;
    for (const text of texts) isNew = takeLines(text, lines, known.lines) || isNew;
    const isSame = !isNew && lines.size === known.lines.size;
    latest = { texts, lines, locks: isSame ? known.locks : locksOf(lines) };
    return latest.locks;
  };
}

/** @returns whether there was one that `known` does not have. */
function takeLines(text: string, lines: Lines, known: Lines): boolean {
  let isNew = false;
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf("\n", start);
    const end = newline === -1 ? text.length : newline;
    const line = text.slice(text.indexOf(":", start) + 1, end);
    start = end + 1;
    if (lines.has(line)) continue;
    let lock = known.get(line);
    if (lock === undefined) {
      isNew = true;
      lock = parseProcLockLine(`0:${line}`);
    }
    lines.set(line, lock);
  }
  return isNew;
}

function locksOf(lines: Lines): readonly ProcLock[] {
  return [...lines.values()].filter((lock) => lock !== null);
}
