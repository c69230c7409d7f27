/**
 * Looks at databases from outside: files, raw headers, locks, mounts. Opens nothing with SQLite, takes no
 * lock, never throws on what it finds and never blocks on a FIFO or a device.
 *
 * A sweep reads /proc/locks once for all databases, at its beginning, and mountinfo at most every few seconds:
 * a sweep is for now, not for keeping. Only for processes that never use SQLite: reading a database and closing it drops every lock
 * that the process holds on it (sqlite.org/howtocorrupt.html, section 2.2).
 */
import { constants } from "node:fs";
import { dirname } from "node:path";
import type {
  AccessLook,
  FileLook,
  LockHolder,
  LockLook,
  MountLook,
  Observation,
} from "../domain/observation.ts";
import type { DatabaseHeaderResult } from "../format/databaseHeader.ts";
import type { ProcLock } from "../format/procLocks.ts";
import type { Clock } from "../host/clock.ts";
import { lookAtFile } from "../host/fileLook.ts";
import { readFreeBytes } from "../host/freeSpace.ts";
import { readMounts } from "../host/mounts.ts";
import type { Os } from "../host/os.ts";
import { isInInitialPidNamespace } from "../host/pidNamespace.ts";
import { readProcessName } from "../host/processName.ts";
import { gatherProcLocks } from "../host/procLocks.ts";
import { type FileReading, readDatabaseHeader, readWal } from "./databaseFiles.ts";
import { createPathResolver, type PathResolver } from "./databasePath.ts";
import { indexLocks, type LockedFile, type LockSources, lookAtLocks } from "./lockLook.ts";
import { createMountTable, type MountTable } from "./mountTable.ts";

export interface ObserverHost {
  readonly os: Os;
  readonly clock: Clock;
  /** The daemon and its workers: their locks are left out. */
  readonly ownPids: () => ReadonlySet<number>;
}

export interface Observer {
  /** Gathers the locks off the event loop, with none that is held left out. */
  gatherSweep(): Promise<Sweep>;
}

export interface Sweep {
  /** @param path absolute, as configured. */
  observe(path: string): Observation;
}

export function createObserver(host: ObserverHost): Observer {
  const paths = createPathResolver(host.os);
  const viewIsComplete = isInInitialPidNamespace(host.os);
  const { os } = host;
  const mounts = createMountMemory(host);
  return {
    gatherSweep: async () => {
      const locks = await gatherProcLocks(os);
      return beginSweep(host, paths, viewIsComplete, locks, mounts());
    },
  };
}

/** Mounts change rarely, and reading them was nearly half of what an idle daemon did (measured). */
const mountsKeptMs = 5_000;

function createMountMemory(host: ObserverHost): () => MountTable {
  let table: MountTable | null = null;
  let readAtMs = 0;
  return () => {
    const nowMs = host.clock.monotonicMs();
    if (table === null || nowMs - readAtMs >= mountsKeptMs) {
      const mounts = readMounts(host.os);
      // What could not be read is tried again at the next sweep.
      if (mounts === null) return createMountTable(null);
      table = createMountTable(mounts);
      readAtMs = nowMs;
    }
    return table;
  };
}

function beginSweep(
  host: ObserverHost,
  paths: PathResolver,
  viewIsComplete: boolean,
  locks: readonly ProcLock[] | null,
  mountFor: MountTable,
): Sweep {
  const { os } = host;
  const sources: LockSources | null =
    locks === null
      ? null
      : { index: indexLocks(locks), ownPids: host.ownPids(), holderOf: rememberHolders(os), viewIsComplete };
  const freeBytesAt = rememberFreeBytes(os);
  return {
    observe(configuredPath) {
      const observedAtMs = host.clock.nowMs();
      const { path, isThere, database } = readDatabase(os, paths, configuredPath);
      const { wal, shm } = readWal(os, `${path}-wal`, `${path}-shm`);
      const mount = mountFor(path);
      return Object.freeze({
        observedAtMs,
        resolvedPath: isThere ? path : null,
        database: database.look,
        wal: wal.look,
        shm: shm.look,
        journal: lookAtFile(os, `${path}-journal`, { followLinks: false }),
        header: database.parsed,
        walHeader: wal.parsed,
        walIndex: shm.parsed,
        mount,
        locks: lookAtLocksOf(sources, database.look, mount, shm.look, mountFor(`${path}-shm`)),
        access: lookAtAccess(os, path, database.look, wal.look, shm.look),
        freeBytes: freeBytesAt(dirname(path), mount),
      });
    },
  };
}

