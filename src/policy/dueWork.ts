/** Which work has become due, put into the queues that `decide` looks at. */
import type { DatabaseConfig, Schedule } from "../domain/databaseConfig.ts";
import type { Observation } from "../domain/observation.ts";
import { effectiveMode } from "./mode.ts";
import { type DatabaseState, isStructurallyCorrupt, type PendingCheck } from "./state.ts";

/** When a schedule is due next after `nowMs`; null: never. The cron library is behind it. */
export type NextDue = (schedule: Schedule, nowMs: number) => number | null;

/** A corrupt file that changed since is looked at again, at most this often. */
const corruptRecheckMs = 30_000;

export function queueDueWork(
  state: DatabaseState,
  observation: Observation,
  config: DatabaseConfig,
  nowMs: number,
  nextDue: NextDue,
): DatabaseState {
  if (state.stage !== "ended") return state;
  return queueRecheck(
    queueChecks(queueCheckpoint(state, config, nowMs, nextDue), config, nowMs, nextDue),
    observation,
    nowMs,
  );
}

function queueCheckpoint(
  state: DatabaseState,
  config: DatabaseConfig,
  nowMs: number,
  nextDue: NextDue,
): DatabaseState {
  const { nextCheckpointAtMs } = state;
  if (nextCheckpointAtMs === null || nowMs < nextCheckpointAtMs || state.run !== null) return state;
  const next = { ...state, nextCheckpointAtMs: nextDue(config.checkpoint.schedule, nowMs) };
  // With a lowered mode the round is skipped, and the mode says why.
  if (effectiveMode(config, state).mode === "observe") return next;
  return { ...next, pendingCheckpoint: state.pendingCheckpoint ?? "periodic" };
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
  const worst = state.integrityCheck?.verdict === "structural" ? state.integrityCheck : state.quickCheck;
  if (worst === null || nowMs - worst.endedAtMs < corruptRecheckMs) return state;
  return queueCheck(state, { check: worst.check, trigger: "schedule" });
}

/** The same check is not queued twice. */
export function queueCheck(state: DatabaseState, pending: PendingCheck): DatabaseState {
  if (state.pendingChecks.some((other) => other.check === pending.check)) return state;
  return { ...state, pendingChecks: [...state.pendingChecks, pending] };
}
