/** Which processes a daemon has, from /proc: its sql workers are its only children. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { waitFor } from "../../support/waitFor.ts";

/** Null: it is gone, or a zombie that nobody has waited for. */
function parentOf(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state, parentPid] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" || state === "X" ? null : Number(parentPid);
  } catch {
    return null;
  }
}

export function isAlive(pid: number): boolean {
  return parentOf(pid) !== null;
}

export function childrenOf(pid: number): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => parentOf(candidate) === pid);
}

/** What its descriptors lead to; one that is closed meanwhile is left out. */
export function openPathsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((descriptor) => {
      try {
        return [readlinkSync(`/proc/${pid}/fd/${descriptor}`)];
      } catch {
        return [];
      }
    });
  } catch {
    return [];
  }
}

export async function waitUntilGone(pids: readonly number[]): Promise<void> {
  await waitFor(`processes ${pids.join(", ")} to be gone`, () => !pids.some(isAlive));
}

/**
 * The worker that has the database open, stopped, so that it cannot be ready before the test has done to it
 * what it wants.
 */
export async function stopWorkerOn(daemon: { readonly pid: number }, path: string): Promise<number> {
  const pid = await waitFor(
    "a worker to have the database open",
    () => childrenOf(daemon.pid).find((child) => openPathsOf(child).includes(path)),
    { intervalMs: 1 },
  );
  process.kill(pid, "SIGSTOP");
  return pid;
}
