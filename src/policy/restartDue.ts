/**
 * When the verdict about the time before is due: at the first look at a file, before anything is opened, for opening
 * recovers. A header that cannot be read may be one that is being written; a guard keeps the file closed until that is
 * sure. A WAL that seems to belong to another database is judged once that is sure (strangeWal.ts): verdict and guard then
 * say the same. An `intact` that this contradicts later is taken back. Pure.
 */
import type { Observation } from "../domain/observation.ts";
import { isContradicted } from "./restartLineage.ts";
import type { DatabaseState } from "./state.ts";

export function needsRestartVerdict({ database, header }: Observation, state: DatabaseState): boolean {
  if (state.stage === "missing" || database.kind !== "regular") return false;
  if (state.restartVerdict !== null) return isContradicted(state.restartVerdict, state.strangeWal);
  if (state.strangeWal?.confirmed === false) return false;
  if (header?.kind === "header") return true;
  return state.guards.some((finding) => finding.verdict === "refuse");
}