interface DatabaseReading {
  readonly path: string;
  readonly isThere: boolean;
  readonly database: FileReading<DatabaseHeaderResult>;
}

/** A kept path at which nothing is any more is resolved anew: the link in it may lead elsewhere now. */
function readDatabase(os: Os, paths: PathResolver, configuredPath: string): DatabaseReading {
  for (let attempt = 1; ; attempt += 1) {
    const resolved = paths.resolve(configuredPath);
    const { path } = resolved;
    if (resolved.kind === "unresolved")
      return { path, isThere: false, database: { look: resolved.look, parsed: null } };
    const database = readDatabaseHeader(os, path);
    if (database.look.kind !== "absent") return { path, isThere: true, database };
    paths.forget(configuredPath);
    if (attempt === 2) return { path, isThere: false, database };
  }
}

function lookAtLocksOf(
  sources: LockSources | null,
  database: FileLook,
  databaseMount: MountLook,
  shm: FileLook,
  shmMount: MountLook,
): LockLook {
  if (sources === null) return { kind: "unobservable", reason: "/proc/locks cannot be read" };
  if (databaseMount.kind !== "seen") return databaseMount;
  if (shmMount.kind !== "seen") return shmMount;
  return lookAtLocks(sources, lockedFile(database, databaseMount.device), lockedFile(shm, shmMount.device));
}

function lockedFile(look: FileLook, device: string): LockedFile | null {
  if (look.kind !== "regular") return null;
  return { device, inode: look.identity.slice(look.identity.indexOf(":") + 1) };
}

/** Null: nothing that could be opened is there. A file that is absent could be made where the directory allows. */
function lookAtAccess(
  os: Os,
  path: string,
  database: FileLook,
  wal: FileLook,
  shm: FileLook,
): AccessLook | null {
  if (database.kind === "other") return null;
  const directoryWritable = os.access(dirname(path), constants.W_OK | constants.X_OK);
  // Every last close takes -wal and -shm away: gone since it was looked at is not forbidden.
  const isGone = (look: FileLook, suffix: string): boolean =>
    look.kind === "absent" || lookAtFile(os, path + suffix, { followLinks: false }).kind === "absent";
  const writable = (look: FileLook, suffix: string): boolean =>
    os.access(path + suffix, constants.W_OK) || (directoryWritable && isGone(look, suffix));
  return {
    databaseReadable: database.kind !== "absent" && os.access(path, constants.R_OK),
    databaseWritable: writable(database, ""),
    walWritable: writable(wal, "-wal"),
    shmWritable: writable(shm, "-shm"),
    directoryWritable,
    effectiveUid: process.geteuid?.() ?? -1,
  };
}

function rememberHolders(os: Os): (pid: number) => LockHolder {
  const holders = new Map<number, LockHolder>();
  return (pid) => {
    const known = holders.get(pid);
    if (known !== undefined) return known;
    const holder: LockHolder = { pid, comm: readProcessName(os, pid) };
    holders.set(pid, holder);
    return holder;
  };
}

/** Once for each file system in a sweep; for a path whose mount is not known, once for its directory. */
function rememberFreeBytes(os: Os): (directory: string, mount: MountLook) => number | null {
  const freeBytes = new Map<string, number | null>();
  return (directory, mount) => {
    const key = mount.kind === "seen" ? `${mount.device} ${mount.mountPoint}` : directory;
    const known = freeBytes.get(key);
    if (known !== undefined) return known;
    const read = readFreeBytes(os, directory);
    freeBytes.set(key, read);
    return read;
  };
}
