/**
 * The startup sequence as a state machine: what comes next for a database, from what was seen and what is
 * known. No I/O. The order is an invariant: guards, then evidence, then anything that writes.
 */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { Observation } from "../domain/observation.ts";
import { isWorkerTrouble } from "./backoff.ts";
import { isAboutTheFile } from "./guardFinding.ts";
import { describeLeftBehind } from "./leftBehind.ts";
import { effectiveMode } from "./mode.ts";
import { whyCheckWaitsForReplicator } from "./replicator.ts";
import { residueOf } from "./residue.ts";
import { mayOpen } from "./rollbackMode.ts";
import { mayCheck, nobodyElseHasItOpen } from "./sharing.ts";
import { type DatabaseState, isStructurallyCorrupt, type Stage } from "./state.ts";
import { isWal } from "./walState.ts";

export type StartupStep =
  | {
      readonly kind: "act";
      readonly act: "create" | "evidenceCheck" | "applyProfile" | "recover" | "startupCheck";
    }
  | { readonly kind: "advance"; readonly to: Stage }
  /** The sequence has come to a verdict; it goes on when the reason is gone. */
  | { readonly kind: "stop"; readonly reason: string }
  | { readonly kind: "wait" };

/** A guard that still waits then is a verdict for now: others are not kept from being ready by it. */
const guardPatienceMs = 5_000;
/** How long the sequence waits for a rollback-mode database to rest. */
const restWaitMaxMs = 4_000;

/**
 * @param observation of now; guards in `state` were evaluated on it.
 */
export function nextStartupStep(
  observation: Observation,
  state: DatabaseState,
  config: DatabaseConfig,
): StartupStep {
  switch (state.stage) {
    case "missing":
      return whenMissing(observation, state, config);
    case "guards":
      return afterGuards(observation, state, config);
    case "evidence":
      return evidence(observation, state);
    case "profile":
      return profile(observation, state, config);
    case "recovery":
      if (isStructurallyCorrupt(state)) return { kind: "advance", to: "check" };
      if (!state.walResidue || !isWal(observation)) return { kind: "advance", to: "check" };
      return { kind: "act", act: "recover" };
    case "check":
      return startupCheck(observation, state, config);
    case "ended":
      return { kind: "wait" };
  }
}

function whenMissing(observation: Observation, state: DatabaseState, config: DatabaseConfig): StartupStep {
  if (observation.database.kind !== "absent") return { kind: "advance", to: "guards" };
  const reason = whyNotCreate(observation, state, config);
  return reason === null ? { kind: "act", act: "create" } : { kind: "stop", reason };
}

/**
 * Why a missing database is not created; null: it is. SQLite deletes a WAL beside an empty database when it
 * opens it: what a database that was moved away has left is not the daemon's to destroy.
 */
export function whyNotCreate(
  observation: Observation,
  state: DatabaseState,
  config: DatabaseConfig,
): string | null {
  const missing = `${config.path} does not exist`;
  if (config.whenMissing !== "create" || config.mode === "observe") return missing;
  const finding = state.guards[0];
  if (finding !== undefined) return `${missing} and is not created: ${finding.reason}`;
  const left = describeLeftBehind(observation, config.path);
  return left === null ? null : `${missing} and is not created: ${left}`;
}

function afterGuards(observation: Observation, state: DatabaseState, config: DatabaseConfig): StartupStep {
  if (observation.database.kind === "absent") return { kind: "advance", to: "missing" };
  // In mode observe nothing is opened: what only stands against opening is no obstacle.
  const findings = config.mode === "observe" ? state.guards.filter(isAboutTheFile) : state.guards;
  const refusal = findings.find((finding) => finding.verdict === "refuse");
  if (refusal !== undefined) return { kind: "stop", reason: refusal.reason };
  const [waiting] = findings;
  if (waiting !== undefined) {
    const patient = observation.observedAtMs - state.sequenceStartedAtMs < guardPatienceMs;
    return patient ? { kind: "wait" } : { kind: "stop", reason: waiting.reason };
  }
  if (effectiveMode(config, state).mode === "observe") return { kind: "advance", to: "ended" };
  return { kind: "advance", to: "evidence" };
}

/**
 * With residue a read-only quick_check looks before anything writes. A hot rollback journal cannot be looked
 * behind by a read-only connection: SQLite rolls it back at the next open that may write.
 */
function evidence(observation: Observation, state: DatabaseState): StartupStep {
  const residue = residueOf(observation, state.openers);
  if (residue === null || residue.walBytes === 0 || residue.journalBytes > 0) {
    return { kind: "advance", to: "profile" };
  }
  return hasEvidence(state) ? { kind: "advance", to: "profile" } : { kind: "act", act: "evidenceCheck" };
}

/** A quick_check of this sequence: an older one says nothing about what was left since. */
function hasEvidence({ quickCheck, sequenceStartedAtMs }: DatabaseState): boolean {
  return quickCheck !== null && quickCheck.endedAtMs >= sequenceStartedAtMs;
}

/** Where SQLite called the file corrupt, a read-only check decides before anything that may write tries again. */
function profile(observation: Observation, state: DatabaseState, config: DatabaseConfig): StartupStep {
  if (isStructurallyCorrupt(state)) return { kind: "advance", to: "check" };
  if (!mayOpen(observation, state, config)) {
    // What was written just now may rest in a moment; what somebody has open is left alone until later.
    const patient = observation.observedAtMs - state.sequenceStartedAtMs < restWaitMaxMs;
    return patient && nobodyElseHasItOpen(observation, state)
      ? { kind: "wait" }
      : { kind: "advance", to: "check" };
  }
  const code = state.retry.last?.code ?? "";
  const calledCorrupt = code.startsWith("SQLITE_CORRUPT") || code === "SQLITE_NOTADB";
  if (calledCorrupt && !hasEvidence(state)) return { kind: "act", act: "evidenceCheck" };
  return { kind: "act", act: "applyProfile" };
}

/** A check whose worker died so often is given up: that is the daemon's trouble, and no verdict. */
const workerTroublesMax = 3;

function startupCheck(observation: Observation, state: DatabaseState, config: DatabaseConfig): StartupStep {
  if (config.integrity.startup === "OFF") return { kind: "advance", to: "ended" };
  if (!mayCheck(observation, state)) return { kind: "advance", to: "ended" };
  if (whyCheckWaitsForReplicator(state.replicator, observation) !== null)
    return { kind: "advance", to: "ended" };
  const { failureCount, last } = state.retry;
  if (failureCount >= workerTroublesMax && isWorkerTrouble(last)) return { kind: "advance", to: "ended" };
  return { kind: "act", act: "startupCheck" };
}
