/**
 * Whether the journal mode may be set now. Setting it takes an exclusive lock and changes the file under
 * every open connection: so it is done when nobody else has the database open, or when the operator has declared the
 * application's busy timeout and with it that the application locks and waits.
 */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { Observation } from "../domain/observation.ts";
import { effectiveMode } from "./mode.ts";
import { describeHolder } from "./processGuards.ts";
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
  if (nobodyElseHasItOpen(state)) return { set: true, reason: "" };
  if (config.busyTimeoutDeclared && config.profile.busyTimeoutMs > 0) return { set: true, reason: "" };
  const opener = state.openers?.kind === "seen" ? state.openers.openers[0] : undefined;
  const who = opener === undefined ? "another process" : describeHolder(opener);
  return {
    set: false,
    reason: `${who} has it open and its busy timeout is not declared: the journal mode is set once nobody has it open`,
  };
}
