/** Whether a database file is at rest. Says nothing in WAL mode, where commits do not touch the file. */
import type { Observation } from "../domain/observation.ts";

/** Not written for this long is at rest. */
const atRestAfterMs = 2_000;

/** By the file's own time, so that it is known at the first look; one that lies in the future says nothing. */
export function isAtRest({ database, observedAtMs }: Observation): boolean {
  return database.kind !== "regular" || Math.abs(observedAtMs - database.modifiedAtMs) >= atRestAfterMs;
}
