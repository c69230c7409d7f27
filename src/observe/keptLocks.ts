/**
 * The locks on one database, by the same value as at the look before while its lines in /proc/locks are the same: then
 * nobody's name is read again either. Where locks of processes outside this PID namespace are not listed, the lines say
 * nothing about them, and each look is taken anew.
 */
import { isDeepStrictEqual } from "node:util";
import type { FileLook, LockLook, MountLook } from "../domain/observation.ts";
import type { ProcLock } from "../format/procLocks.ts";
import {
  type LockedFile,
  type LockIndex,
  type LockSources,
  lockKeyOf,
  locksByKey,
  lookAtLocks,
} from "./lockLook.ts";

/** One of the two files that carry locks, and the mount that it is on. */
export interface LockablePlace {
  readonly look: FileLook;
  readonly mount: MountLook;
}

interface Question {
  /** The latest one that says the same. */
  index: LockIndex;
  readonly ownPids: ReadonlySet<number>;
  readonly database: LockablePlace;
  readonly shm: LockablePlace;
}

export class KeptLocks {
  #look: LockLook | null = null;
  #lines: readonly ProcLock[] = [];
  #asked: Question | null = null;
  #databaseKey: string | null = null;
  #shmKey: string | null = null;

  /** @param sources null: /proc/locks cannot be read. */
  look(sources: LockSources | null, database: LockablePlace, shm: LockablePlace, anew: boolean): LockLook {
    if (sources === null) return this.#unobservable("/proc/locks cannot be read");
    if (database.mount.kind !== "seen") return this.#unobservable(database.mount.reason);
    if (shm.mount.kind !== "seen") return this.#unobservable(shm.mount.reason);
    const before = this.#asked;
    const asked: Question = { index: sources.index, ownPids: sources.ownPids, database, shm };
    this.#asked = asked;
    const mayKeep = !anew && sources.viewIsComplete && before?.ownPids === asked.ownPids;
    const kept = mayKeep && this.#look?.kind === "seen" ? this.#look : null;
    if (kept !== null && before !== null && isSameQuestion(before, asked)) return kept;
    const lockedDatabase = lockedFile(database.look, database.mount.device);
    const lockedShm = lockedFile(shm.look, shm.mount.device);
    this.#databaseKey = lockKeyOf(lockedDatabase);
    this.#shmKey = lockKeyOf(lockedShm);
    const ofDatabase = locksByKey(sources.index, this.#databaseKey);
    const ofShm = locksByKey(sources.index, this.#shmKey);
    if (kept !== null && this.#hasLines(ofDatabase, ofShm)) return kept;
    this.#lines = [...ofDatabase, ...ofShm];
    const look = lookAtLocks(sources, lockedDatabase, lockedShm);
    // Nearly always nothing is different after all.
    if (!isDeepStrictEqual(look, this.#look)) this.#look = look;
    return this.#look ?? look;
  }

  /**
   * Whether the lines of the files that were looked at last are the same still. False where that cannot be told, or where
   * the lines do not tell everything.
   */
  isStill(sources: LockSources | null): boolean {
    const before = this.#asked;
    if (sources === null || before === null || this.#look?.kind !== "seen") return false;
    if (!sources.viewIsComplete || before.ownPids !== sources.ownPids) return false;
    if (before.index === sources.index) return true;
    const ofDatabase = locksByKey(sources.index, this.#databaseKey);
    if (!this.#hasLines(ofDatabase, locksByKey(sources.index, this.#shmKey))) return false;
    before.index = sources.index;
    return true;
  }

  /** A line names its file, so which of the two it is on is told by the line. */
  #hasLines(ofDatabase: readonly ProcLock[], ofShm: readonly ProcLock[]): boolean {
    const lines = this.#lines;
    if (lines.length !== ofDatabase.length + ofShm.length) return false;
    for (let at = 0; at < ofDatabase.length; at += 1) if (ofDatabase[at] !== lines[at]) return false;
    for (let at = 0; at < ofShm.length; at += 1)
      if (ofShm[at] !== lines[ofDatabase.length + at]) return false;
    return true;
  }

  #unobservable(reason: string): LockLook {
    if (this.#look?.kind !== "unobservable" || this.#look.reason !== reason)
      this.#look = { kind: "unobservable", reason };
    return this.#look;
  }
}

function isSameQuestion(before: Question, now: Question): boolean {
  return (
    before.index === now.index &&
    isSamePlace(before.database, now.database) &&
    isSamePlace(before.shm, now.shm)
  );
}

function isSamePlace(before: LockablePlace, now: LockablePlace): boolean {
  if (before.mount !== now.mount) return false;
  if (before.look.kind !== "regular" || now.look.kind !== "regular")
    return before.look.kind === now.look.kind;
  return before.look.identity === now.look.identity;
}

function lockedFile(look: FileLook, device: string): LockedFile | null {
  if (look.kind !== "regular") return null;
  return { device, inode: look.identity.slice(look.identity.indexOf(":") + 1) };
}
