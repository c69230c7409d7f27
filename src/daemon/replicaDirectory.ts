/** Looks for a replicator's directory beside the database, once in a round: it is no sign of the moment. */
import { isDeepStrictEqual } from "node:util";
import type { Observation } from "../domain/observation.ts";
import type { Memory } from "./memory.ts";
import type { WatchContext } from "./watchContext.ts";

/** What is as it was leaves the memory as it is, so that a database at rest needs no more rounds. */
export function lookForReplicator(
  memory: Memory,
  context: WatchContext,
  { resolvedPath }: Observation,
): void {
  if (resolvedPath === null) return;
  const replicaDirectory = context.lookAtReplicaDirectory(resolvedPath);
  if (isDeepStrictEqual(replicaDirectory, memory.state.replicaDirectory)) return;
  memory.update((state) => ({ ...state, replicaDirectory }));
}
