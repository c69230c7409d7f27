/**
 * One database, looked at again and again: what was seen at the look before is given again, by the same values, where it
 * cannot be otherwise now. So a look at a database at rest costs four stat calls, and whoever compares two
 * observations part by part sees what has changed.
 *
 * Every half a minute, of a large fleet less often (`observer.ts`), and whenever an act depends on it, a look is taken
 * anew: nothing that was read before is believed.
 */
import type { FileLook, LockLook, MountLook, Observation } from "../domain/observation.ts";
import type { DatabaseHeaderResult } from "../format/databaseHeader.ts";
import { parseWalIndex, type WalIndex, walIndexHeaderBytes } from "../format/walIndex.ts";
import { lookAtFile } from "../host/fileLook.ts";
import type { Os } from "../host/os.ts";
import { KeptAccess } from "./accessLook.ts";
import {
  createFileMemory,
  type FileReading,
  type LookTerms,
  readDatabaseHeader,
  readWal,
} from "./databaseFiles.ts";
import { createPathResolver, type DatabasePaths, type PathResolver, pathsOf } from "./databasePath.ts";
import { type HeldBudget, HeldFile } from "./heldFile.ts";
import { withHiddenLocks } from "./hiddenLocks.ts";
import { KeptLocks } from "./keptLocks.ts";
import type { LockSources } from "./lockLook.ts";
import type { MountTable } from "./mountTable.ts";

/** What all looks of one sweep have in common. */
export interface SweepView {
  readonly os: Os;
  readonly nowMs: () => number;
  /** Wall clock when the gathering of the locks began. */
  readonly locksAtMs: number;
  /** Null: /proc/locks cannot be read. */
  readonly sources: LockSources | null;
  readonly mountFor: MountTable;
  readonly freeBytesAt: (directory: string, mount: MountLook) => number | null;
  /** Nothing that was read is believed for longer. */
  readonly anewEveryMs: number;
}

/** `changed`: or it cannot be told without a look. `committed`: nothing but commits to the same WAL, and no checkpoint's reset. */
export type Glance =
  | { readonly kind: "changed" | "unconnected" | "connected" }
  | { readonly kind: "committed"; readonly observation: Observation };

const changed: Glance = { kind: "changed" };
const unconnected: Glance = { kind: "unconnected" };
const connected: Glance = { kind: "connected" };

const indexBytes = new Uint8Array(walIndexHeaderBytes);
/** A writer changes the header for a moment at each commit. */
const peekAttemptsMax = 4;
const noPids: ReadonlySet<number> = new Set();

interface DatabaseReading {
  readonly isThere: boolean;
  readonly database: FileReading<DatabaseHeaderResult>;
}

interface KeptMounts {
  readonly table: MountTable;
  readonly paths: DatabasePaths;
  readonly mount: MountLook;
  readonly shmMount: MountLook;
}

export class DatabaseLook {
  readonly #configuredPath: string;
  readonly #resolver: PathResolver;
  readonly #files = createFileMemory();
  readonly #access = new KeptAccess();
  readonly #locks = new KeptLocks();
  #paths: DatabasePaths;
  #anewAtMs: number | null = null;
  #firstAtMs: number | null = null;
  #mounts: KeptMounts | null = null;
  #journal: { readonly beside: FileLook; readonly journal: FileLook } | null = null;
  readonly #phase: number;
  readonly #heldShm: HeldFile;
  #isConnected = false;
  #latest: Observation | null = null;

  /** @param phase 0 to 1, its place in that time: not all databases have their turn at once. */
  constructor(os: Os, configuredPath: string, phase: number, heldBudget: HeldBudget) {
    this.#heldShm = new HeldFile(os, heldBudget);
    this.#phase = phase;
    this.#configuredPath = configuredPath;
    this.#resolver = createPathResolver(os);
    this.#paths = pathsOf(configuredPath);
  }

  /** It is looked at no more. */
  end(): void {
    this.#heldShm.release();
  }

