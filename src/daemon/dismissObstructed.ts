/** A guard that came up after work was asked for: whoever asked is told, instead of waiting for it to go. */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { Observation } from "../domain/observation.ts";
import { whyNotCheck, whyNotCheckpoint } from "../policy/decide.ts";
import type { Memory } from "./memory.ts";
import type { Requests } from "./requests.ts";

export function dismissObstructed(
  requests: Requests,
  memory: Memory,
  observation: Observation,
  config: DatabaseConfig,
  isChecking: boolean,
): void {
  const { state } = memory;
  if (requests.hasCheckpoints && state.run === null) {
    const obstacle = whyNotCheckpoint(observation, state, config);
    if (obstacle !== "") {
      requests.dismissCheckpoints(obstacle);
      memory.update((present) => ({ ...present, pendingCheckpoint: null }));
    }
  }
  if (!requests.hasChecks || isChecking) return;
  const obstacle = whyNotCheck(observation, state, config);
  if (obstacle === "") return;
  requests.dismissChecks(obstacle);
  memory.update((present) => ({
    ...present,
    pendingChecks: present.pendingChecks.filter(({ trigger }) => trigger !== "demand"),
  }));
}
