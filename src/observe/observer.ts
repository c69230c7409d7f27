/**
 * Looks at databases from outside: files, raw headers, locks, mounts. Opens nothing with SQLite, takes no
 * lock, never throws on what it finds and never blocks on a FIFO or a device.
 *
 * A sweep reads /proc/locks once for all databases, at its beginning, and mountinfo at most every few seconds:
 * a sweep is for now, not for keeping. Only for processes that never use SQLite: reading a database and closing it drops every lock
 * that the process holds on it (sqlite.org/howtocorrupt.html, section 2.2).
 */
import type { LockHolder, MountLook, Observation } from "../domain/observation.ts";
import type { ProcLock } from "../format/procLocks.ts";
import type { WalIndex } from "../format/walIndex.ts";
import type { Clock } from "../host/clock.ts";
import { readFreeBytes } from "../host/freeSpace.ts";
import type { Os } from "../host/os.ts";
import { isInInitialPidNamespace } from "../host/pidNamespace.ts";
import { createProcessMemory, type LookAtProcess } from "../host/processLook.ts";
import { createLockGatherer } from "../host/procLocks.ts";
import { DatabaseLook, type Glance, type SweepView } from "./databaseLook.ts";
import type { HeldBudget } from "./heldFile.ts";
import { indexLocks, type LockIndex } from "./lockLook.ts";
import { createMountMemory } from "./mountTable.ts";

export interface ObserverHost {
  readonly os: Os;
  readonly clock: Clock;
  /** The daemon and its workers: their locks are left out. */
  readonly ownPids: () => ReadonlySet<number>;
}

export interface Observer {
  /** Gathers the locks off the event loop, with none that is held left out. */
  gatherSweep(): Promise<Sweep>;
  /** The WAL-index at this path as it is now, without a look; null: it is not held open, or in the middle of a change. */
  peek(path: string): WalIndex | null;
  /** As the last look or glance saw it, while somebody is connected; nothing is read. */
  seenIndex(path: string): WalIndex | null;
  /** The size of the WAL file as it is now; null: there is none. */
  walFileBytes(path: string): number | null;
}

export interface Sweep {
  /**
   * What has not changed since the look before at this path is the same value as there.
   * @param path absolute, as configured.
   * @param options `anew`: everything is read again, also what cannot have changed by all that is seen.
   */
  observe(path: string, options?: { readonly anew: boolean }): Observation;
  /** Whether anything has changed since the look before at this path, as far as locks and WAL-index tell. */
  glance(path: string): Glance;
}

export function createObserver(host: ObserverHost): Observer {
  const { os, clock } = host;
  const viewIsComplete = isInInitialPidNamespace(os);
  const gatherLocks = createLockGatherer(os);
  const indexOf = createIndexMemory();
  const mounts = createMountMemory(os, clock);
  const ownPidsNow = rememberPids(host.ownPids);
  const { lookFor, knownLook, forgetUnused, count } = createLookMemory(os, clock);
  const lookAtProcess = createProcessMemory(os);
  return {
    peek: (path) => knownLook(path)?.peek() ?? null,
    seenIndex: (path) => knownLook(path)?.seenIndex() ?? null,
    walFileBytes: (path) => knownLook(path)?.walFileBytes(os) ?? null,
    gatherSweep: async () => {
      const locksAtMs = clock.nowMs();
      const locks = await gatherLocks();
      forgetUnused();
      const view: SweepView = {
        os,
        nowMs: () => clock.nowMs(),
        locksAtMs,
        sources:
          locks === null
            ? null
            : {
                index: indexOf(locks),
                ownPids: ownPidsNow(),
                holderOf: rememberHolders(lookAtProcess),
                viewIsComplete,
              },
        mountFor: mounts(),
        freeBytesAt: rememberFreeBytes(os),
        anewEveryMs: Math.max(anewEveryMinMs, count() * anewApartMinMs),
      };
      return {
        observe: (path, options = { anew: false }) => lookFor(path).look(view, options),
        glance: (path) => lookFor(path).glance(view),
      };
    },
  };
}

/** The very same set for as long as its members are the same. */
function rememberPids(read: () => ReadonlySet<number>): () => ReadonlySet<number> {
  let known: ReadonlySet<number> = new Set();
  return () => {
    const pids = read();
    if (pids.symmetricDifference(known).size > 0) known = pids;
    return known;
  };
}

/** The same list of locks needs no new index. */
function createIndexMemory(): (locks: readonly ProcLock[]) => LockIndex {
  let of: readonly ProcLock[] = [];
  let index: LockIndex = indexLocks(of);
  return (locks) => {
    if (locks !== of) index = indexLocks(locks);
    of = locks;
    return index;
  };
}

/** A look that is taken anew costs ten times another: of very many databases so many a second have their turn. */
const anewEveryMinMs = 30_000;
const anewApartMinMs = 100;

/** A quarter of the descriptors that a process has by default. */
const heldCountMax = 256;
/** What is looked at no more is forgotten after this long. */
const lookKeptMs = 120_000;

interface LookMemory {
  readonly lookFor: (path: string) => DatabaseLook;
  readonly knownLook: (path: string) => DatabaseLook | undefined;
  readonly forgetUnused: () => void;
  readonly count: () => number;
}

function createLookMemory(os: Os, clock: Clock): LookMemory {
  const kept = new Map<string, { readonly look: DatabaseLook; usedAtMs: number }>();
  const heldBudget: HeldBudget = { leftCount: heldCountMax };
  let sweptAtMs = clock.monotonicMs();
  let nowMs = sweptAtMs;
  const forgetUnused = (): void => {
    nowMs = clock.monotonicMs();
    if (nowMs - sweptAtMs < lookKeptMs) return;
    sweptAtMs = nowMs;
    for (const [unused, { look, usedAtMs }] of kept) {
      if (nowMs - usedAtMs < lookKeptMs) continue;
      look.end();
      kept.delete(unused);
    }
  };
  const lookFor = (path: string): DatabaseLook => {
    let entry = kept.get(path);
    if (entry === undefined) {
      // The golden ratio spreads any number of them evenly.
      entry = { look: new DatabaseLook(os, path, (kept.size * 0.618) % 1, heldBudget), usedAtMs: nowMs };
      kept.set(path, entry);
    }
    entry.usedAtMs = nowMs;
    return entry.look;
  };
  return { lookFor, knownLook: (path) => kept.get(path)?.look, forgetUnused, count: () => kept.size };
}

function rememberHolders(lookAtProcess: LookAtProcess): LookAtProcess {
  const holders = new Map<number, LockHolder>();
  return (pid) => {
    const known = holders.get(pid);
    if (known !== undefined) return known;
    const holder = lookAtProcess(pid);
    holders.set(pid, holder);
    return holder;
  };
}

/** Once for each file system in a sweep; for a path whose mount is not known, once for its directory. */
function rememberFreeBytes(os: Os): (directory: string, mount: MountLook) => number | null {
  const freeBytes = new Map<MountLook | string, number | null>();
  return (directory, mount) => {
    const key = mount.kind === "seen" ? mount : directory;
    const known = freeBytes.get(key);
    if (known !== undefined) return known;
    const read = readFreeBytes(os, directory);
    freeBytes.set(key, read);
    return read;
  };
}
