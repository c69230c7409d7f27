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
import { type ProcLock, parseProcLocks } from "../format/procLocks.ts";
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

/** Every lock that was held throughout, and some that were held for a part of it; off the event loop. */
export async function gatherProcLocks(os: Os): Promise<readonly ProcLock[] | null> {
  const lines = new Set<string>();
  try {
    for (let readCount = 1; readCount <= readCountMax; readCount += 1) {
      const text = await os.readProcLocks();
      // The ordinal says nothing, and differs from one read to the next.
      for (const line of text.split("\n")) lines.add(line.replace(/^\d+:/, "0:"));
      if (text.length < pageBytes) break;
    }
  } catch (error) {
    errnoOf(error);
    return null;
  }
  return parseProcLocks([...lines].join("\n"));
}
