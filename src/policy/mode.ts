/** How far the daemon goes with a database now: the configured mode, lowered by guards. Never raised. */
import type { DatabaseConfig, Mode } from "../domain/databaseConfig.ts";
import { type DatabaseState, isStructurallyCorrupt } from "./state.ts";

export interface ModeVerdict {
  readonly mode: Mode;
  /** Why it is lower than configured; empty when it is not. */
  readonly reason: string;
}

/** After this many times the application has shown that it wants its own journal mode. */
export const journalModeFlipsMax = 3;

export function effectiveMode(config: DatabaseConfig, state: DatabaseState): ModeVerdict {
  if (config.mode === "observe") return { mode: "observe", reason: "" };
  const finding = state.guards[0];
  if (finding !== undefined) return { mode: "observe", reason: `${finding.guard}: ${finding.reason}` };
  if (isStructurallyCorrupt(state)) {
    return {
      mode: "observe",
      reason:
        "structurally corrupt: nothing is written, so that the evidence stays; restore it from a backup",
    };
  }
  if (config.mode === "enforce" && state.journalModeFlipCount >= journalModeFlipsMax) {
    return {
      mode: "checkpoint",
      reason: `the application changed the journal mode back ${state.journalModeFlipCount} times: it is left as it is`,
    };
  }
  return { mode: config.mode, reason: "" };
}
