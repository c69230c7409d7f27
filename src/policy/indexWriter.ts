/**
 * Whether a process may write the WAL-index (-shm), by the owner and permissions of the file and the process's user. Pure.
 *
 * Source: wal.c, walTryBeginRead(): a connection whose -shm is open for reading only (WAL_SHM_RDONLY) sets no mark; it takes
 * the newest one that is there, however old. os_unix.c, unixOpenSharedMemory(): -shm is opened for reading only where it
 * cannot be opened for writing.
 *
 * What is not seen: groups and access lists (then it is not said that it may), a mount that is read-only for that process
 * alone, and a URI with readonly_shm=1.
 */
import type { FileLook, LockHolder } from "../domain/observation.ts";

const ownerMayWrite = 0o200;
const groupAndOthersMayWrite = 0o022;

/** False also where it cannot be told. */
export function mayWriteIndex({ uid }: LockHolder, shm: FileLook): boolean {
  if (uid === undefined || uid === null || shm.kind !== "regular") return false;
  if (uid === 0) return true;
  if (uid === shm.uid) return (shm.permissions & ownerMayWrite) !== 0;
  // Of its groups nothing is known, so both must allow it.
  return (shm.permissions & groupAndOthersMayWrite) === groupAndOthersMayWrite;
}
