/** Which files to look for in other processes' descriptors, from an observation. */
import type { FileLook, Observation } from "../domain/observation.ts";
import type { OpenableFiles } from "../host/openers.ts";

export function openableFiles(observation: Observation): OpenableFiles {
  const identityOf = (look: FileLook): string | null => (look.kind === "regular" ? look.identity : null);
  return {
    database: identityOf(observation.database),
    wal: identityOf(observation.wal),
    journal: identityOf(observation.journal),
  };
}
