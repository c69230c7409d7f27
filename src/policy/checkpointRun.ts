/** How a checkpoint run takes in what its steps brought, and what remains of it at its end. */
import type { Observation } from "../domain/observation.ts";
import type { LockedResult, PassiveResult, SyncResult, TruncateResult } from "../domain/outcome.ts";
import type { CheckpointOutcomeName, CheckpointStatus, CheckpointTrigger } from "../domain/status.ts";
import type { CheckpointHistory, CheckpointRun } from "./state.ts";
import { walStateOf } from "./walState.ts";

export function beginRun(trigger: CheckpointTrigger, observation: Observation): CheckpointRun {
  const wal = walStateOf(observation);
  return {
    trigger,
    startedAtMs: observation.observedAtMs,
    step: "begin",
    before: wal.kind === "known" ? { mxFrame: wal.mxFrame, walIdentity: wal.walIdentity } : null,
    copiedFrameCount: 0,
    passiveCount: 0,
    snapshotComplete: false,
    syncMs: null,
    lockAcquired: null,
    lockedOutcome: null,
    truncated: null,
    heldMs: 0,
    busyMs: 0,
  };
}

export function afterPassive(run: CheckpointRun, result: PassiveResult): CheckpointRun {
  return {
    ...run,
    step: "passive",
    passiveCount: run.passiveCount + 1,
    copiedFrameCount: Math.max(0, result.checkpointedFrameCount),
    snapshotComplete: !result.busy && result.logFrameCount === result.checkpointedFrameCount,
    busyMs: run.busyMs + result.durationMs,
  };
}

export function afterSync(run: CheckpointRun, result: SyncResult): CheckpointRun {
  return { ...run, step: "synced", syncMs: result.durationMs };
}

export function afterLocked(run: CheckpointRun, result: LockedResult): CheckpointRun {
  const outcome = result.reset ? "reset" : result.complete ? "complete" : "incomplete";
  return {
    ...run,
    step: "locked",
    lockAcquired: result.acquired,
    lockedOutcome: result.acquired ? outcome : null,
    copiedFrameCount: Math.max(run.copiedFrameCount, result.checkpointedFrameCount),
    heldMs: run.heldMs + result.heldMs,
    busyMs: run.busyMs + result.durationMs,
  };
}

export function afterTruncate(run: CheckpointRun, result: TruncateResult): CheckpointRun {
  return {
    ...run,
    step: "truncate",
    truncated: result.truncated,
    heldMs: run.heldMs + result.heldMs,
    busyMs: run.busyMs + result.durationMs,
  };
}

export interface RunEnd {
  readonly outcome: CheckpointOutcomeName;
  readonly reason: string;
  readonly caughtUp: boolean;
}

export function statusOf(run: CheckpointRun, end: RunEnd, nowMs: number): CheckpointStatus {
  return {
    trigger: run.trigger,
    outcome: end.outcome,
    reason: end.reason,
    endedAtMs: nowMs,
    durationMs: run.busyMs,
    heldMs: run.heldMs,
  };
}

/** Success: every frame of the beginning is in the database, which includes nothing pending. */
export function noteEnd(
  history: CheckpointHistory,
  status: CheckpointStatus,
  caughtUp: boolean,
): CheckpointHistory {
  const failed = status.outcome === "failed";
  return {
    last: status,
    lastSuccessAtMs: caughtUp ? status.endedAtMs : history.lastSuccessAtMs,
    consecutiveFailureCount: failed
      ? history.consecutiveFailureCount + 1
      : status.outcome === "skipped"
        ? history.consecutiveFailureCount
        : 0,
    consecutiveIncompleteCount: status.outcome === "incomplete" ? history.consecutiveIncompleteCount + 1 : 0,
  };
}
