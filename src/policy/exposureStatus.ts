/** What is said of the commits that a power cut would cost. Pure; decides nothing. */
import type { LockHolder, Observation } from "../domain/observation.ts";
import type { ExposureStatus } from "../domain/status.ts";
import type { ExposureState } from "./exposureState.ts";
import { sumOf } from "./exposureState.ts";

export function describeExposure(
  exposure: ExposureState | null,
  observation: Observation | null,
): ExposureStatus {
  const unknown = (reason: string): ExposureStatus => ({ kind: "unobservable", reason });
  if (exposure === null) return unknown("not looked at yet");
  if (exposure.unobservableReason !== "") return unknown(exposure.unobservableReason);
  const { wal, database } = exposure;
  const followedFrame = wal?.followedFrame ?? null;
  if (followedFrame !== null) return unknown(`its frames are still being followed: ${followedFrame} so far`);
  if (wal?.undecided === true || exposure.databaseUndecidedMs !== null) {
    return unknown("what was written while nobody looked has not been synced yet");
  }
  if (wal?.inFlight?.isAmbiguous === true) {
    return unknown("a writer was at work at every look: whether it syncs cannot be told");
  }
  const walSinceMs = wal?.exposedSinceMs ?? null;
  const isWalExposed = wal !== null && walSinceMs !== null;
  const walBytes = isWalExposed ? (wal.seenFrame - wal.provenFrame) * wal.frameBytes : 0;
  const sinceMs = earlier(walSinceMs, database?.sinceMs ?? null);
  return {
    kind: "known",
    unsyncedBytes: walBytes + (database?.byteCount ?? 0),
    unsyncedCommitCount: sumOf(
      isWalExposed ? wal.exposedCommitCount : 0,
      database === null ? 0 : database.commitCount,
    ),
    sinceMs,
    inDatabase: database !== null,
    writers: sinceMs === null ? [] : connectedOthers(observation),
  };
}

function earlier(firstMs: number | null, secondMs: number | null): number | null {
  if (firstMs === null || secondMs === null) return firstMs ?? secondMs;
  return Math.min(firstMs, secondMs);
}

/** One of these writes without syncing. Which one, the locks do not tell. */
function connectedOthers(observation: Observation | null): readonly LockHolder[] {
  return observation?.locks.kind === "seen" ? observation.locks.connected : [];
}
