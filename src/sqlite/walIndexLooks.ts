/**
 * What the worker can tell of the WAL-index without opening it: its counts by PRAGMA wal_checkpoint(NOOP), and who holds
 * which of its locks by /proc/locks. Lock bytes: SQLite src/wal.c and src/os_unix.c (120 WRITE, 121 CKPT, 123 to 127
 * READ(0) to READ(4)).
 */
import type { Database } from "bun:sqlite";
import { lockCoversByte, type ProcLock } from "../format/procLocks.ts";
import { readProcLocks } from "../host/procLocks.ts";
import { firstRow } from "../profile/sqlConnection.ts";
import type { WalIndexFile } from "./readMarks.ts";

const writeByte = 120;
const checkpointByte = 121;
const databaseMarkByte = 123;
const walMarkBytes = [124, 125, 126, 127];
/** Held shared by whoever is connected (os_unix.c, UNIX_SHM_DMS). */
const connectedByte = 128;
const busyBytes = [writeByte, checkpointByte, databaseMarkByte, ...walMarkBytes];

export interface WalCounts {
  readonly mxFrame: number;
  readonly nBackfill: number;
}

/** Copies nothing, takes no lock; -1 each for a database that is not in WAL mode. */
export function walCounts(connection: Database): WalCounts {
  const [, log, checkpointed] = firstRow(connection, "PRAGMA main.wal_checkpoint(NOOP)");
  return { mxFrame: Number(log), nBackfill: Number(checkpointed) };
}

/** There are frames, and all of them are in the database: the next writer may start the WAL over. */
export function isComplete({ mxFrame, nBackfill }: WalCounts): boolean {
  return mxFrame > 0 && nBackfill >= mxFrame;
}

/** A text of one page is a snapshot; of a longer one a lock that is held may be left out (host/procLocks.ts). */
const snapshotLockCountMax = 50;

/** Every lock that is held throughout, as far as three reads tell; some that were held for a part of it. Null: hidden. */
export function seenLocks(): readonly ProcLock[] | null {
  const locks = readProcLocks();
  if (locks === null || locks.length <= snapshotLockCountMax) return locks;
  return [...locks, ...(readProcLocks() ?? []), ...(readProcLocks() ?? [])];
}

/** By process, file and byte. Locks of an open file description have no process, and are never our own. */
function holds(lock: ProcLock, shm: WalIndexFile, byte: number): boolean {
  return lock.inode === shm.inode && lock.device === shm.device && lockCoversByte(lock, byte);
}

/** Another process reads, writes or checkpoints, as far as this PID namespace shows it. */
export function othersHoldWal(locks: readonly ProcLock[], shm: WalIndexFile): boolean {
  return locks.some((lock) => lock.pid !== process.pid && busyBytes.some((byte) => holds(lock, shm, byte)));
}

/** The same, but for a process that writes: its commit is waited for under TRUNCATE's own busy timeout. */
export function othersThanWriterHoldWal(locks: readonly ProcLock[], shm: WalIndexFile): boolean {
  const writers = new Set(locks.filter((lock) => holds(lock, shm, writeByte)).map(({ pid }) => pid));
  return othersHoldWal(
    locks.filter(({ pid }) => !writers.has(pid)),
    shm,
  );
}

/** Another process is connected to the WAL-index, as far as this PID namespace shows it. */
export function othersAreConnected(locks: readonly ProcLock[], shm: WalIndexFile): boolean {
  return locks.some((lock) => lock.pid !== process.pid && holds(lock, shm, connectedByte));
}

/** Another process holds a read mark, mark 0 included. */
export function othersRead(locks: readonly ProcLock[], shm: WalIndexFile): boolean {
  const readBytes = [databaseMarkByte, ...walMarkBytes];
  return locks.some((lock) => lock.pid !== process.pid && readBytes.some((byte) => holds(lock, shm, byte)));
}

/** Whether this process holds a mark that keeps the WAL from starting over, mark 0 alone, or none. */
export function ownReadMark(
  locks: readonly ProcLock[] | null,
  shm: WalIndexFile,
): "wal" | "database" | "none" {
  const own = (locks ?? []).filter((lock) => lock.pid === process.pid);
  if (own.some((lock) => walMarkBytes.some((byte) => holds(lock, shm, byte)))) return "wal";
  return own.some((lock) => holds(lock, shm, databaseMarkByte)) ? "database" : "none";
}

/** This process holds WRITE and CKPT: a TRUNCATE of its own is under way that has not become a PASSIVE. */
export function ownTruncateIsUnderWay(locks: readonly ProcLock[], shm: WalIndexFile): boolean {
  const own = locks.filter((lock) => lock.pid === process.pid && lock.access === "WRITE");
  return [writeByte, checkpointByte].every((byte) => own.some((lock) => holds(lock, shm, byte)));
}
