/** Who else uses a database, and what that allows. */
import type { Observation } from "../domain/observation.ts";
import { isAtRest } from "./atRest.ts";
import type { DatabaseState } from "./state.ts";
import { isWal } from "./walState.ts";

/**
 * In rollback mode a check is a reader that keeps every writer out: only while nobody else has the
 * database open, nor has written it just now. In WAL mode it blocks nobody.
 */
export function mayCheck(observation: Observation, state: DatabaseState): boolean {
  return isWal(observation) || (nobodyElseHasItOpen(observation, state) && isAtRest(observation));
}

/**
 * By the descriptors of the last scan, and by the locks of this moment. In a PID namespace of its own the
 * daemon sees neither of processes outside, and never says so.
 */
export function nobodyElseHasItOpen(observation: Observation, state: DatabaseState): boolean {
  const { locks } = observation;
  if (locks.kind !== "seen" || !locks.viewIsComplete) return false;
  if (locks.connected.length > 0 || locks.databaseLockers.length > 0) return false;
  return state.openers?.kind === "seen" && state.openers.openers.length === 0;
}
