/**
 * Guards on the processes around a database: one that locked it exclusively, one that writes without locks
 * (unix-none). Beside either, a second connection may destroy the live WAL (measured).
 */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { Observation, Opener } from "../domain/observation.ts";
import { isAtRest } from "./atRest.ts";
import type { GuardFinding } from "./guardFinding.ts";
import { describeAnyHolder, describeHolder, somebodyLocksExclusively } from "./heldLocks.ts";
import { mayOpen } from "./rollbackMode.ts";
import type { DatabaseState } from "./state.ts";

/** A sighting of a process without locks is confirmed for this long: it may just be closing. */
export const locklessDoubtMs = 300;
/** In WAL mode an exclusive lock is a last close or a recovery, unless it stays. */
const exclusiveDoubtWalMs = 5_000;
/** In rollback mode every commit takes it, and a busy writer is often met in it. */
const exclusiveDoubtRollbackMs = 60_000;
const committingDoubtMs = 3_000;

export function processGuards(
  observation: Observation,
  state: DatabaseState,
  config: DatabaseConfig,
): readonly GuardFinding[] {
  const path = observation.resolvedPath ?? config.path;
  return [
    ...locksUnobservable(observation, path),
    ...exclusiveLock(observation, state, config),
    ...openWithoutLocks(observation, state, path),
  ];
}

/** It may be the daemon's own trouble of a moment; as long as it lasts nobody knows who locks the file. */
function locksUnobservable(observation: Observation, path: string): readonly GuardFinding[] {
  const { locks, database } = observation;
  if (locks.kind === "seen" || database.kind !== "regular") return [];
  const reason = `who locks ${path} cannot be seen (${locks.reason}), so it is not opened; in a unit, ProcSubset=pid hides it`;
  return [{ guard: "locks_unobservable", verdict: "wait", reason }];
}

function exclusiveLock(
  observation: Observation,
  state: DatabaseState,
  config: DatabaseConfig,
): readonly GuardFinding[] {
  const { locks } = observation;
  if (locks.kind !== "seen" || !somebodyLocksExclusively(locks)) return [];
  const holder = describeAnyHolder(locks.exclusive);
  const sinceMs = state.exclusiveSinceMs ?? observation.observedAtMs;
  const heldMs = observation.observedAtMs - sinceMs;
  const inWalMode = observation.header?.kind === "header" && observation.header.header.inWalMode;
  const doubtMs = inWalMode ? exclusiveDoubtWalMs : exclusiveDoubtRollbackMs;
  if (heldMs < doubtMs && isCommitting(observation, state, config)) return [];
  const path = observation.resolvedPath ?? config.path;
  return [
    {
      guard: "exclusive_lock",
      verdict: heldMs < doubtMs ? "wait" : "refuse",
      reason: `${path} is locked exclusively by ${holder} since ${new Date(sinceMs).toISOString()}: it is only observed until the lock goes (set mode: observe if that is meant to last, as with locking_mode=EXCLUSIVE)`,
    },
  ];
}

/**
 * A rollback-mode database that is written all the time is met in a commit at most looks. It is not opened
 * then, so startup does not wait for such a moment to end for longer than a few seconds.
 */
function isCommitting(observation: Observation, state: DatabaseState, config: DatabaseConfig): boolean {
  const sequenceMs = observation.observedAtMs - state.sequenceStartedAtMs;
  return sequenceMs >= committingDoubtMs && !isAtRest(observation) && !mayOpen(observation, state, config);
}

function openWithoutLocks(
  observation: Observation,
  state: DatabaseState,
  path: string,
): readonly GuardFinding[] {
  const suspect = locklessWriter(observation, state);
  if (suspect === null) return [];
  const sinceMs = state.locklessSinceMs ?? observation.observedAtMs;
  const log = suspect.files.includes("wal") ? "WAL" : "journal";
  // One that has just closed it, or ended, holds no lock any more and must not be named: a scan of after that decides.
  if (state.openersAtMs < sinceMs) {
    const reason = `a process that had ${path} and its ${log} open holds no lock on it now: whether it still has them open is being looked at`;
    return [{ guard: "open_without_locks", verdict: "wait", reason }];
  }
  // What is locked is the file that was there, and its locks are not looked for any more.
  const isGone = observation.database.kind === "absent";
  return [
    {
      guard: "open_without_locks",
      verdict: observation.observedAtMs - sinceMs < locklessDoubtMs ? "wait" : "refuse",
      reason: isGone
        ? `${describeHolder(suspect)} has ${path}-${log.toLowerCase()} open for writing, and its database is not at ${path}: it was moved or removed while it was open`
        : `${describeHolder(suspect)} has ${path} and its ${log} open for writing and holds no lock on it (unix-none, or it lost its lock when it closed the file elsewhere): opening it could destroy live data; stop that process, or let it lock as SQLite does`,
    },
  ];
}

/**
 * A process that writes the WAL or the journal and holds no lock. One that has only the database open
 * proves nothing: an idle connection in rollback mode looks the same. One that is connected to the WAL-index and
 * has this database open without a lock has lost it: closing any descriptor of a file drops all locks of the
 * process (sqlite.org/howtocorrupt.html, section 2.2), and a last close of another would delete the live WAL.
 */
export function locklessWriter(observation: Observation, state: DatabaseState): Opener | null {
  const { locks } = observation;
  if (locks.kind !== "seen" || state.openers?.kind !== "seen") return null;
  const lockers = new Set(locks.databaseLockers.map((holder) => holder.pid));
  const connected = new Set(locks.connected.map((holder) => holder.pid));
  for (const opener of state.openers.openers) {
    const writesLog = opener.writable && (opener.files.includes("wal") || opener.files.includes("journal"));
    if (!writesLog || lockers.has(opener.pid)) continue;
    if (opener.files.includes("database") || !connected.has(opener.pid)) return opener;
  }
  return null;
}