  look(view: SweepView, options: { readonly anew: boolean }): Observation {
    const { os, mountFor, sources } = view;
    const nowMs = view.nowMs();
    const anew = options.anew || this.#isDueAnew(nowMs, view.anewEveryMs);
    const { isThere, database } = this.#readDatabase(os, { anew, nowMs });
    const paths = this.#paths;
    const { mount, shmMount } = this.#mountsOf(paths, mountFor);
    const locksWith = (look: FileLook, isAnew: boolean): LockLook =>
      withHiddenLocks(
        os,
        this.#locks.look(sources, { look: database.look, mount }, { look, mount: shmMount }, isAnew),
        sources?.ownPids ?? noPids,
        { path: paths.database, look: database.look },
        { path: paths.shm, look },
      );
    const shmLook = lookAtFile(os, paths.shm, { followLinks: false });
    const locks = locksWith(shmLook, anew);
    const terms = { anew, nowMs, ...connectionTerms(locks, view.locksAtMs), heldShm: this.#heldShm };
    this.#isConnected = terms.isConnected;
    const { wal, shm } = readWal(os, paths, shmLook, this.#files, terms);
    const journal = this.#lookAtJournal(os, paths, database, anew);
    this.#latest = Object.freeze({
      observedAtMs: nowMs,
      resolvedPath: isThere ? paths.database : null,
      database: database.look,
      wal: wal.look,
      shm: shm.look,
      journal,
      header: database.parsed,
      walHeader: wal.parsed,
      walIndex: shm.parsed,
      mount,
      locks: isSameFile(shm.look, shmLook) ? locks : locksWith(shm.look, false),
      access: this.#access.look(os, paths, [database.look, wal.look, shm.look], anew),
      freeBytes: view.freeBytesAt(paths.directory, mount),
    });
    return this.#latest;
  }

