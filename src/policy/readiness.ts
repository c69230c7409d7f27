/**
 * Whether a database is ready, check by check. Not ready only for proven facts about a required database;
 * whatever is merely unknown, or the daemon's own trouble, degrades and is said. Unknown is never "ok".
 */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { Observation } from "../domain/observation.ts";
import type { CheckState, IntegrityStatus } from "../domain/status.ts";
import { isWorkerTrouble } from "./backoff.ts";
import { isAboutTheFile } from "./guardFinding.ts";
import { decideJournalMode, journalModeHolds } from "./journalMode.ts";
import { effectiveMode } from "./mode.ts";
import { describeMissing } from "./movedAway.ts";
import { whoIsLockedOut } from "./sidecarOwners.ts";
import { whyNotCreate } from "./startup.ts";
import { type DatabaseState, standingVerdicts } from "./state.ts";

export interface CheckVerdict {
  readonly name:
    | "startup"
    | "file"
    | "sidecars"
    | "guards"
    | "profile"
    | "integrity"
    | "checkpoint"
    | "observation"
    | "ledger"
    | "residue"
    | "wal";
  readonly state: CheckState;
  readonly reason: string;
}

/** So many checkpoints failed in a row make a database not ready. */
const checkpointFailuresMax = 3;

export function readinessChecks(
  observation: Observation | null,
  state: DatabaseState,
  config: DatabaseConfig,
): readonly CheckVerdict[] {
  if (observation === null) {
    return [{ name: "startup", state: "failed", reason: "not observed yet" }];
  }
  if (observation.database.kind === "absent") return [missing(observation, state, config)];
  return [
    file(observation),
    sidecars(observation),
    startup(state),
    guards(state, config),
    profile(observation, state, config),
    integrity(state, config),
    checkpoint(state),
    looks(observation, state),
  ];
}

/** Whether it is a proven fact that the file cannot be read is for the guards to say. */
function file(observation: Observation): CheckVerdict {
  return observation.database.kind === "regular"
    ? { name: "file", state: "ok", reason: "" }
    : { name: "file", state: "degraded", reason: "there is no regular file that could be read" };
}

function sidecars(observation: Observation): CheckVerdict {
  const reason = whoIsLockedOut(observation);
  return { name: "sidecars", state: reason === null ? "ok" : "degraded", reason: reason ?? "" };
}

function missing(observation: Observation, state: DatabaseState, config: DatabaseConfig): CheckVerdict {
  const trouble = describeMissing(observation, config);
  if (trouble !== null) {
    const state = config.whenMissing === "pass" ? "degraded" : "failed";
    return { name: "file", state, reason: `${config.path} does not exist: ${trouble}` };
  }
  if (config.whenMissing === "pass") {
    return {
      name: "file",
      state: "ok",
      reason: `${config.path} does not exist, which is accepted (whenMissing: pass)`,
    };
  }
  const { last } = state.retry;
  const why =
    last === null
      ? (whyNotCreate(observation, state, config) ?? `${config.path} is being created`)
      : `${config.path} could not be created: ${last.code ?? last.reason} ${last.message}`;
  return { name: "file", state: "failed", reason: `${why}; it is picked up when it appears` };
}

function startup(state: DatabaseState): CheckVerdict {
  const { last } = state.retry;
  if (last !== null && state.stage !== "ended") {
    return {
      name: "startup",
      state: "failed",
      reason: `${last.operation} ${last.path}: ${last.code ?? last.reason} ${last.message}; tried again with growing pauses`,
    };
  }
  if (state.stage === "ended") return { name: "startup", state: "ok", reason: "" };
  if (state.guards.some((finding) => finding.verdict === "refuse")) {
    return { name: "startup", state: "failed", reason: "held back by a guard" };
  }
  const waiting = state.guards[0];
  return {
    name: "startup",
    state: "failed",
    reason: waiting === undefined ? `startup sequence at ${state.stage}` : `waiting: ${waiting.reason}`,
  };
}

function guards(state: DatabaseState, config: DatabaseConfig): CheckVerdict {
  const refused = state.guards.find((finding) => finding.verdict === "refuse");
  if (refused === undefined) {
    const waiting = state.guards[0];
    return waiting === undefined
      ? { name: "guards", state: "ok", reason: "" }
      : { name: "guards", state: "degraded", reason: `${waiting.guard}: ${waiting.reason}` };
  }
  // In mode observe nothing is opened anyway: an exclusive lock is then no obstacle to anything.
  const harmless = config.mode === "observe" && !state.guards.some(isAboutTheFile);
  return {
    name: "guards",
    state: harmless ? "degraded" : "failed",
    reason: `${refused.guard}: ${refused.reason}`,
  };
}

