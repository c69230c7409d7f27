/**
 * One round's decision for one database: from the observation, the memory and the configuration to at most
 * one act. Pure: no clock, no I/O. `daemon/databaseWatch.ts` carries it out, observes again and asks again.
 */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { Observation } from "../domain/observation.ts";
import type { CheckpointTrigger } from "../domain/status.ts";
import { type CheckpointStep, nextCheckpointStep } from "./checkpoint.ts";
import { isRolledBack } from "./headerHistory.ts";
import { decideJournalMode, journalModeRetryMs, wantsJournalMode } from "./journalMode.ts";
import { effectiveMode } from "./mode.ts";
import { needsOpeners } from "./openersLook.ts";
import { whyCheckWaitsForReplicator } from "./replicator.ts";
import { residueScanDue } from "./residueScan.ts";
import { needsRestartVerdict } from "./restartDue.ts";
import { mayOpen } from "./rollbackMode.ts";
import { mayCheck } from "./sharing.ts";
import { needsSqliteLook } from "./sqliteProcess.ts";
import { nextStartupStep } from "./startup.ts";
import {
  type CheckpointRun,
  type DatabaseState,
  isStructurallyCorrupt,
  type PendingCheck,
  type Stage,
} from "./state.ts";

export type Decision =
  | { readonly kind: "rest" }
  /** Who has the files open must be known before anything is opened. */
  | { readonly kind: "scanOpeners" }
  /** Which SQLite the connected processes run is not known, or not well enough for a checkpoint. */
  | { readonly kind: "lookAtSqlite" }
  /** What was left beside it must be read before anything is opened. */
  | { readonly kind: "scanResidue" }
  /** What became of it since the daemon's last life is judged before anything is opened. */
  | { readonly kind: "judgeRestart" }
  /** Another file is there now, or none: forget what was known and begin again. */
  | { readonly kind: "startOver"; readonly because: StartOverReason }
  | { readonly kind: "advance"; readonly to: Stage }
  | { readonly kind: "stopStartup"; readonly reason: string }
  | { readonly kind: "create" }
  | { readonly kind: "evidenceCheck" }
  | { readonly kind: "applyProfile"; readonly setJournalMode: boolean }
  | { readonly kind: "startupCheck"; readonly check: "quick_check" | "integrity_check" }
  | { readonly kind: "beginCheckpoint"; readonly trigger: CheckpointTrigger }
  | { readonly kind: "checkpointStep"; readonly step: CheckpointStep };

/**
 * `rolledBack`: the same file with an earlier content. `strangeWalGone`: what lay there did not go together and now
 * does, so one of the two is another.
 */
export type StartOverReason = "replaced" | "vanished" | "rolledBack" | "strangeWalGone";

const beginAgainMs = 5_000;
/** A count of connections older than this says nothing about a checkpoint that is about to run. */
const sqliteLookFreshMs = 1_000;
const sqliteLookAgainMs = 10_000;

/** The short lane: startup, profile, checkpoints. */
export function decide(
  observation: Observation,
  state: DatabaseState,
  config: DatabaseConfig,
  nowMs: number,
): Decision {
  const moved = identityDecision(observation, state);
  if (moved !== null) return moved;
  if (needsOpeners(observation, state, config, nowMs)) return { kind: "scanOpeners" };
  const residueScan = residueScanDue(observation, state, config, nowMs);
  if (residueScan !== "no") return residueScan === "now" ? { kind: "scanResidue" } : { kind: "rest" };
  if (needsRestartVerdict(observation, state)) return { kind: "judgeRestart" };
  if (wantsSqliteLook(observation, state, nowMs)) return { kind: "lookAtSqlite" };
  if (state.stage !== "ended") return startupDecision(observation, state, config, nowMs);
  if (state.run !== null) return runDecision(state.run, observation, state, config, nowMs);
  return steadyDecision(observation, state, config, nowMs);
}

function identityDecision(observation: Observation, state: DatabaseState): Decision | null {
  if (state.identity === null || state.stage === "missing") return null;
  if (observation.database.kind === "absent") return { kind: "startOver", because: "vanished" };
  if (observation.database.kind !== "regular") return null;
  if (observation.database.identity !== state.identity) return { kind: "startOver", because: "replaced" };
  if (isRolledBack(observation, state)) return { kind: "startOver", because: "rolledBack" };
  return state.strangeWalGone ? { kind: "startOver", because: "strangeWalGone" } : null;
}

/** Also for a database that is never opened: who runs an affected SQLite there is told all the same. */
function wantsSqliteLook({ locks }: Observation, state: DatabaseState, nowMs: number): boolean {
  if (locks.kind !== "seen") return false;
  const checkpointing = state.run !== null || state.pendingCheckpoint !== null || state.stage === "recovery";
  return needsSqliteLook(
    locks.connected,
    state.sqliteProcesses,
    nowMs - state.sqliteProcessesAtMs,
    checkpointing ? sqliteLookFreshMs : sqliteLookAgainMs,
  );
}

function openable(state: DatabaseState, config: DatabaseConfig): boolean {
  return effectiveMode(config, state).mode !== "observe";
}

/** One that may not go on ends here, with nothing claimed. */
function runDecision(
  run: CheckpointRun,
  observation: Observation,
  state: DatabaseState,
  config: DatabaseConfig,
  nowMs: number,
): Decision {
  const mode = effectiveMode(config, state);
  if (mode.mode === "observe") return interrupted(mode.reason);
  return { kind: "checkpointStep", step: nextCheckpointStep(run, observation, state, config, nowMs) };
}