  /**
   * Whether the locks are the same as at the look before and, where somebody is connected, the header of the WAL-index too,
   * else the WAL; no other file is asked about. Beside somebody who is connected nothing was committed then. Where commits have moved that
   * header on, only the WAL is looked at: the rest of the observation is of the look before.
   */
  glance(view: SweepView): Glance {
    if (this.#mounts?.table !== view.mountFor || !this.#locks.isStill(view.sources)) return changed;
    if (!this.#isConnected) return this.#hasSameWal(view.os) ? unconnected : changed;
    const { walIndex } = this.#files;
    const nowMs = view.nowMs();
    const bytes = this.#heldShm.readHeld(walIndex.identity, indexBytes);
    if (bytes === null || this.#latest === null) return changed;
    return walIndex.hasBytes(bytes) ? connected : this.#withCommits(view.os, this.#latest, bytes, nowMs);
  }

  /** The WAL-index as it is now, where it is held open, and nothing else; null: it is not, or was changed just then. */
  peek(): WalIndex | null {
    if (!this.#isConnected) return null;
    for (let attempt = 1; attempt <= peekAttemptsMax; attempt += 1) {
      const bytes = this.#heldShm.readHeld(this.#files.walIndex.identity, indexBytes);
      if (bytes === null) return null;
      const parsed = parseWalIndex(bytes);
      if (parsed.kind === "index") return parsed.index;
    }
    return null;
  }

  /** The WAL-index as it was at the last look or glance; null: nobody is connected, or it was being changed. */
  seenIndex(): WalIndex | null {
    const walIndex = this.#isConnected ? this.#latest?.walIndex : null;
    return walIndex?.kind === "index" ? walIndex.index : null;
  }

  /** Of the WAL file; null: there is none that could be asked about. */
  walFileBytes(os: Os): number | null {
    const wal = lookAtFile(os, this.#paths.wal, { followLinks: false });
    return wal.kind === "regular" ? wal.sizeBytes : null;
  }

  /** Whoever commits and ends between two sweeps, by SIGKILL too, leaves a WAL that is longer, newer or gone. */
  #hasSameWal(os: Os): boolean {
    return lookAtFile(os, this.#paths.wal, { followLinks: false }) === this.#latest?.wal;
  }

  #withCommits(os: Os, before: Observation, bytes: Uint8Array, nowMs: number): Glance {
    const walIndex = this.#files.walIndex.takeAnew(bytes);
    if (walIndex.kind !== "index" || before.walIndex?.kind !== "index") return changed;
    const { index } = walIndex;
    const isSameWal =
      index.salt1 === before.walIndex.index.salt1 && index.salt2 === before.walIndex.index.salt2;
    if (!isSameWal || index.mxFrame < before.walIndex.index.mxFrame) return changed;
    const wal = lookAtFile(os, this.#paths.wal, { followLinks: false });
    if (wal.kind !== "regular" || !isSameFile(wal, before.wal)) return changed;
    this.#latest = Object.freeze({ ...before, observedAtMs: nowMs, wal, walIndex });
    return { kind: "committed", observation: this.#latest };
  }

  /** For as long as no mount has changed. */
  #mountsOf(paths: DatabasePaths, table: MountTable): KeptMounts {
    if (this.#mounts?.table !== table || this.#mounts.paths !== paths)
      this.#mounts = { table, paths, mount: table(paths.database), shmMount: table(paths.shm) };
    return this.#mounts;
  }

  /** A database in WAL mode has one only while its header is changed to another mode, and that changes the file. */
  #lookAtJournal(
    os: Os,
    paths: DatabasePaths,
    { look, parsed }: FileReading<DatabaseHeaderResult>,
    anew: boolean,
  ): FileLook {
    const inWalMode = parsed?.kind === "header" && parsed.header.inWalMode;
    const before = this.#journal;
    if (!anew && inWalMode && before?.beside === look && before.journal.kind === "absent")
      return before.journal;
    const journal = lookAtFile(os, paths.journal, { followLinks: false });
    this.#journal = { beside: look, journal };
    return journal;
  }

  /** The first look is one anyway. */
  #isDueAnew(nowMs: number, anewEveryMs: number): boolean {
    this.#firstAtMs ??= nowMs;
    // How many databases there are is known only after some sweeps.
    const ageMs = nowMs - (this.#anewAtMs ?? this.#firstAtMs - this.#phase * anewEveryMs);
    if (ageMs >= 0 && ageMs < anewEveryMs) return false;
    this.#anewAtMs = nowMs;
    return true;
  }

  /** A kept path at which nothing is any more is resolved anew: the link in it may lead elsewhere now. */
  #readDatabase(os: Os, terms: LookTerms): DatabaseReading {
    for (let attempt = 1; ; attempt += 1) {
      const resolved = this.#resolver.resolve(this.#configuredPath);
      if (resolved.path !== this.#paths.database) this.#paths = pathsOf(resolved.path);
      if (resolved.kind === "unresolved")
        return { isThere: false, database: { look: resolved.look, parsed: null } };
      const database = readDatabaseHeader(os, resolved.path, this.#files.header, terms);
      if (database.look.kind !== "absent") return { isThere: true, database };
      this.#resolver.forget(this.#configuredPath);
      if (attempt === 2) return { isThere: false, database };
    }
  }
}

/** What the locks say about who may be changing the WAL-index. */
function connectionTerms(
  locks: LockLook,
  locksAtMs: number,
): { readonly unconnectedAtMs: number | null; readonly isConnected: boolean } {
  if (locks.kind !== "seen") return { unconnectedAtMs: null, isConnected: false };
  const isConnected = locks.connectedWithOwnCount > 0;
  return { unconnectedAtMs: locks.viewIsComplete && !isConnected ? locksAtMs : null, isConnected };
}

function isSameFile(one: FileLook, other: FileLook): boolean {
  if (one.kind !== "regular" || other.kind !== "regular") return one.kind === other.kind;
  return one.identity === other.identity;
}
