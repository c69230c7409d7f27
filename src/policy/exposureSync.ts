/**
 * When the daemon puts on disk what an application has committed without syncing it. Pure. Syncing costs the
 * application nothing in commit latency (measured), and what was synced is proven.
 */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { ExposureState } from "./exposureState.ts";
import { type WalSyncPoint, withSyncedFrames } from "./walExposure.ts";

export interface SyncWanted {
  /**
   * bound: exposed for as long as the operator allows. firstLook: one sync decides whether what is clean is on disk.
   * checkpoint: a checkpoint of ours has ended, and what it was about is to be on disk.
   */
  readonly because: "bound" | "firstLook" | "checkpoint";
  /** Who waits for longest comes first. */
  readonly sinceMs: number;
  readonly wal: WalSyncPoint | null;
  /** The database is synced too: a checkpoint of somebody else has not done it. */
  readonly database: boolean;
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
  const { wal, database } = exposure;
  const sinceMs = Math.min(wal?.exposedSinceMs ?? nowMs, database?.sinceMs ?? nowMs);
  const isExposed = (wal !== null && wal.exposedSinceMs !== null) || database !== null;
  const because = isExposed
    ? reasonToSync(config.exposureMaxMs, nowMs - sinceMs + lookIntervalMs, afterCheckpoint)
    : null;
  const { databaseUndecided } = exposure;
  if (because !== null) {
    return { because, sinceMs, wal: pointOf(exposure), database: database !== null || databaseUndecided };
  }
  const walUndecided = wal?.undecided === true;
  if (!walUndecided && !databaseUndecided) return null;
  const point = walUndecided ? pointOf(exposure) : null;
  return { because: "firstLook", sinceMs: nowMs, wal: point, database: databaseUndecided };
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

/** Both files that were wanted have been synced, and what was known at that point is proven. */
export function noteSynced(exposure: ExposureState | null, wanted: SyncWanted): ExposureState | null {
  if (exposure === null) return null;
  const wal =
    exposure.wal === null || wanted.wal === null ? exposure.wal : withSyncedFrames(exposure.wal, wanted.wal);
  return wanted.database
    ? { ...exposure, wal, database: null, databaseUndecided: false }
    : { ...exposure, wal };
}
