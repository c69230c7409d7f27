/** How a checkpoint run takes in what its steps brought, and what remains of it at its end. */
import type { LockHolder, Observation } from "../domain/observation.ts";
import type {
  GuardedTruncateResult,
  LockedResult,
  PassiveResult,
  SyncResult,
  TruncateResult,
} from "../domain/outcome.ts";
import type { CheckpointOutcomeName, CheckpointStatus, CheckpointTrigger } from "../domain/status.ts";
import type { CheckpointHistory, WalAtEnd, WalLeft } from "./checkpointHistory.ts";
import { haveOthersCopied, walAtEnd } from "./othersCheckpoints.ts";
import type { CheckpointRun } from "./state.ts";
import { walHolders } from "./walHolders.ts";
import type { HeldMark } from "./walPin.ts";
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
    lockCount: 0,
    lockedOutcome: null,
    truncated: null,
    guardedEnd: null,
    heldMs: 0,
    longestHoldMs: 0,
  };
}

export function afterPassive(run: CheckpointRun, result: PassiveResult): CheckpointRun {
  return {
    ...run,
    step: "passive",
    passiveCount: run.passiveCount + 1,
    copiedFrameCount: Math.max(0, result.checkpointedFrameCount),
    snapshotComplete: !result.busy && result.logFrameCount === result.checkpointedFrameCount,
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
    lockCount: run.lockCount + 1,
    lockedOutcome: result.acquired ? outcome : null,
    copiedFrameCount: Math.max(run.copiedFrameCount, result.checkpointedFrameCount),
    ...withHold(run, result.heldMs),
  };
}

export function afterTruncate(run: CheckpointRun, result: TruncateResult): CheckpointRun {
  return {
    ...run,
    step: "truncate",
    truncated: result.truncated,
    ...withHold(run, result.heldMs),
  };
}

export function afterGuardedTruncate(run: CheckpointRun, result: GuardedTruncateResult): CheckpointRun {
  const { truncated, reason, leftComplete, heldMs } = result;
  const guardedEnd = truncated ? null : { reason, leftComplete };
  return { ...run, step: "guardedTruncate", truncated, guardedEnd, ...withHold(run, heldMs) };
}

function withHold(run: CheckpointRun, heldMs: number): Pick<CheckpointRun, "heldMs" | "longestHoldMs"> {
  return { heldMs: run.heldMs + heldMs, longestHoldMs: Math.max(run.longestHoldMs, heldMs) };
}

/** Holders are named only where something was held back, and only by the evidence of their locks. */
function holdersOf(end: RunEnd, run: CheckpointRun, observation: Observation): readonly LockHolder[] {
  return end.outcome === "incomplete" && !run.snapshotComplete ? walHolders(observation) : [];
}

export interface RunEnd {
  readonly outcome: CheckpointOutcomeName;
  readonly reason: string;
  /** Every frame that was there when it began is in the database. */
  readonly caughtUp: boolean;
  /** Others have copied what was committed until then, wall clock. */
  readonly copiedUntilMs?: number;
}

export function statusOf(
  run: CheckpointRun,
  end: RunEnd,
  observation: Observation,
  nowMs: number,
): CheckpointStatus {
  return {
    trigger: run.trigger,
    outcome: end.outcome,
    reason: end.reason,
    endedAtMs: nowMs,
    durationMs: Math.max(0, nowMs - run.startedAtMs),
    heldMs: run.heldMs,
    longestHoldMs: run.longestHoldMs,
    caughtUp: end.caughtUp,
    holders: holdersOf(end, run, observation),
  };
}

/**
 * Success: every frame of the beginning is in the database, which includes nothing pending. Where others have copied it, it
 * is counted from when it is known that all was there.
 */
export function noteEnd(
  history: CheckpointHistory,
  status: CheckpointStatus,
  { copiedUntilMs = null, left = null, atEnd = null, othersSeenAtMs = null }: RunLeaves = {},
): CheckpointHistory {
  const failed = status.outcome === "failed";
  return {
    last: status,
    lastSuccessAtMs: status.caughtUp
      ? status.endedAtMs
      : successAtMs(history, copiedUntilMs, status.endedAtMs),
    ownSuccessAtMs: status.caughtUp ? status.endedAtMs : history.ownSuccessAtMs,
    consecutiveFailureCount: failed
      ? history.consecutiveFailureCount + 1
      : status.outcome === "skipped"
        ? history.consecutiveFailureCount
        : 0,
    consecutiveIncompleteCount: status.outcome === "incomplete" ? history.consecutiveIncompleteCount + 1 : 0,
    left,
    atEnd,
    othersSeenAtMs: othersSeenAtMs ?? history.othersSeenAtMs,
  };
}

/** A time that lies ahead is from before the clock was set back. */
function successAtMs(
  { lastSuccessAtMs }: CheckpointHistory,
  copiedUntilMs: number | null,
  nowMs: number,
): number | null {
  if (copiedUntilMs === null || copiedUntilMs > nowMs) return lastSuccessAtMs;
  const isPast = lastSuccessAtMs !== null && lastSuccessAtMs <= nowMs;
  return isPast ? Math.max(lastSuccessAtMs, copiedUntilMs) : copiedUntilMs;
}

/** What an ended run leaves, by the look that ended it. */
export interface RunLeaves {
  readonly copiedUntilMs?: number | null;
  readonly left?: WalLeft | null;
  readonly atEnd?: WalAtEnd | null;
  readonly othersSeenAtMs?: number | null;
}

export function leavesOf(
  history: CheckpointHistory,
  { outcome, copiedUntilMs }: RunEnd,
  observation: Observation,
  heldMarks: readonly HeldMark[],
): RunLeaves {
  const atEnd = walAtEnd(observation);
  // What is left to others was not tried, and they are measured by the WAL at which they were seen last.
  if (copiedUntilMs !== undefined) {
    const before = history.atEnd;
    const areSeen = before !== null && haveOthersCopied(before, observation);
    return areSeen
      ? { copiedUntilMs, atEnd, othersSeenAtMs: observation.observedAtMs }
      : { copiedUntilMs, atEnd: before };
  }
  return { left: leftBy(history, outcome, observation, heldMarks), atEnd };
}

export function leftBy(
  { left }: CheckpointHistory,
  outcome: CheckpointOutcomeName,
  observation: Observation,
  heldMarks: readonly HeldMark[],
): WalLeft | null {
  const wal = walStateOf(observation);
  if (wal.kind !== "known" || wal.mxFrame === 0 || outcome === "truncated") return null;
  const { walIdentity, mxFrame } = wal;
  const by = heldMarks.length > 0 ? "reader" : "other";
  // The next one to write begins it anew: until then there is nothing to do.
  if (outcome === "reset") return { walIdentity, mxFrame, roundCount: 0, by: "other" };
  const roundCount = left?.walIdentity === walIdentity ? left.roundCount + 1 : 1;
  return { walIdentity, mxFrame, roundCount, by };
}
