/**
 * The wall clock was set: what waits for a moment, or counts from one, moves with it. Times that are history
 * (when a check ended) stay as they were written down. A cron expression means the wall clock itself: its due
 * times are marked to be worked out anew.
 */
import type { DatabaseState } from "./state.ts";

/** A difference between wall and monotonic time that counts as a jump. */
export const clockJumpMinMs = 2_000;

export function shiftTimes(state: DatabaseState, jumpMs: number): DatabaseState {
  const shift = (timeMs: number | null): number | null => (timeMs === null ? null : timeMs + jumpMs);
  const { activity, retry } = state;
  return {
    ...state,
    clockWasSet: true,
    stageSinceMs: state.stageSinceMs + jumpMs,
    sequenceStartedAtMs: state.sequenceStartedAtMs + jumpMs,
    openersAtMs: state.openersAtMs + jumpMs,
    profileAtMs: state.profileAtMs + jumpMs,
    exclusiveSinceMs: shift(state.exclusiveSinceMs),
    locklessSinceMs: shift(state.locklessSinceMs),
    strangerSinceMs: shift(state.strangerSinceMs),
    headerDoubtSinceMs: shift(state.headerDoubtSinceMs),
    nextCheckpointAtMs: shift(state.nextCheckpointAtMs),
    nextQuickCheckAtMs: shift(state.nextQuickCheckAtMs),
    nextIntegrityCheckAtMs: shift(state.nextIntegrityCheckAtMs),
    recheckQueuedAtMs: shift(state.recheckQueuedAtMs),
    activity: activity === null ? null : { ...activity, lastChangeAtMs: activity.lastChangeAtMs + jumpMs },
    retry: { ...retry, notBeforeMs: retry.notBeforeMs + jumpMs },
  };
}
