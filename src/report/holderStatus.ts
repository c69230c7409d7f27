/** What is shown of the processes around a database, and of what they do to its WAL. Pure; decides nothing. */
import type { Observation } from "../domain/observation.ts";
import type { DatabaseStatus } from "../domain/status.ts";
import type { DatabaseState } from "../policy/state.ts";
import { describePin } from "../policy/walPin.ts";
import { isWal } from "../policy/walState.ts";

type HolderFields = Pick<
  DatabaseStatus,
  | "walVerdict"
  | "pin"
  | "connected"
  | "writer"
  | "checkpointer"
  | "readerCount"
  | "hiddenLocks"
  | "holdersObservable"
>;

export function describeHolders(observation: Observation | null, state: DatabaseState): HolderFields {
  // The WAL-index speaks only for a database in WAL mode; of anything else nothing is known by it.
  const seen = observation?.locks.kind === "seen" ? observation.locks : null;
  const locks = observation !== null && isWal(observation) ? seen : null;
  const { heldMarks, verdict } = state.walWatch;
  return {
    walVerdict: verdict,
    pin: describePin(heldMarks, observation),
    connected: locks?.connected ?? null,
    writer: locks?.writer ?? null,
    checkpointer: locks?.checkpointer ?? null,
    readerCount: locks?.viewIsComplete === true ? locks.readers.length : null,
    hiddenLocks: locks?.hidden ?? null,
    holdersObservable: seen?.viewIsComplete === true,
  };
}