function interrupted(why: string): Decision {
  const reason = why === "" ? "its mode is observe: it is never opened" : why;
  return { kind: "checkpointStep", step: { kind: "done", outcome: "skipped", reason, caughtUp: false } };
}

function startupDecision(
  observation: Observation,
  state: DatabaseState,
  config: DatabaseConfig,
  nowMs: number,
): Decision {
  if (state.run !== null) {
    // A run that is left from before the sequence began again must not write before its evidence.
    if (state.stage !== "recovery") return interrupted("its startup sequence has begun again");
    return runDecision(state.run, observation, state, config, nowMs);
  }
  // A guard that comes up during the sequence, or mode observe, sends it back to where guards are waited for.
  const closed = state.guards.length > 0 || config.mode === "observe";
  if (closed && state.stage !== "guards" && state.stage !== "missing")
    return { kind: "advance", to: "guards" };
  const appeared = state.stage === "missing" && observation.database.kind !== "absent";
  if (nowMs < state.retry.notBeforeMs && !appeared) return { kind: "rest" };
  const step = nextStartupStep(observation, state, config);
  switch (step.kind) {
    case "wait":
      return { kind: "rest" };
    case "stop":
      return state.startupEndedAtMs === null
        ? { kind: "stopStartup", reason: step.reason }
        : { kind: "rest" };
    case "advance":
      return step;
    case "act":
      switch (step.act) {
        case "create":
          return { kind: "create" };
        case "evidenceCheck":
          return { kind: "evidenceCheck" };
        case "applyProfile":
          return { kind: "applyProfile", setJournalMode: decideJournalMode(observation, state, config).set };
        case "recover":
          return { kind: "beginCheckpoint", trigger: "startup-recovery" };
        case "startupCheck":
          return {
            kind: "startupCheck",
            check: config.integrity.startup === "FULL" ? "integrity_check" : "quick_check",
          };
      }
  }
}

function steadyDecision(
  observation: Observation,
  state: DatabaseState,
  config: DatabaseConfig,
  nowMs: number,
): Decision {
  if (openable(state, config)) {
    if (!mayOpen(observation, state, config)) {
      // Once nobody else has it open it may be opened: so that is looked at again.
      if (nowMs - state.openersAtMs >= journalModeRetryMs) return { kind: "scanOpeners" };
    }
    // Observed only until the guards are gone; then the sequence runs for the first time.
    else if (state.profile === null && mayBeginAgain(state, nowMs)) return { kind: "advance", to: "guards" };
  }
  if (state.pendingCheckpoint !== null) return { kind: "beginCheckpoint", trigger: state.pendingCheckpoint };
  if (nowMs < state.retry.notBeforeMs) return { kind: "rest" };
  if (wantsJournalMode(observation, state, config, nowMs)) {
    const { set } = decideJournalMode(observation, state, config);
    if (set) return { kind: "applyProfile", setJournalMode: true };
  }
  return { kind: "rest" };
}

/** A sequence that came to nothing is not repeated at once: two checks may contradict one another for ever. */
function mayBeginAgain(state: DatabaseState, nowMs: number): boolean {
  const sinceMs = nowMs - state.stageSinceMs;
  return sinceMs < 0 || sinceMs >= beginAgainMs;
}

/** The long lane: the next integrity check that may run now, or null. */
export function decideCheck(
  observation: Observation,
  state: DatabaseState,
  config: DatabaseConfig,
): PendingCheck | null {
  const next = state.pendingChecks[0];
  if (next === undefined || state.checkRunning) return null;
  // Beside a process without locks a check would read torn pages, and call them damage.
  if (needsOpeners(observation, state, config, observation.observedAtMs)) return null;
  if (residueScanDue(observation, state, config, observation.observedAtMs) !== "no") return null;
  return whyNotCheck(observation, state, config) === "" ? next : null;
}

/** Why an integrity check cannot run now; empty: it can. */
export function whyNotCheck(
  observation: Observation | null,
  state: DatabaseState,
  config: DatabaseConfig,
): string {
  const obstacle = obstacleTo(observation, state, config);
  if (obstacle !== "" || observation === null) return obstacle;
  const mode = effectiveMode(config, state);
  if (mode.mode === "observe" && !isStructurallyCorrupt(state)) return mode.reason;
  if (mayCheck(observation, state)) return whyCheckWaitsForReplicator(state.replicator, observation) ?? "";
  return "it is not in WAL mode and another process may have it open: a check would keep its writers out";
}

/** Why a checkpoint cannot run now; empty: it can. */
export function whyNotCheckpoint(
  observation: Observation | null,
  state: DatabaseState,
  config: DatabaseConfig,
): string {
  const obstacle = obstacleTo(observation, state, config);
  if (obstacle !== "") return obstacle;
  const mode = effectiveMode(config, state);
  if (mode.mode === "observe") return mode.reason;
  if (state.profile !== null) return "";
  // Only an observation can tell which; without one an obstacle was named above.
  return observation !== null && mayOpen(observation, state, config)
    ? "its startup sequence begins again"
    : "another process may have it open and its busy timeout is not declared";
}

function obstacleTo(observation: Observation | null, state: DatabaseState, config: DatabaseConfig): string {
  if (config.mode === "observe") return "its mode is observe: it is never opened";
  if (observation === null) return "it has not been looked at yet";
  if (observation.database.kind === "absent") return `${config.path} is not there`;
  const finding = state.guards[0];
  if (finding !== undefined) return `${finding.guard}: ${finding.reason}`;
  if (observation.database.kind !== "regular") return `${config.path} is not a regular file`;
  if (state.stage !== "ended") return "its startup sequence has not ended";
  return observation.database.identity === state.identity ? "" : "the file has just been replaced";
}
