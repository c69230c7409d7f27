/**
 * When a glance does for a look: a database that is quiet (quiet.ts) is not asked about file by file at every sweep while
 * its locks are the same as before and so is the header of its WAL-index, or, where nobody is connected, its WAL. Pure.
 *
 * In WAL mode nobody commits without a lock on the database and on the WAL-index, and each commit changes the WAL-index's
 * header. So beside somebody who stays connected a glance misses nothing. Where nobody is connected it sees the WAL of whoever
 * was killed, and misses one who connects, commits and closes between two sweeps, which copies the WAL and takes it away;
 * and always what takes no lock: a file that is replaced, damaged or taken away. That is seen when the files have their turn.
 *
 * Never where the locks say less than all, where something is doubted, due or under way, and not while anything is
 * exposed: how long that lasts is told and bounded look by look.
 */
import type { Observation } from "../domain/observation.ts";
import { needsLook } from "./exposureQuestion.ts";
import type { ExposureState } from "./exposureState.ts";
import type { DatabaseState } from "./state.ts";

/** So many databases are looked at in full in every sweep: that costs some milliseconds, and all is seen at once. */
export const glanceAboveCount = 100;

/**
 * The files of each database are looked at so often at least: what is exposed is promised to be told within that time. It stays
 * below the 5 seconds (`looksApartMaxMs`) after which nobody can tell whether what is clean was synced by its writer.
 */
export const filesSeenEveryMs = 3_000;

/** The files have their turn at one sweep of so many; 1: at each. */
export function sweepsPerLook(databaseCount: number, sweepIntervalMs: number): number {
  if (databaseCount <= glanceAboveCount) return 1;
  return Math.max(1, Math.floor(filesSeenEveryMs / sweepIntervalMs));
}

export interface GlanceTimes {
  /** As `quietUntilMs` of quiet.ts says. */
  readonly quietUntilMs: number;
  /** Wall clock of the last look that was more than a glance. */
  readonly filesSeenAtMs: number;
  readonly sweepIntervalMs: number;
}

/**
 * Until when glances do, for as long as the memory stays as it is.
 *
 * @param observation the last one that was taken in.
 * @returns `observation.observedAtMs` or earlier: not at all.
 */
export function glanceUntilMs(
  observation: Observation,
  state: DatabaseState,
  { quietUntilMs, filesSeenAtMs, sweepIntervalMs }: GlanceTimes,
): number {
  const { locks, observedAtMs } = observation;
  if (locks.kind !== "seen" || !locks.viewIsComplete || locks.hidden !== null) return observedAtMs;
  if (needsLook(observation, state) || !isSettled(state.exposure)) return observedAtMs;
  // Sweeps come a little early or late.
  return Math.min(quietUntilMs, filesSeenAtMs + filesSeenEveryMs - sweepIntervalMs / 2);
}

/** Nothing is exposed, and nothing about it waits for an answer. */
function isSettled(exposure: ExposureState | null): boolean {
  if (exposure === null || exposure.database !== null || exposure.databaseUndecidedMs !== null) return false;
  if (exposure.databaseUnverifiedMs !== null) return false;
  const { wal, reset } = exposure;
  if (reset !== null) return false;
  if (wal === null) return true;
  const isOpen = wal.exposedSinceMs !== null || wal.undecided || wal.inFlight !== null;
  return !isOpen && wal.followedFrame === null;
}
