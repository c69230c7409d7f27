/** Which work has become due, put into the queues that `decide` looks at. */
import type { DatabaseConfig, Schedule } from "../domain/databaseConfig.ts";
import type { Observation } from "../domain/observation.ts";
import { nextCheckpointStep, nothingPending } from "./checkpoint.ts";
import type { CheckpointHistory } from "./checkpointHistory.ts";
import { beginRun, leavesOf, noteEnd } from "./checkpointRun.ts";
import { isDueEarly } from "./earlyCheckpoint.ts";
import { effectiveMode } from "./mode.ts";
import { othersKeepUp } from "./othersCheckpoints.ts";
import { isRecent } from "./recent.ts";
import { type DatabaseState, isStructurallyCorrupt, type PendingCheck, standingVerdicts } from "./state.ts";
import { isResetDue } from "./unsaltedReset.ts";

/** When a schedule is due next after `nowMs`; null: never. The cron library is behind it. */
export type NextDue = (schedule: Schedule, nowMs: number) => number | null;

/** A corrupt file that changed since is looked at again, at most this often. */
const corruptRecheckMs = 30_000;
/** A checkpoint that failed is tried again no sooner than this: three failures in a row are a finding. */
const checkpointAgainMs = 10_000;

export function queueDueWork(
  state: DatabaseState,
  observation: Observation,
  config: DatabaseConfig,
  nowMs: number,
  nextDue: NextDue,
): DatabaseState {
  if (state.stage !== "ended") return state;
  const scheduled = state.clockWasSet ? rescheduled(state, config, nowMs, nextDue) : state;
  const withCheckpoint = queueCheckpoint(scheduled, observation, config, nowMs, nextDue);
  return queueRecheck(queueChecks(withCheckpoint, config, nowMs, nextDue), observation, nowMs);
}

/** After the clock was set: a cron expression means the new time of day. */
function rescheduled(
  state: DatabaseState,
  config: DatabaseConfig,
  nowMs: number,
  nextDue: NextDue,
): DatabaseState {
  const again = (schedule: Schedule, dueAtMs: number | null) =>
    schedule.kind === "cron" ? nextDue(schedule, nowMs) : dueAtMs;
  const { checkpoint, integrity } = config;
  return {
    ...state,
    clockWasSet: false,
    nextCheckpointAtMs: again(checkpoint.schedule, state.nextCheckpointAtMs),
    nextQuickCheckAtMs: again(integrity.quickSchedule, state.nextQuickCheckAtMs),
    nextIntegrityCheckAtMs: again(integrity.fullSchedule, state.nextIntegrityCheckAtMs),
  };
}

function queueCheckpoint(
  state: DatabaseState,
  observation: Observation,
  config: DatabaseConfig,
  nowMs: number,
  nextDue: NextDue,
): DatabaseState {
  const { nextCheckpointAtMs } = state;
  if (nextCheckpointAtMs === null || state.run !== null) return state;
  if (nowMs < nextCheckpointAtMs) return queueEarly(queueAgain(state, nowMs), observation, config, nowMs);
  const next = { ...state, nextCheckpointAtMs: nextAfter(nextCheckpointAtMs, config, nowMs, nextDue) };
  // With a lowered mode the round is skipped, and the mode says why.
  if (effectiveMode(config, state).mode === "observe") return next;
  const repeated = state.pendingCheckpoint === null ? repeatedRound(state, observation, config, nowMs) : null;
  if (repeated !== null) return { ...next, checkpoint: repeated };
  return { ...next, pendingCheckpoint: state.pendingCheckpoint ?? "periodic" };
}

/** Rounds in which there was nothing to do. */
const saidOnce: ReadonlySet<string> = new Set([nothingPending, othersKeepUp]);

/**
 * The round before found nothing to do, and this one would end as it begins: it need not be said again. It is no less of
 * a round for that.
 *
 * @returns null: there is something to do, or to say.
 */
function repeatedRound(
  state: DatabaseState,
  observation: Observation,
  config: DatabaseConfig,
  nowMs: number,
): CheckpointHistory | null {
  const { last } = state.checkpoint;
  if (last?.trigger !== "periodic" || !saidOnce.has(last.reason)) return null;
  const run = beginRun("periodic", observation);
  const step = nextCheckpointStep(run, observation, state, config, nowMs);
  if (step.kind !== "done" || step.reason !== last.reason || step.outcome !== last.outcome) return null;
  const leaves = leavesOf(state.checkpoint, step, observation, []);
  return noteEnd(state.checkpoint, { ...last, endedAtMs: nowMs }, { ...leaves, left: state.checkpoint.left });
}

