/** Who uses the database, by locks and by open files, as an inspection tells of it. Pure. */
import type { LockHolder, Observation } from "../domain/observation.ts";
import type { DatabaseState } from "../policy/state.ts";
import { walHolders } from "../policy/walHolders.ts";
import { walStateOf } from "../policy/walState.ts";
import type { ProcessInspection } from "./inspection.ts";

export function describeProcesses(observation: Observation, { openers }: DatabaseState): ProcessInspection {
  const { locks, walIndex } = observation;
  const opening =
    openers?.kind === "seen"
      ? { openers: openers.openers, hiddenProcessCount: openers.hiddenProcessCount }
      : { openers: null, hiddenProcessCount: null };
  if (locks.kind !== "seen") {
    return { ...nobody, ...opening, reason: `locks cannot be seen: ${locks.reason}` };
  }
  const isTrusted = walStateOf(observation).kind === "known";
  const marks = isTrusted && walIndex?.kind === "index" ? walIndex.index.readMarks : [];
  return {
    reason: locks.viewIsComplete
      ? ""
      : locks.hidden === null
        ? "this is a PID namespace of its own: processes outside of it are not seen"
        : "this is a PID namespace of its own: processes outside of it are seen by their locks only, without a name",
    connected: locks.connected,
    databaseLockers: locks.databaseLockers,
    writer: locks.writer,
    checkpointer: locks.checkpointer,
    hiddenLocks: locks.hidden,
    exclusive: locks.exclusive,
    readers: locks.readers.map(({ mark, holder }) => ({
      mark,
      // Mark 0 reads the database alone: it is at no frame.
      frame: mark === 0 ? null : (marks[mark] ?? null),
      holder,
    })),
    holdingBack: isTrusted ? walHolders(observation) : [],
    ...opening,
  };
}

const nobody: Omit<ProcessInspection, "reason" | "openers" | "hiddenProcessCount"> = {
  connected: null,
  databaseLockers: null,
  writer: null,
  checkpointer: null,
  hiddenLocks: null,
  exclusive: null,
  readers: [],
  holdingBack: [],
};

/** "app (4711)", each once. */
export function nameProcesses(holders: readonly LockHolder[]): string {
  const byPid = new Map(holders.map((holder) => [holder.pid, holder]));
  return [...byPid.values()].map(({ pid, comm }) => `${comm ?? "unknown"} (${pid})`).join(", ");
}
