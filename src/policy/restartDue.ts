/**
 * When the verdict about the time before is due: at the first look at a file, before anything is opened, for opening
 * recovers. A header that cannot be read may be one that is being written; a guard keeps the file closed until that is
 * sure. Pure.
 */
import type { Observation } from "../domain/observation.ts";
import type { DatabaseState } from "./state.ts";

export function needsRestartVerdict({ database, header }: Observation, state: DatabaseState): boolean {
  if (state.restartVerdict !== null || state.stage === "missing" || database.kind !== "regular") return false;
  if (header?.kind === "header") return true;
  return state.guards.some((finding) => finding.verdict === "refuse");
}