/** Whether the next due time of a checkpoint passes without a round, if nothing changes until then. */
export function passesDueTime(
  state: DatabaseState,
  observation: Observation,
  config: DatabaseConfig,
  nowMs: number,
): boolean {
  const { last } = state.checkpoint;
  return last?.reason === nothingPending && repeatedRound(state, observation, config, nowMs) !== null;
}

/**
 * At a database that is quiet: a due time at which there is nothing to do is noted.
 *
 * @returns the very same state where nothing is due; null: a round has to be gone through.
 */
export function noteDueTime(
  state: DatabaseState,
  observation: Observation,
  config: DatabaseConfig,
  nowMs: number,
  nextDue: NextDue,
): DatabaseState | null {
  const { nextCheckpointAtMs } = state;
  if (nextCheckpointAtMs === null || nowMs < nextCheckpointAtMs) return state;
  if (state.run !== null || state.pendingCheckpoint !== null) return null;
  if (effectiveMode(config, state).mode === "observe") return null;
  const checkpoint = repeatedRound(state, observation, config, nowMs);
  if (checkpoint === null) return null;
  return {
    ...state,
    nextCheckpointAtMs: nextAfter(nextCheckpointAtMs, config, nowMs, nextDue),
    checkpoint,
  };
}

/** Counted from when it was due, not from when that was noticed; what was missed is not made up for. */
function nextAfter(
  dueAtMs: number,
  { checkpoint: { schedule } }: DatabaseConfig,
  nowMs: number,
  nextDue: NextDue,
): number | null {
  const nextAtMs = schedule.kind === "interval" ? nextDue(schedule, dueAtMs) : null;
  return nextAtMs !== null && nextAtMs > nowMs ? nextAtMs : nextDue(schedule, nowMs);
}

/** One that failed does not wait for a schedule that may be a day away. */
function queueAgain(state: DatabaseState, nowMs: number): DatabaseState {
  const { last } = state.checkpoint;
  if (last?.outcome !== "failed" || state.pendingCheckpoint !== null) return state;
  if (nowMs < state.retry.notBeforeMs || isRecent(last.endedAtMs, nowMs, checkpointAgainMs)) return state;
  return { ...state, pendingCheckpoint: "periodic" };
}

function queueEarly(
  state: DatabaseState,
  observation: Observation,
  config: DatabaseConfig,
  nowMs: number,
): DatabaseState {
  if (state.pendingCheckpoint !== null || nowMs < state.retry.notBeforeMs) return state;
  if (effectiveMode(config, state).mode === "observe") return state;
  const isDue =
    isDueEarly(state, observation, config, nowMs) || isResetDue(state, observation, config, nowMs);
  return isDue ? { ...state, pendingCheckpoint: "periodic" } : state;
}

function queueChecks(
  state: DatabaseState,
  config: DatabaseConfig,
  nowMs: number,
  nextDue: NextDue,
): DatabaseState {
  let next = state;
  if (next.nextQuickCheckAtMs !== null && nowMs >= next.nextQuickCheckAtMs) {
    next = queueCheck(next, { check: "quick_check", trigger: "schedule" });
    next = { ...next, nextQuickCheckAtMs: nextDue(config.integrity.quickSchedule, nowMs) };
  }
  if (next.nextIntegrityCheckAtMs !== null && nowMs >= next.nextIntegrityCheckAtMs) {
    next = queueCheck(next, { check: "integrity_check", trigger: "schedule" });
    next = { ...next, nextIntegrityCheckAtMs: nextDue(config.integrity.fullSchedule, nowMs) };
  }
  return next;
}

/** A restore in place keeps the inode: only a new look can take a verdict of corruption back. */
function queueRecheck(state: DatabaseState, observation: Observation, nowMs: number): DatabaseState {
  if (!isStructurallyCorrupt(state) || observation.database.kind !== "regular") return state;
  if (observation.database.modifiedAtMs === state.verdictOfModifiedAtMs) return state;
  const corrupt = standingVerdicts(state).filter((status) => status.verdict === "structural");
  const lastLookAtMs = Math.max(state.recheckQueuedAtMs ?? 0, ...corrupt.map((status) => status.endedAtMs));
  if (isRecent(lastLookAtMs, nowMs, corruptRecheckMs)) return state;
  return corrupt.reduce<DatabaseState>(
    (queued, { check }) => queueCheck(queued, { check, trigger: "schedule" }),
    { ...state, recheckQueuedAtMs: nowMs },
  );
}

/** The same check is not queued twice. */
export function queueCheck(state: DatabaseState, pending: PendingCheck): DatabaseState {
  if (state.pendingChecks.some((other) => other.check === pending.check)) return state;
  return { ...state, pendingChecks: [...state.pendingChecks, pending] };
}
