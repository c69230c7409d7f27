/** What is remembered of the commits that are not proven to be on disk. Types only; see exposure.ts. */

export interface WalExposure {
  /** "salt1 salt2": one life of the WAL, from one start over to the next. */
  readonly walIdentity: string;
  readonly checkpointSequence: number;
  readonly frameBytes: number;
  /** Last committed frame at the last look. */
  readonly seenFrame: number;
  /** When this life of it began, not earlier. */
  readonly lifeSinceMs: number;
  /** Commits in frames 1 to seenFrame; null: not counted. */
  readonly seenCommitCount: number | null;
  readonly provenFrame: number;
  readonly backfilledFrame: number | null;
  /** Commits behind provenFrame; null: not counted. */
  readonly exposedCommitCount: number | null;
  /** The oldest exposed commit is not older than this; null: nothing is exposed. */
  readonly exposedSinceMs: number | null;
  /** Clean, and nobody looked when it was written: synced or only written back, one sync decides. */
  readonly undecided: boolean;
  /** Frames up to `frame` may have been in flight at `firstLookMs`, and have not been seen clean since. */
  readonly inFlight: {
    readonly frame: number;
    readonly sinceMs: number;
    readonly firstLookMs: number;
    /** It has lasted for too long to be one commit: whether the writer syncs cannot be told. */
    readonly isAmbiguous: boolean;
  } | null;
  /** Database pages in the last frames that were seen. */
  readonly recentPages: readonly number[];
  /**
   * Without a WAL-index a look follows the frames, so many at a time: up to this one, and there may be more. Null: all
   * are seen.
   */
  readonly followedFrame: number | null;
}

/** Commits that a checkpoint without a sync has moved into the database. */
export interface DatabaseExposure {
  readonly sinceMs: number;
  /** Null: not known. */
  readonly commitCount: number | null;
  /** At least so many. */
  readonly byteCount: number;
  /** It was exposed in the WAL already, so its writer does not sync, and its checkpoints may not either. */
  readonly isOfSuspect: boolean;
}

/** A WAL that started over while a checkpoint was at work: whether the one before it synced is not known yet. */
export interface ResetDoubt {
  readonly pageNumbers: readonly number[];
  readonly exposure: DatabaseExposure;
  readonly firstLookMs: number;
}

/** Stands for whoever is connected from another PID namespace. */
export const hiddenPid = 0;

/** The WAL-index counts transactions (iChange); it starts at 0 when nobody was connected in between. */
export interface ChangeCount {
  readonly changeCounter: number;
  readonly connectedPids: readonly number[];
}

export interface ExposureState {
  /** Empty: what is exposed is known. */
  readonly unobservableReason: string;
  /** When a look last told something; null: none has yet. */
  readonly lookedAtMs: number | null;
  readonly wal: WalExposure | null;
  readonly database: DatabaseExposure | null;
  /** Since when it is not known whether the database is on disk: nobody had looked. One sync settles it. Null: known. */
  readonly databaseUndecidedMs: number | null;
  /** Since when a checkpoint of somebody else is only likely to have synced: one sync makes sure. Null: nothing is left. */
  readonly databaseUnverifiedMs: number | null;
  readonly reset: ResetDoubt | null;
  readonly changes: ChangeCount | null;
  readonly databaseModifiedAtMs: number | null;
  /** Connected when commits were seen that nobody had synced; one of these processes does not sync. */
  readonly suspectPids: readonly number[];
  /** When such commits were last seen. */
  readonly suspectedAtMs: number;
}

/** What a look is judged with, from the same observation. */
export interface LookContext {
  readonly nowMs: number;
  /** When what is new was not there yet; null: nobody had looked, or for too long to tell what was written since. */
  readonly previousAtMs: number | null;
  readonly frameBytes: number;
  readonly checkpointSequence: number;
  readonly backfilledFrame: number | null;
  readonly changes: ChangeCount | null;
  readonly databaseModifiedAtMs: number | null;
}

/**
 * The kernel writes dirty pages back after 5 to 35 seconds, earlier when memory is short. After a pause longer than
 * this what is clean may only have been written back.
 */
export const looksApartMaxMs = 5_000;

/**
 * A process that does not sync is seen by its dirty frames whenever it commits, but for the moment in which the kernel writes
 * the whole file back, which comes once in so long. After that, others are not suspected for what it did.
 */
export const suspicionMs = 35_000;

/** So long a commit may be in flight, or a checkpoint at work, before the worse is said. */
export const doubtMaxMs = 2_000;

/** A sum in which one part is not known is not known. */
export function sumOf(count: number | null, more: number | null): number | null {
  return count === null || more === null ? null : count + more;
}
