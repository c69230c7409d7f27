/**
 * Whether the journal mode may be set now. Setting it takes an exclusive lock and changes the file under
 * every open connection: so it is done when nobody else has the database open, or when the operator has declared the
 * application's busy timeout and with it that the application locks and waits.
 */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { Observation } from "../domain/observation.ts";
import { isAtRest } from "./atRest.ts";
import { describeHolder } from "./heldLocks.ts";
import { declaresLongWait } from "./lockPermission.ts";
import { effectiveMode } from "./mode.ts";
import { nobodyElseHasItOpen } from "./sharing.ts";
import type { DatabaseState } from "./state.ts";
import { isWal } from "./walState.ts";

export interface JournalModeVerdict {
  readonly set: boolean;
  /** Why not, though it differs; empty otherwise. */
  readonly reason: string;
}

/** Only "WAL or not" is stored in the file; the other modes belong to a connection. */
export function journalModeHolds(observation: Observation, config: DatabaseConfig): boolean {
  return isWal(observation) === (config.profile.journalMode === "WAL");
}

export function decideJournalMode(
  observation: Observation,
  state: DatabaseState,
  config: DatabaseConfig,
): JournalModeVerdict {
  if (journalModeHolds(observation, config)) return { set: false, reason: "" };
  const mode = effectiveMode(config, state);
  if (mode.mode !== "enforce") {
    return { set: false, reason: mode.reason === "" ? `mode is ${mode.mode}` : mode.reason };
  }
  if (nobodyElseHasItOpen(observation, state) && isAtRest(observation)) return { set: true, reason: "" };
  // Page size, encoding and auto_vacuum are settled by the first write: an application may be about to.
  const unwritten = observation.header?.kind === "empty";
  if (declaresLongWait(config) && !unwritten) return { set: true, reason: "" };
  if (nobodyElseHasItOpen(observation, state)) {
    return { set: false, reason: "it was written just now: the journal mode is set once it rests" };
  }
  const opener = state.openers?.kind === "seen" ? state.openers.openers[0] : undefined;
  const who = opener === undefined ? "another process" : describeHolder(opener);
  if (unwritten) return { set: false, reason: `it is empty and ${who} has it open, perhaps to create it` };
  return {
    set: false,
    reason: `${who} has it open and no long busy timeout is declared: the journal mode is set once nobody has it open`,
  };
}

/** A journal mode that does not hold is looked at again this often. */
export const journalModeRetryMs = 10_000;

/** It differs, it is the daemon's to keep, and the last attempt is a while ago. */
export function wantsJournalMode(
  observation: Observation,
  state: DatabaseState,
  config: DatabaseConfig,
  nowMs: number,
): boolean {
  if (journalModeHolds(observation, config) || effectiveMode(config, state).mode !== "enforce") return false;
  const ageMs = nowMs - state.profileAtMs;
  return ageMs < 0 || ageMs >= journalModeRetryMs;
}
