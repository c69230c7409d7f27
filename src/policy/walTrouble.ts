/**
 * What is wrong beside a WAL that is small and that nobody holds back: then it must not be called healthy, for a person
 * who reads that word looks no further. Pure.
 */
import type { Observation } from "../domain/observation.ts";
import { describeFsyncError } from "./fsyncError.ts";
import type { GuardName } from "./guardFinding.ts";
import { type DatabaseState, isStructurallyCorrupt } from "./state.ts";

/** Guards that speak of the files, and not of what the daemon may do with them. */
const aboutTheFiles: ReadonlySet<GuardName> = new Set([
  "not_a_database",
  "truncated",
  "sidecar_kind",
  "wal_page_size",
  "hard_link",
  "wal_of_another_file",
  "open_without_locks",
]);

/** With less than this the next commit may find no room for its frames. */
const fullBelowBytes = 1024 * 1024;

/** Null: nothing is known to be wrong. */
export function walTrouble(observation: Observation, state: DatabaseState): string | null {
  const { fsyncError, checkpoint } = state;
  if (fsyncError !== null) return describeFsyncError(fsyncError, observation.resolvedPath ?? "the database");
  const refused = state.guards.find(({ guard, verdict }) => verdict === "refuse" && aboutTheFiles.has(guard));
  if (refused !== undefined) return `no checkpoint is made, for a guard refuses (${refused.guard})`;
  if (isStructurallyCorrupt(state)) return "the database is structurally corrupt: no checkpoint is made";
  if (checkpoint.consecutiveFailureCount > 0)
    return `its last checkpoint failed: ${checkpoint.last?.reason ?? "reason not known"}`;
  const { freeBytes } = observation;
  return freeBytes !== null && freeBytes < fullBelowBytes
    ? `the file system is full (${freeBytes} bytes free): commits and checkpoints may fail`
    : null;
}
