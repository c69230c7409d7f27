/**
 * Who holds which of SQLite's locks on one database, from the lines of /proc/locks. Pure, but for the names.
 *
 * Sources: SQLite src/os_unix.c and src/os.h (PENDING_BYTE 0x40000000, the SHARED range of 510 bytes from
 * PENDING_BYTE + 2; UNIX_SHM_BASE 120, UNIX_SHM_DMS 128), src/wal.c (WAL_WRITE_LOCK 0, WAL_CKPT_LOCK 1,
 * WAL_RECOVER_LOCK 2, WAL_READ_LOCK(I) 3 + I).
 *
 * Locks are found by the inode and the device that mountinfo names, never st_dev: on Btrfs they differ.
 */
import type { LockHolder, LockLook } from "../domain/observation.ts";
import { lockCoversByte, type ProcLock } from "../format/procLocks.ts";

const sharedFirstByte = 0x40000000 + 2;
const sharedLastByte = sharedFirstByte + 510 - 1;
const shmWriteByte = 120;
const shmCheckpointByte = 121;
const shmRecoverByte = 122;
const shmReadFirstByte = 123;
const shmReadMarkCount = 5;
const shmConnectedByte = 128;

/** Finds the locks on one file. */
export type LockIndex = ReadonlyMap<string, readonly ProcLock[]>;

export function indexLocks(locks: readonly ProcLock[]): LockIndex {
  const index = new Map<string, ProcLock[]>();
  for (const lock of locks) {
    const key = keyOf(lock);
    const ofFile = index.get(key);
    if (ofFile === undefined) index.set(key, [lock]);
    else ofFile.push(lock);
  }
  return index;
}

export interface LockedFile {
  /** "major:minor" in decimal, of the mount. */
  readonly device: string;
  readonly inode: string;
}

export interface LockSources {
  readonly index: LockIndex;
  readonly ownPids: ReadonlySet<number>;
  readonly holderOf: (pid: number) => LockHolder;
  /** No process is outside the PID namespace: what is not listed is not held. */
  readonly viewIsComplete: boolean;
}

const noLocks: readonly ProcLock[] = [];

/** Null for a file that is not there. */
export function lookAtLocks(
  sources: LockSources,
  database: LockedFile | null,
  shm: LockedFile | null,
): LockLook {
  const { ownPids, holderOf } = sources;
  // A lease (Samba, an NFS server) is no lock of SQLite's; a whole-file flock is: VFS unix-flock takes it.
  const databaseLocks = locksOn(sources.index, database).filter(
    (lock) => !ownPids.has(lock.pid) && (isByteRange(lock) || lock.mechanism === "FLOCK"),
  );
  const shmLocks = locksOn(sources.index, shm).filter(isByteRange);
  const exclusive = databaseLocks.find(
    (lock) => lock.access === "WRITE" && lock.firstByte <= sharedLastByte && lock.lastByte >= sharedFirstByte,
  );
  const connectedPids = pidsOf(shmLocks.filter((lock) => lockCoversByte(lock, shmConnectedByte)));
  const foreignShmLocks = shmLocks.filter((lock) => !ownPids.has(lock.pid));
  const heldForWriting = (byte: number): LockHolder | null => {
    const held = foreignShmLocks.find((lock) => lock.access === "WRITE" && lockCoversByte(lock, byte));
    return held === undefined ? null : holderOf(held.pid);
  };
  return {
    kind: "seen",
    exclusive: exclusive === undefined ? null : holderOf(exclusive.pid),
    databaseLockers: pidsOf(databaseLocks).map(holderOf),
    connected: connectedPids.filter((pid) => !ownPids.has(pid)).map(holderOf),
    writer: heldForWriting(shmWriteByte),
    checkpointer: heldForWriting(shmCheckpointByte),
    recovering: heldForWriting(shmRecoverByte),
    readers: readersIn(foreignShmLocks, holderOf),
    viewIsComplete: sources.viewIsComplete,
    hidden: null,
    connectedWithOwnCount: connectedPids.length,
  };
}

/** Those of one file; none when it is not there. */
function locksOn(index: LockIndex, file: LockedFile | null): readonly ProcLock[] {
  return locksByKey(index, lockKeyOf(file));
}

/** Whoever asks about the same file again and again keeps its key. */
export function lockKeyOf(file: LockedFile | null): string | null {
  return file === null ? null : keyOf(file);
}

export function locksByKey(index: LockIndex, key: string | null): readonly ProcLock[] {
  return key === null ? noLocks : (index.get(key) ?? noLocks);
}

function keyOf({ device, inode }: LockedFile): string {
  return `${device} ${inode}`;
}

function isByteRange(lock: ProcLock): boolean {
  return lock.mechanism === "POSIX" || lock.mechanism === "OFDLCK";
}

/** Each once. */
function pidsOf(locks: readonly ProcLock[]): readonly number[] {
  return [...new Set(locks.map((lock) => lock.pid))];
}

/**
 * Readers hold their mark shared. Held exclusively it is no reader: a connection is setting the mark anew, or
 * a checkpoint or a writer about to start over keeps readers away for a moment.
 */
function readersIn(
  locks: readonly ProcLock[],
  holderOf: (pid: number) => LockHolder,
): readonly { readonly mark: number; readonly holder: LockHolder }[] {
  const readers = new Map<string, { mark: number; holder: LockHolder }>();
  for (const lock of locks) {
    if (lock.access !== "READ") continue;
    for (let mark = 0; mark < shmReadMarkCount; mark += 1)
      if (lockCoversByte(lock, shmReadFirstByte + mark))
        readers.set(`${mark} ${lock.pid}`, { mark, holder: holderOf(lock.pid) });
  }
  return [...readers.values()];
}
