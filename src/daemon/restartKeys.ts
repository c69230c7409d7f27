/** What of a configuration only a restart takes over, and which of it a new one has changed. */
import type { Config } from "../config/config.ts";

const restartKeys = [
  "listen",
  "socketPath",
  "tokenFile",
  "allowedHosts",
  "stateDirectory",
  "observeIntervalMs",
  "globIntervalMs",
  "shortWorkerCount",
  "longWorkerCount",
] as const satisfies readonly (keyof Config)[];

/** @param inForce what the daemon was started with: a second reload must not forget the need. */
export function changedRestartKeys(inForce: Config, next: Config): readonly string[] {
  return restartKeys.filter((key) => JSON.stringify(inForce[key]) !== JSON.stringify(next[key]));
}
