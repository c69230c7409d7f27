/**
 * Who reads the WAL: read marks 1 to 4 of the WAL-index, as locks of other processes on bytes 124 to 127 of
 * `-shm` (wal.c, WAL_READ_LOCK: 120 + 3 + mark). A reader on mark 0 reads the database alone and does not
 * keep the WAL from starting over.
 *
 * Invariant: `free` is only said when the locks were seen.
 */
import { lockCoversByte, type ProcLock } from "../format/procLocks.ts";
import { waitMs } from "../host/preciseWait.ts";
import { readProcLocks } from "../host/procLocks.ts";

const firstMarkByte = 124;
const lastMarkByte = 127;
const pollMs = 0.5;

/** The WAL-index as /proc/locks names it. */
export interface WalIndexFile {
  /** "major:minor" of the mount, decimal. */
  readonly device: string;
  readonly inode: string;
}

export type ReadMarks = "free" | "held" | "unobservable";

export function readMarksOf(locks: readonly ProcLock[] | null, shm: WalIndexFile, ownPid: number): ReadMarks {
  if (locks === null) return "unobservable";
  const held = locks.some((lock) => lock.pid !== ownPid && marks.some((byte) => isOn(lock, shm, byte)));
  return held ? "held" : "free";
}

/** Whether others are on the mark that this process reads by; without one it shares none. */
export function ownMarkOf(
  locks: readonly ProcLock[] | null,
  shm: WalIndexFile,
  ownPid: number,
): "alone" | "shared" | "unobservable" {
  if (locks === null) return "unobservable";
  const own = marks.filter((byte) => locks.some((lock) => lock.pid === ownPid && isOn(lock, shm, byte)));
  const shared = own.some((byte) => locks.some((lock) => lock.pid !== ownPid && isOn(lock, shm, byte)));
  return shared ? "shared" : "alone";
}

function isOn(lock: ProcLock, shm: WalIndexFile, byte: number): boolean {
  return lock.inode === shm.inode && lock.device === shm.device && lockCoversByte(lock, byte);
}

const marks = Array.from({ length: lastMarkByte - firstMarkByte + 1 }, (_, index) => firstMarkByte + index);

/** Looks at least once, and again until the marks are free or `untilMs` on performance.now() has come. */
export function waitForFreeReadMarks(shm: WalIndexFile | null, untilMs: number): ReadMarks {
  if (shm === null) return "unobservable";
  for (;;) {
    const look = readMarksOf(readProcLocks(), shm, process.pid);
    if (look !== "held" || performance.now() + pollMs >= untilMs) return look;
    waitMs(pollMs);
  }
}
