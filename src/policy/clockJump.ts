/**
 * The wall clock was set: what waits for a moment, or counts from one, moves with it. Times that are history
 * (when a check ended) stay as they were written down. A cron expression means the wall clock itself: its due
 * times are marked to be worked out anew.
 */
import type { DatabaseExposure, ExposureState, WalExposure } from "./exposureState.ts";
import type { DatabaseState } from "./state.ts";
import { shiftWalWatch } from "./walVerdict.ts";

/** A difference between wall and monotonic time that counts as a jump. */
export const clockJumpMinMs = 2_000;

export function shiftTimes(state: DatabaseState, jumpMs: number): DatabaseState {
  const shift = (timeMs: number | null): number | null => (timeMs === null ? null : timeMs + jumpMs);
  const { activity, checkpoint, exposure, replicator, retry, unsaltedEpisode, unsaltedFrame, walDamage } =
    state;
  return {
    ...state,
    clockWasSet: true,
    stageSinceMs: state.stageSinceMs + jumpMs,
    sequenceStartedAtMs: state.sequenceStartedAtMs + jumpMs,
    openersAtMs: state.openersAtMs + jumpMs,
    sqliteProcessesAtMs: state.sqliteProcessesAtMs + jumpMs,
    // When it ended is history; by when others were seen it is reckoned.
    checkpoint: {
      ...checkpoint,
      atEnd:
        checkpoint.atEnd === null
          ? null
          : { ...checkpoint.atEnd, seenAtMs: checkpoint.atEnd.seenAtMs + jumpMs },
      othersSeenAtMs: shift(checkpoint.othersSeenAtMs),
    },
    exposure: exposure === null ? null : shiftExposure(exposure, jumpMs),
    walWatch: shiftWalWatch(state.walWatch, jumpMs),
    unsaltedFrame:
      unsaltedFrame === null ? null : { ...unsaltedFrame, sinceMs: unsaltedFrame.sinceMs + jumpMs },
    unsaltedEpisode:
      unsaltedEpisode === null ? null : { ...unsaltedEpisode, endedAtMs: unsaltedEpisode.endedAtMs + jumpMs },
    replicator:
      replicator === null ? null : { ...replicator, missingSinceMs: shift(replicator.missingSinceMs) },
    profileAtMs: state.profileAtMs + jumpMs,
    walDamage: walDamage === null ? null : { ...walDamage, triedAtMs: walDamage.triedAtMs + jumpMs },
    exclusiveSinceMs: shift(state.exclusiveSinceMs),
    locklessSinceMs: shift(state.locklessSinceMs),
    strangerSinceMs: shift(state.strangerSinceMs),
    strangeWal:
      state.strangeWal === null ? null : { ...state.strangeWal, sinceMs: state.strangeWal.sinceMs + jumpMs },
    headerHistory:
      state.headerHistory === null
        ? null
        : { ...state.headerHistory, wentBackSinceMs: shift(state.headerHistory.wentBackSinceMs) },
    headerDoubtSinceMs: shift(state.headerDoubtSinceMs),
    nextCheckpointAtMs: shift(state.nextCheckpointAtMs),
    nextQuickCheckAtMs: shift(state.nextQuickCheckAtMs),
    nextIntegrityCheckAtMs: shift(state.nextIntegrityCheckAtMs),
    recheckQueuedAtMs: shift(state.recheckQueuedAtMs),
    activity: activity === null ? null : { ...activity, lastChangeAtMs: activity.lastChangeAtMs + jumpMs },
    retry: { ...retry, notBeforeMs: retry.notBeforeMs + jumpMs },
  };
}

function shiftExposure(exposure: ExposureState, jumpMs: number): ExposureState {
  const shift = (timeMs: number | null): number | null => (timeMs === null ? null : timeMs + jumpMs);
  const { wal, database, reset } = exposure;
  const moved = (one: DatabaseExposure): DatabaseExposure => ({ ...one, sinceMs: one.sinceMs + jumpMs });
  const movedDoubt = (doubt: NonNullable<WalExposure["inFlight"]>) => ({
    ...doubt,
    sinceMs: doubt.sinceMs + jumpMs,
    firstLookMs: doubt.firstLookMs + jumpMs,
  });
  return {
    ...exposure,
    lookedAtMs: shift(exposure.lookedAtMs),
    databaseUndecidedMs: shift(exposure.databaseUndecidedMs),
    databaseUnverifiedMs: shift(exposure.databaseUnverifiedMs),
    suspectedAtMs: exposure.suspectedAtMs + jumpMs,
    wal:
      wal === null
        ? null
        : {
            ...wal,
            lifeSinceMs: wal.lifeSinceMs + jumpMs,
            exposedSinceMs: shift(wal.exposedSinceMs),
            inFlight: wal.inFlight === null ? null : movedDoubt(wal.inFlight),
          },
    database: database === null ? null : moved(database),
    reset:
      reset === null
        ? null
        : { ...reset, exposure: moved(reset.exposure), firstLookMs: reset.firstLookMs + jumpMs },
  };
}
