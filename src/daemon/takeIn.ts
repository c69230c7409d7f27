/** Takes one observation into the memory: what was seen, and which work has become due by it. */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { Observation } from "../domain/observation.ts";
import { queueDueWork } from "../policy/dueWork.ts";
import type { GuardContext } from "../policy/guardFinding.ts";
import { noteObservation } from "../policy/noteObservation.ts";
import type { DatabaseState } from "../policy/state.ts";
import { forgetEndedOpeners } from "./endedOpeners.ts";
import { recallFailedSync } from "./failedSyncs.ts";
import type { Memory } from "./memory.ts";
import { lookForReplicator } from "./replicaDirectory.ts";
import type { WatchContext } from "./watchContext.ts";

export function takeIn(
  memory: Memory,
  context: WatchContext,
  observation: Observation,
  guardContext: GuardContext,
  nowMs: number,
): void {
  const { config } = guardContext;
  recallFailedSync(context, memory, observation);
  lookForReplicator(memory, context, observation);
  forgetEndedOpeners(memory, context);
  memory.update((state) => {
    const noted = noteObservation(state, observation, guardContext);
    return withDueTimes(
      queueDueWork(noted, observation, config, nowMs, context.nextDue),
      config,
      context,
      nowMs,
    );
  });
}

/** The first due times are set when the startup sequence has ended, whatever its verdict. */
function withDueTimes(
  state: DatabaseState,
  config: DatabaseConfig,
  { nextDue, firstDue }: WatchContext,
  nowMs: number,
): DatabaseState {
  if (state.stage !== "ended") return state;
  const { checkpoint, integrity } = config;
  return {
    ...state,
    nextCheckpointAtMs: state.nextCheckpointAtMs ?? firstDue(checkpoint.schedule, nowMs, config.name),
    nextQuickCheckAtMs: state.nextQuickCheckAtMs ?? nextDue(integrity.quickSchedule, nowMs),
    nextIntegrityCheckAtMs: state.nextIntegrityCheckAtMs ?? nextDue(integrity.fullSchedule, nowMs),
  };
}
