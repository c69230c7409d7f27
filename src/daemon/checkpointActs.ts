/** Carries a checkpoint run forward by one step, and ends it. */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { Observation } from "../domain/observation.ts";
import type { Failure, PassiveResult } from "../domain/outcome.ts";
import type { CheckpointStatus, CheckpointTrigger } from "../domain/status.ts";
import { afterFailure } from "../policy/backoff.ts";
import type { CheckpointStep } from "../policy/checkpoint.ts";
import {
  type CheckpointLearning,
  learnFromEnd,
  learnFromKilled,
  learnFromLocked,
  learnFromPassive,
  learnFromSync,
  learnFromTruncate,
} from "../policy/checkpointLearning.ts";
import {
  afterGuardedTruncate,
  afterLocked,
  afterPassive,
  afterSync,
  afterTruncate,
  beginRun,
  leavesOf,
  noteEnd,
  type RunEnd,
  statusOf,
} from "../policy/checkpointRun.ts";
import { declaresLongWait } from "../policy/lockPermission.ts";
import { type CheckpointRun, clearedRetry, endStartup, enterStage } from "../policy/state.ts";
import { walStateOf } from "../policy/walState.ts";
import { noteFailedSync } from "./failedSyncs.ts";
import { orStopped } from "./orStopped.ts";
import { noteRecovery } from "./residueActs.ts";
import { type Act, targetOf } from "./startupActs.ts";

/** A WAL that was completed under our mark and could not be reset is held on to for this long. */
const guardedSettleMs = 10_000;
/** TRUNCATE sleeps between its looks at our mark: so much more than its budget is no worker gone astray. */
const guardedReleaseMs = 30;
/** No hold is so short that its worker is killed before this, where a busy timeout of a second or more is declared. */
const patientHoldMs = 50;

export function beginCheckpoint(act: Act, trigger: CheckpointTrigger): void {
  act.memory.update((state) => ({
    ...state,
    run: beginRun(trigger, act.observation),
    pendingCheckpoint: null,
  }));
}

/** @returns the status when the run has ended, else null. */
export async function takeStep(act: Act, step: CheckpointStep): Promise<CheckpointStatus | null> {
  const { run } = act.memory.state;
  if (run === null) throw new Error("a checkpoint step was decided without a run");
  if (step.kind === "done") return endRun(act, run, step);
  const next = await carryOut(act, run, step);
  if (next.ok) {
    act.memory.update((state) => ({ ...state, run: next.run }));
    return null;
  }
  const { failure } = next;
  if (failure.reason === "deadline") learn(act, (learned) => learnFromKilled(learned, step));
  if (failure.reason === "stopped") {
    return endRun(act, run, { outcome: "skipped", reason: "the daemon is stopping", caughtUp: false });
  }
  const reason = `${failure.operation} ${failure.path}: ${failure.code ?? failure.reason} ${failure.message}`;
  return endRun(act, run, { outcome: "failed", reason, caughtUp: false }, failure);
}

type StepEnd =
  | { readonly ok: true; readonly run: CheckpointRun }
  | { readonly ok: false; readonly failure: Failure };

async function carryOut(
  act: Act,
  run: CheckpointRun,
  step: Exclude<CheckpointStep, { readonly kind: "done" }>,
): Promise<StepEnd> {
  const { context, config, observation, signal } = act;
  const target = targetOf(observation);
  const { profile } = config;
  const options = { lane: "short", deadlineMs: config.checkpoint.deadlineMs, signal } as const;
  switch (step.kind) {
    case "passive": {
      const outcome = await context.run({ kind: "passiveCheckpoint", profile }, target, options);
      if (!outcome.ok) return { ok: false, failure: outcome };
      learn(act, (learned) =>
        learnFromPassive(learned, copiedFrames(observation, outcome), outcome.durationMs),
      );
      return { ok: true, run: afterPassive(run, outcome) };
    }
    case "sync": {
      const outcome = await orStopped(
        syncTwice(act, target.path, target.identity ?? ""),
        target.path,
        signal,
      );
      if (!outcome.ok) return { ok: false, failure: outcome };
      learn(act, (learned) => learnFromSync(learned, outcome.durationMs));
      return { ok: true, run: afterSync(run, outcome) };
    }
    case "locked": {
      const { acquireBudgetMs, holdBudgetMs, completeWithinMs, drainReaders } = step;
      // Where locks of others may be hidden, an empty list of read marks proves nothing.
      const { mount, locks } = observation;
      const locksProve = locks.kind === "seen" && locks.viewIsComplete;
      const mountDevice = locksProve && mount.kind === "seen" ? mount.device : null;
      const outcome = await context.run(
        {
          kind: "lockedCheckpoint",
          profile,
          acquireBudgetMs,
          holdBudgetMs,
          completeWithinMs,
          drainReaders,
          mountDevice,
        },
        target,
        // What it copies under the lock it syncs, both files: not to be killed for a disk that is slow.
        {
          ...options,
          holdDeadlineMs: holdDeadlineMs(config, holdBudgetMs) + Math.ceil(2 * (run.syncMs ?? 0)),
        },
      );
      if (!outcome.ok) return { ok: false, failure: outcome };
      learn(act, (learned) => learnFromLocked(learned, outcome));
      return { ok: true, run: afterLocked(run, outcome) };
    }
    case "guardedTruncate": {
      const { kind, holdBudgetMs, acquireBudgetMs } = step;
      const { mount } = observation;
      if (mount.kind !== "seen") throw new Error("a guarded TRUNCATE was decided without a mount");
      const settleMs = Math.min(guardedSettleMs, config.checkpoint.deadlineMs / 2);
      const outcome = await context.run(
        { kind, profile, holdBudgetMs, acquireBudgetMs, settleMs, mountDevice: mount.device },
        target,
        { ...options, holdDeadlineMs: 2 * holdBudgetMs + guardedReleaseMs },
      );
      if (!outcome.ok) return { ok: false, failure: outcome };
      if (outcome.truncated) await keepShortened(act);
      return { ok: true, run: afterGuardedTruncate(run, outcome) };
    }
    case "truncate": {
      const { holdBudgetMs, aloneOnDevice } = step;
      const { keeperPid } = context.startupConnection;
      const outcome = await context.run(
        { kind: "truncateCheckpoint", profile, holdBudgetMs, aloneOnDevice, keeperPid },
        target,
        { ...options, holdDeadlineMs: holdDeadlineMs(config, holdBudgetMs) },
      );
      if (!outcome.ok) return { ok: false, failure: outcome };
      const fileBytes = observation.wal.kind === "regular" ? observation.wal.sizeBytes : 0;
      learn(act, (learned) => learnFromTruncate(learned, outcome, fileBytes));
      if (outcome.truncated) await keepShortened(act);
      return { ok: true, run: afterTruncate(run, outcome) };
    }
  }
}

