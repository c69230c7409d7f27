/**
 * One round's decision for one database: from the observation, the memory and the configuration to at most
 * one act. Pure: no clock, no I/O. `daemon/databaseWatch.ts` carries it out, observes again and asks again.
 */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { Observation } from "../domain/observation.ts";
import type { CheckpointTrigger } from "../domain/status.ts";
import { type CheckpointStep, nextCheckpointStep } from "./checkpoint.ts";
import { decideJournalMode, journalModeHolds } from "./journalMode.ts";
import { isAlone } from "./lockPermission.ts";
import { effectiveMode } from "./mode.ts";
import { mayCheck } from "./sharing.ts";
import { nextStartupStep } from "./startup.ts";
import { type DatabaseState, isStructurallyCorrupt, type PendingCheck, type Stage } from "./state.ts";
import { walHasFrames } from "./walState.ts";

export type Decision =
  | { readonly kind: "rest" }
  /** Who has the files open must be known before anything is opened. */
  | { readonly kind: "scanOpeners" }
  /** Another file is there now, or none: forget what was known and begin again. */
  | { readonly kind: "startOver"; readonly because: "replaced" | "vanished" }
  | { readonly kind: "advance"; readonly to: Stage }
  | { readonly kind: "stopStartup"; readonly reason: string }
  | { readonly kind: "create" }
  | { readonly kind: "evidenceCheck" }
  | { readonly kind: "applyProfile"; readonly setJournalMode: boolean }
  | { readonly kind: "startupCheck"; readonly check: "quick_check" | "integrity_check" }
  | { readonly kind: "beginCheckpoint"; readonly trigger: CheckpointTrigger }
  | { readonly kind: "checkpointStep"; readonly step: CheckpointStep };

/** A scan of /proc/PID/fd older than this says nothing about who has the files open now. */
export const openersFreshMs = 1_000;
/** A refusal because of a process without locks is looked at again this often. */
const openersRefusedMs = 5_000;
/** A profile that does not hold is tried again this often. */
const profileRetryMs = 10_000;

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
  if (state.stage !== "ended") return startupDecision(observation, state, config, nowMs);
  if (state.run !== null) {
    const step = nextCheckpointStep(state.run, observation, state, config, nowMs);
    if (step.kind === "done") return { kind: "checkpointStep", step };
    return openable(state, config) ? { kind: "checkpointStep", step } : interrupted(state);
  }
  return steadyDecision(observation, state, config, nowMs);
}

function identityDecision(observation: Observation, state: DatabaseState): Decision | null {
  if (state.identity === null || state.stage === "missing") return null;
  if (observation.database.kind === "absent") return { kind: "startOver", because: "vanished" };
  if (observation.database.kind !== "regular") return null;
  return observation.database.identity === state.identity ? null : { kind: "startOver", because: "replaced" };
}

/** Locks of a connected process prove that it locks; without any, descriptors must be looked at. */
function needsOpeners(
  observation: Observation,
  state: DatabaseState,
  config: DatabaseConfig,
  nowMs: number,
): boolean {
  if (config.mode === "observe" || observation.database.kind !== "regular") return false;
  const ageMs = nowMs - state.openersAtMs;
  if (state.guards.some((finding) => finding.guard === "open_without_locks")) {
    const verdict = state.guards.some((finding) => finding.verdict === "refuse");
    return ageMs >= (verdict ? openersRefusedMs : openersFreshMs / 10);
  }
  if (state.stage === "guards")
    return state.openers === null || (state.guards.length === 0 && ageMs >= openersFreshMs);
  if (!wantsToOpen(observation, state, config, nowMs)) return false;
  const alone =
    isAlone(observation) || observation.locks.kind !== "seen" || observation.locks.connected.length === 0;
  return alone && ageMs >= openersFreshMs;
}

function wantsToOpen(
  observation: Observation,
  state: DatabaseState,
  config: DatabaseConfig,
  nowMs: number,
): boolean {
  if (state.guards.length > 0 || nowMs < state.retry.notBeforeMs) return false;
  if (state.stage !== "ended") return true;
  if (state.pendingChecks.length > 0 && !state.checkRunning) return true;
  if (wantsProfile(observation, state, config, nowMs)) return true;
  const due = state.run !== null || state.pendingCheckpoint !== null;
  return due && walHasFrames(observation);
}

function openable(state: DatabaseState, config: DatabaseConfig): boolean {
  return effectiveMode(config, state).mode !== "observe";
}

/** A guard came up in the middle of a checkpoint: it ends here, with nothing claimed. */
function interrupted(state: DatabaseState): Decision {
  const reason = state.guards[0]?.reason ?? "the database may not be opened any more";
  return { kind: "checkpointStep", step: { kind: "done", outcome: "skipped", reason, caughtUp: false } };
}

function startupDecision(
  observation: Observation,
  state: DatabaseState,
  config: DatabaseConfig,
  nowMs: number,
): Decision {
  if (nowMs < state.retry.notBeforeMs) return { kind: "rest" };
  // A guard that comes up during the sequence sends it back to where guards are waited for.
  if (state.stage !== "guards" && state.stage !== "missing" && state.guards.length > 0) {
    return { kind: "advance", to: "guards" };
  }
  if (state.run !== null) {
    return { kind: "checkpointStep", step: nextCheckpointStep(state.run, observation, state, config, nowMs) };
  }
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
  // Observed only until the guards are gone; then the sequence runs for the first time.
  if (state.profile === null && openable(state, config)) return { kind: "advance", to: "guards" };
  if (state.pendingCheckpoint !== null) return { kind: "beginCheckpoint", trigger: state.pendingCheckpoint };
  if (nowMs < state.retry.notBeforeMs) return { kind: "rest" };
  if (wantsProfile(observation, state, config, nowMs)) {
    return { kind: "applyProfile", setJournalMode: decideJournalMode(observation, state, config).set };
  }
  return { kind: "rest" };
}

function wantsProfile(
  observation: Observation,
  state: DatabaseState,
  config: DatabaseConfig,
  nowMs: number,
): boolean {
  if (!openable(state, config) || journalModeHolds(observation, config)) return false;
  return nowMs - state.profileAtMs >= profileRetryMs && effectiveMode(config, state).mode === "enforce";
}

/** The long lane: the next integrity check that may run now, or null. */
export function decideCheck(
  observation: Observation,
  state: DatabaseState,
  config: DatabaseConfig,
): PendingCheck | null {
  const next = state.pendingChecks[0];
  if (next === undefined || state.checkRunning) return null;
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
  if (mayCheck(observation, state)) return "";
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
  return mode.mode === "observe" ? mode.reason : "";
}

function obstacleTo(observation: Observation | null, state: DatabaseState, config: DatabaseConfig): string {
  if (config.mode === "observe") return "its mode is observe: it is never opened";
  if (observation?.database.kind !== "regular") return `${config.path} is not there`;
  const finding = state.guards[0];
  if (finding !== undefined) return `${finding.guard}: ${finding.reason}`;
  if (state.stage !== "ended") return "its startup sequence has not ended";
  return observation.database.identity === state.identity ? "" : "the file has just been replaced";
}
