/**
 * A database that was moved or removed while processes have it open: they go on in the file that is no longer at this
 * path, and the WAL and WAL-index that stayed here are that file's. Seen by the locks on the -shm. Pure.
 */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { LockHolder, Observation } from "../domain/observation.ts";
import { describeHolder } from "./heldLocks.ts";
import { describeLeftBehind } from "./leftBehind.ts";

/** Processes that are connected to the WAL-index of a database that is not there. */
export function connectedToMissing({ database, locks }: Observation): readonly LockHolder[] {
  return database.kind === "absent" && locks.kind === "seen" ? locks.connected : [];
}

/** Of a database that is not there: what an operator must know before anything is put there; null: nothing. */
export function describeMissing(observation: Observation, config: DatabaseConfig): string | null {
  const path = observation.resolvedPath ?? config.path;
  return describeMovedAway(observation, path) ?? describeLeftBehind(observation, path);
}

/** Null: nobody is. */
export function describeMovedAway(observation: Observation, path: string): string | null {
  const holders = connectedToMissing(observation);
  if (holders.length === 0) return null;
  const who = holders.map(describeHolder).join(", ");
  const has = holders.length === 1 ? "still has" : "still have";
  return `${who} ${has} it open, with ${path}-wal and -shm: it was moved or removed while it was open. Put no other file at ${path} before the process has ended; what it commits goes into the moved file's WAL, which is ${path}-wal: stop it, then put the database back, or move ${path}-wal and -shm to where the database is now`;
}
