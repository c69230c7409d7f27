/**
 * When the daemon puts on disk what an application has committed without syncing it. Pure. Syncing costs the
 * application nothing in commit latency (measured), and what was synced is proven.
 */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { DatabaseExposure, ExposureState } from "./exposureState.ts";
import { type WalSyncPoint, withSyncedFrames } from "./walExposure.ts";

export interface SyncWanted {
  /**
   * bound: exposed for as long as the operator allows. firstLook: nobody had looked, and one sync decides whether what is
   * clean is on disk. verify: a checkpoint of somebody else is likely to have synced, and one sync makes sure.
   * checkpoint: a checkpoint of ours has ended, and what it was about is to be on disk.
   */
  readonly because: "bound" | "firstLook" | "verify" | "checkpoint";
  /** Who waits for longest comes first. */
  readonly sinceMs: number;
  readonly wal: WalSyncPoint | null;
  /** The database is synced too. */
  readonly database: DatabaseSyncPoint | null;
}

export interface DatabaseSyncPoint {
  readonly exposure: DatabaseExposure | null;
  /** When the look was taken that knew of it. */
  readonly lookedAtMs: number;
}

/**
 * @param lookIntervalMs until the next look: what would be past the bound by then is synced now
 * @param afterCheckpoint a checkpoint of ours has ended well since the last sync
 */
export function decideSync(
  exposure: ExposureState | null,
  config: DatabaseConfig,
  nowMs: number,
  lookIntervalMs: number,
  afterCheckpoint: boolean,
): SyncWanted | null {
  if (exposure === null || exposure.unobservableReason !== "" || exposure.lookedAtMs === null) return null;
  const { wal, database, databaseUndecidedMs, databaseUnverifiedMs } = exposure;
  const doubtSinceMs = wal?.inFlight?.isAmbiguous === true ? wal.inFlight.sinceMs : null;
  const sinceMs = Math.min(wal?.exposedSinceMs ?? doubtSinceMs ?? nowMs, database?.sinceMs ?? nowMs);
  const isExposed = (wal?.exposedSinceMs ?? doubtSinceMs) !== null || database !== null;
  const because = isExposed
    ? reasonToSync(config.exposureMaxMs, nowMs - sinceMs + lookIntervalMs, afterCheckpoint)
    : null;
  const databasePoint = { exposure: database, lookedAtMs: exposure.lookedAtMs };
  const needsDatabase = databaseUndecidedMs !== null || databaseUnverifiedMs !== null;
  if (because !== null) {
    const withDatabase = database !== null || needsDatabase;
    return { because, sinceMs, wal: pointOf(exposure), database: withDatabase ? databasePoint : null };
  }
  // While its frames are still being followed, one sync would decide of a part of them only.
  const walUndecided = wal?.undecided === true && wal.followedFrame === null;
  if (!walUndecided && !needsDatabase) return null;
  return {
    because: walUndecided || databaseUndecidedMs !== null ? "firstLook" : "verify",
    sinceMs: nowMs,
    wal: walUndecided ? pointOf(exposure) : null,
    // What a checkpoint without a sync left exposed is announced until the bound, or a checkpoint of ours.
    database: needsDatabase && database === null ? databasePoint : null,
  };
}

function reasonToSync(
  boundMs: number,
  exposedMsByNextLook: number,
  afterCheckpoint: boolean,
): SyncWanted["because"] | null {
  if (afterCheckpoint) return "checkpoint";
  return boundMs > 0 && exposedMsByNextLook > boundMs ? "bound" : null;
}

function pointOf({ wal, lookedAtMs }: ExposureState): WalSyncPoint | null {
  if (wal === null || lookedAtMs === null) return null;
  const { walIdentity, seenFrame: frame, exposedCommitCount } = wal;
  return { walIdentity, frame, exposedCommitCount, lookedAtMs };
}

/** What was wanted has been synced, and what was known when it was asked for is proven. */
export function noteSynced(exposure: ExposureState | null, wanted: SyncWanted): ExposureState | null {
  if (exposure === null) return null;
  const wal =
    exposure.wal === null || wanted.wal === null ? exposure.wal : withSyncedFrames(exposure.wal, wanted.wal);
  const point = wanted.database;
  if (point === null) return { ...exposure, wal };
  const settled = (sinceMs: number | null): number | null =>
    sinceMs !== null && sinceMs > point.lookedAtMs ? sinceMs : null;
  return {
    ...exposure,
    wal,
    database: withoutSynced(exposure.database, point),
    databaseUndecidedMs: settled(exposure.databaseUndecidedMs),
    databaseUnverifiedMs: settled(exposure.databaseUnverifiedMs),
  };
}

/** What was added while the sync ran may have missed it. */
function withoutSynced(
  database: DatabaseExposure | null,
  { exposure: synced, lookedAtMs }: DatabaseSyncPoint,
): DatabaseExposure | null {
  if (database === null || database === synced) return null;
  const { commitCount, byteCount, isOfSuspect } = database;
  const syncedCount = synced === null ? 0 : synced.commitCount;
  return {
    sinceMs: Math.max(database.sinceMs, lookedAtMs),
    commitCount: commitCount === null || syncedCount === null ? null : commitCount - syncedCount,
    byteCount: byteCount - (synced?.byteCount ?? 0),
    isOfSuspect,
  };
}
