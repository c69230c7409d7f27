/**
 * The text of /proc/locks: every file lock that the kernel knows and this PID namespace may see.
 *
 * Source: proc_locks(5) and lock_get_status() in the kernel's fs/locks.c.
 *
 *     1: POSIX  ADVISORY  WRITE 5329 fe:00:2146358 120 120
 *     2: FLOCK  ADVISORY  READ  1042 00:1a:77 0 EOF
 *     2: -> FLOCK  ADVISORY  WRITE 1043 00:1a:77 0 EOF
 *     3: OFDLCK ADVISORY  READ  -1 fe:00:2146358 128 128
 *
 * Ordinal; mechanism; advisory, or the state of a lease; access; process, -1 for an open file description;
 * major:minor in hexadecimal and inode in decimal; first and last byte, EOF for "to the end of the file".
 * Lines with an arrow wait for the lock above them and hold nothing.
 *
 * Invariant: a line that is not understood is left out, never guessed at, and nothing throws.
 */

export interface ProcLock {
  /** POSIX, OFDLCK, FLOCK, LEASE, DELEG. */
  readonly mechanism: string;
  readonly access: "READ" | "WRITE";
  /** -1 for locks of an open file description (OFDLCK). */
  readonly pid: number;
  /** "major:minor" in decimal, as mountinfo writes it (the file itself has hexadecimal). */
  readonly device: string;
  readonly inode: string;
  readonly firstByte: number;
  /** Inclusive; Infinity for EOF. */
  readonly lastByte: number;
}

/** As many digits as the kernel's types have: 32 bits for processes and halves of devices, 64 for inodes and offsets. */
const lockLine =
  /^\d+:\s+([A-Z]+)\s+\S+\s+(READ|WRITE)\s+(-?\d{1,10})\s+([0-9a-f]{1,8}):([0-9a-f]{1,8}):(\d{1,20})\s+(\d{1,19})\s+(\d{1,19}|EOF)$/;

export function parseProcLocks(text: string): readonly ProcLock[] {
  return text
    .split("\n")
    .map(parseProcLockLine)
    .filter((lock) => lock !== null);
}

/** Null: not understood, or one that waits. */
export function parseProcLockLine(line: string): ProcLock | null {
  const fields = lockLine.exec(line);
  if (fields === null) return null;
  const [, mechanism = "", access, pid, major = "", minor = "", inode = "", first, last] = fields;
  return {
    mechanism,
    access: access === "WRITE" ? "WRITE" : "READ",
    pid: Number(pid),
    device: `${Number.parseInt(major, 16)}:${Number.parseInt(minor, 16)}`,
    inode,
    firstByte: Number(first),
    lastByte: last === "EOF" ? Number.POSITIVE_INFINITY : Number(last),
  };
}

/** Adjacent POSIX locks of one process are merged by the kernel: a lock may cover more than was asked for. */
export function lockCoversByte(lock: ProcLock, byte: number): boolean {
  return lock.firstByte <= byte && byte <= lock.lastByte;
}
