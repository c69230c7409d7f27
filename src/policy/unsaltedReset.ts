/**
 * When a WAL with frames without salts (unsaltedFrames.ts) is to be reset ahead of the schedule: at once, and again with
 * growing pauses while rounds come to nothing, or while each WAL that follows has such frames too. Only where a round would
 * do something: what is waited for is said by readiness, not by a line for each attempt. Where there is no schedule there
 * are no such rounds. Pure.
 */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { Observation } from "../domain/observation.ts";
import { nextCheckpointStep } from "./checkpoint.ts";
import { beginRun } from "./checkpointRun.ts";
import { isRecent } from "./recent.ts";
import type { DatabaseState } from "./state.ts";
import { isReadFrom } from "./unsaltedFrames.ts";
import { growingPauseMs } from "./unsaltedNote.ts";
import { walStateOf } from "./walState.ts";

/** After so many, only when a look meets no reader. */
const besideReadersMax = 3;

export function isResetDue(
  state: DatabaseState,
  observation: Observation,
  config: DatabaseConfig,
  nowMs: number,
): boolean {
  if (state.unsaltedFrame === null || state.nextCheckpointAtMs === null || state.replicator !== null)
    return false;
  const wal = walStateOf(observation);
  if (wal.kind !== "known") return false;
  const { unsaltedEpisode } = state;
  const rests = (endedAtMs: number, count: number) => isRecent(endedAtMs, nowMs, growingPauseMs(count));
  if (unsaltedEpisode !== null && rests(unsaltedEpisode.endedAtMs, unsaltedEpisode.endCount)) return false;
  const { left, last } = state.checkpoint;
  if (left?.walIdentity === wal.walIdentity) {
    if (left.roundCount >= besideReadersMax && isReadFrom(observation)) return false;
    if (last !== null && rests(last.endedAtMs, Math.max(1, left.roundCount))) return false;
  }
  const step = nextCheckpointStep(beginRun("periodic", observation), observation, state, config, nowMs);
  return step.kind !== "done";
}
