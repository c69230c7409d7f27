/**
 * The startup sequence as a state machine: what comes next for a database, from what was seen and what is
 * known. No I/O. The order is an invariant: guards, then evidence, then anything that writes.
 */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { Observation } from "../domain/observation.ts";
import { effectiveMode, type ModeVerdict } from "./mode.ts";
import { residueOf } from "./residue.ts";
import { mayCheck } from "./sharing.ts";
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

/**
 * @param observation of now; guards in `state` were evaluated on it.
 */
export function nextStartupStep(
  observation: Observation,
  state: DatabaseState,
  config: DatabaseConfig,
): StartupStep {
  const mode = effectiveMode(config, state);
  switch (state.stage) {
    case "missing":
      return whenMissing(observation, config);
    case "guards":
      return afterGuards(observation, state, mode);
    case "evidence":
      return evidence(observation, state);
    case "profile":
      if (isStructurallyCorrupt(state)) return { kind: "advance", to: "check" };
      return { kind: "act", act: "applyProfile" };
    case "recovery":
      if (!state.walResidue || !isWal(observation)) return { kind: "advance", to: "check" };
      return { kind: "act", act: "recover" };
    case "check":
      return startupCheck(observation, state, config);
    case "ended":
      return { kind: "wait" };
  }
}

function whenMissing(observation: Observation, config: DatabaseConfig): StartupStep {
  if (observation.database.kind !== "absent") return { kind: "advance", to: "guards" };
  if (config.whenMissing === "create" && config.mode !== "observe") return { kind: "act", act: "create" };
  return { kind: "stop", reason: `${config.path} does not exist` };
}

function afterGuards(observation: Observation, state: DatabaseState, mode: ModeVerdict): StartupStep {
  if (observation.database.kind === "absent") return { kind: "advance", to: "missing" };
  const refusal = state.guards.find((finding) => finding.verdict === "refuse");
  if (refusal !== undefined) return { kind: "stop", reason: refusal.reason };
  if (state.guards.length > 0) return { kind: "wait" };
  if (mode.mode === "observe") return { kind: "advance", to: "ended" };
  return { kind: "advance", to: "evidence" };
}

/**
 * With residue a read-only quick_check looks before anything writes. A hot rollback journal cannot be looked
 * behind by a read-only connection: SQLite rolls it back at the next open that may write.
 */
function evidence(observation: Observation, state: DatabaseState): StartupStep {
  const residue = residueOf(observation);
  if (residue === null || residue.walBytes === 0 || residue.journalBytes > 0) {
    return { kind: "advance", to: "profile" };
  }
  return state.quickCheck === null
    ? { kind: "act", act: "evidenceCheck" }
    : { kind: "advance", to: "profile" };
}

function startupCheck(observation: Observation, state: DatabaseState, config: DatabaseConfig): StartupStep {
  if (config.integrity.startup === "OFF") return { kind: "advance", to: "ended" };
  if (!mayCheck(observation, state)) return { kind: "advance", to: "ended" };
  return { kind: "act", act: "startupCheck" };
}
