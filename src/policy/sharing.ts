/** Who else uses a database, and what that allows. */
import type { Observation } from "../domain/observation.ts";
import type { DatabaseState } from "./state.ts";
import { isWal } from "./walState.ts";

/**
 * In rollback mode a check is a reader that keeps every writer out: only while nobody else has the
 * database open. In WAL mode it blocks nobody.
 */
export function mayCheck(observation: Observation, state: DatabaseState): boolean {
  return isWal(observation) || nobodyElseHasItOpen(state);
}

export function nobodyElseHasItOpen(state: DatabaseState): boolean {
  return state.openers?.kind === "seen" && state.openers.openers.length === 0;
}
