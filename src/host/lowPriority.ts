/**
 * Makes this process give way: nice 19, and the lowest level of the best-effort class for the disk. Both need no right,
 * and neither can be taken back without one.
 *
 * Not the idle class: what it gets of a busy disk may be nothing at all, and a check that stands still holds its read
 * transaction, and with it the WAL, all the longer.
 *
 * Sources: setpriority(2), ioprio_set(2). Priorities belong to threads: this one and what it starts later.
 */
import { setPriority } from "node:os";
import { setIoPriority } from "./libc.ts";

const niceLowest = 19;
const bestEffort = 2;
const levelLowest = 7;

/** What the system refuses is done without: a check at normal priority is still a check. */
export function lowerPriority(): void {
  try {
    setPriority(niceLowest);
    setIoPriority(bestEffort, levelLowest);
  } catch {
    // A seccomp filter, or a C library that cannot be loaded.
  }
}