function profile(observation: Observation, state: DatabaseState, config: DatabaseConfig): CheckVerdict {
  const wanted = config.profile.journalMode;
  if (observation.header?.kind !== "header") {
    return { name: "profile", state: "degraded", reason: "the journal mode cannot be read from the header" };
  }
  if (!journalModeHolds(observation, config)) {
    const { reason } = decideJournalMode(observation, state, config);
    const actual = observation.header.header.inWalMode ? "wal" : "a rollback journal";
    const failed = config.mode === "enforce" && state.stage === "ended";
    return {
      name: "profile",
      state: failed ? "failed" : "degraded",
      reason: `journal_mode is ${actual}, wanted is ${wanted}${reason === "" ? "" : `: ${reason}`}`,
    };
  }
  const broken = state.profile?.pragmas.find(
    (reading) => !reading.holds && reading.pragma !== "journal_mode",
  );
  if (broken !== undefined) {
    return {
      name: "profile",
      state: "failed",
      reason: `${broken.pragma} of the daemon's own connection is ${broken.actual}, wanted is ${broken.wanted}`,
    };
  }
  if (state.profile === null && config.mode !== "observe") {
    const reason = "not verified yet on a connection of the daemon's own";
    return { name: "profile", state: "degraded", reason };
  }
  if (wanted !== "WAL" || config.profile.synchronous === "OFF") {
    const what = wanted === "WAL" ? "synchronous=OFF" : `journal_mode=${wanted}`;
    return { name: "profile", state: "degraded", reason: `${what} was configured: not crash-safe` };
  }
  return { name: "profile", state: "ok", reason: "" };
}

const severity: Readonly<Record<IntegrityStatus["verdict"], CheckState>> = {
  ok: "ok",
  structural: "failed",
  content: "degraded",
  foreign_keys: "degraded",
  undecidable: "degraded",
  unknown: "degraded",
};

function integrity(state: DatabaseState, config: DatabaseConfig): CheckVerdict {
  const verdicts = standingVerdicts(state);
  const worst =
    verdicts.find((status) => severity[status.verdict] === "failed") ??
    verdicts.find((status) => severity[status.verdict] === "degraded");
  if (worst !== undefined) {
    const first = worst.findings[0] ?? "no verdict";
    const more = worst.findings.length > 1 ? ` (and ${worst.findings.length - 1} more)` : "";
    return {
      name: "integrity",
      state: severity[worst.verdict],
      reason: `${worst.check}: ${worst.verdict}: ${first}${more}`,
    };
  }
  if (verdicts.length > 0) return { name: "integrity", state: "ok", reason: "" };
  const mode = effectiveMode(config, state);
  const why =
    config.integrity.startup === "OFF"
      ? "the startup check is off"
      : state.guards.length > 0
        ? "held back by a guard"
        : mode.reason !== ""
          ? mode.reason
          : "no check has ended yet";
  return { name: "integrity", state: "degraded", reason: `not proven: ${why}` };
}

function checkpoint(state: DatabaseState): CheckVerdict {
  const { last, consecutiveFailureCount } = state.checkpoint;
  if (consecutiveFailureCount === 0) return { name: "checkpoint", state: "ok", reason: "" };
  const proven = consecutiveFailureCount >= checkpointFailuresMax && !isWorkerTrouble(state.retry.last);
  return {
    name: "checkpoint",
    state: proven ? "failed" : "degraded",
    reason: `${consecutiveFailureCount} failed in a row: ${last?.reason ?? ""}`,
  };
}

function looks(observation: Observation, state: DatabaseState): CheckVerdict {
  const { locks, database } = observation;
  if (database.kind === "unreadable") {
    return { name: "observation", state: "degraded", reason: `${database.operation}: ${database.code}` };
  }
  if (locks.kind === "unobservable") {
    return { name: "observation", state: "degraded", reason: `locks cannot be seen: ${locks.reason}` };
  }
  if (state.openers?.kind === "unobservable") {
    const reason = `who has it open cannot be seen: ${state.openers.reason}`;
    return { name: "observation", state: "degraded", reason };
  }
  return { name: "observation", state: "ok", reason: "" };
}