/** A power cut that brought a WAL with frames without salts back would mix it with the newer database (unsaltedFrames.ts). */
async function keepShortened({ context, memory, observation }: Act): Promise<void> {
  const { wal, resolvedPath } = observation;
  if (memory.state.unsaltedFrame === null || wal.kind !== "regular" || resolvedPath === null) return;
  const outcome = await context.syncFile(`${resolvedPath}-wal`, wal.identity);
  if (!outcome.ok) noteFailedSync(context, memory, outcome);
}

function learn(act: Act, from: (learned: CheckpointLearning) => CheckpointLearning): void {
  act.memory.update((state) => ({ ...state, learned: from(state.learned) }));
}

/** By a PASSIVE that began at that look. */
function copiedFrames(observation: Observation, { checkpointedFrameCount }: PassiveResult): number {
  const wal = walStateOf(observation);
  return wal.kind === "known" ? Math.max(0, checkpointedFrameCount - wal.nBackfill) : 0;
}

/** Where the application waits, a worker that had to wait for the processor itself is not killed for that. */
function holdDeadlineMs(config: DatabaseConfig, holdBudgetMs: number): number {
  return Math.max(declaresLongWait(config) ? patientHoldMs : 0, 2 * holdBudgetMs);
}

/**
 * The first sync writes what PASSIVE left; its time says nothing about the next. When it took longer than the
 * hold may, a second one with nothing to write tells what the disk costs at least.
 */
async function syncTwice(act: Act, path: string, identity: string) {
  const first = await act.context.syncFile(path, identity);
  if (!first.ok || first.durationMs <= act.config.checkpoint.holdBudgetMs) return first;
  return act.context.syncFile(path, identity);
}

function endRun(act: Act, run: CheckpointRun, end: RunEnd, failure: Failure | null = null): CheckpointStatus {
  const { context, config, memory } = act;
  const nowMs = context.clock.nowMs();
  const status = statusOf(run, end, act.observation, nowMs);
  memory.update((state) => ({
    ...clearedRetry(state),
    run: null,
    checkpoint: noteEnd(
      state.checkpoint,
      status,
      leavesOf(state.checkpoint, end, act.observation, state.walWatch.heldMarks),
    ),
    learned: learnFromEnd(state.learned, run),
    ...(failure === null ? {} : { retry: afterFailure(state.retry, failure, nowMs) }),
  }));
  if (failure !== null) noteFailedSync(context, memory, failure);
  // A recovery that failed is a verdict of the startup sequence too; it is tried again.
  if (failure !== null) memory.update((state) => endStartup(state, nowMs));
  const copiedFrameCount =
    run.trigger === "startup-recovery" && failure === null ? endRecovery(act, run) : run.copiedFrameCount;
  report(act, status, copiedFrameCount);
  context.metrics.checkpoint(config.name, status);
  return status;
}

/** @returns the frames that the recovery brought back: a run before this one, which failed, may have copied them. */
function endRecovery(act: Act, run: CheckpointRun): number {
  const { context, config, memory } = act;
  const nowMs = context.clock.nowMs();
  let copiedFrameCount = run.copiedFrameCount;
  // What was left to a replicator has not been recovered: there is nothing to compare or to count.
  if (memory.state.replicator === null) {
    noteRecovery(act, copiedFrameCount);
    copiedFrameCount = memory.state.residueReport?.recovery?.copiedFrameCount ?? copiedFrameCount;
    context.metrics.recovery(config.name, copiedFrameCount);
  }
  memory.update((state) => enterStage(state, "check", nowMs));
  return copiedFrameCount;
}

function report(act: Act, status: CheckpointStatus, copiedFrameCount: number): void {
  const { wal } = act.observation;
  const walState = walStateOf(act.observation);
  const recovery = act.memory.state.residueReport?.recovery ?? null;
  act.context.events.checkpointEnded(act.config.name, status, {
    walFileBytes: wal.kind === "regular" ? wal.sizeBytes : 0,
    walFrameCount: walState.kind === "known" ? walState.mxFrame : null,
    backfilledFrameCount: walState.kind === "known" ? walState.nBackfill : null,
    copiedFrameCount,
    ...(status.trigger === "startup-recovery" && recovery !== null
      ? { residue: { verdict: recovery.verdict, remarks: recovery.remarks } }
      : {}),
  });
}
