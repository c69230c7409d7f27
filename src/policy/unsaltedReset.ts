/**
 * When a WAL with frames without salts (unsaltedFrames.ts) is to be reset ahead of the schedule: at once, and again with
 * growing pauses while rounds come to nothing. Only where a round would do something: what is waited for is said by
 * readiness, not by a line for each attempt. Where there is no schedule there are no such rounds. Pure.
 */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { Observation } from "../domain/observation.ts";
import { nextCheckpointStep } from "./checkpoint.ts";
import { beginRun } from "./checkpointRun.ts";
import type { DatabaseState } from "./state.ts";
import { isReadFrom } from "./unsaltedFrames.ts";
import { walStateOf } from "./walState.ts";

/** Doubled with each round that came to nothing. */
const againMinMs = 200;
const againMaxMs = 10_000;
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
  const { left, last } = state.checkpoint;
  const roundCount = left?.walIdentity === wal.walIdentity ? left.roundCount : 0;
  if (roundCount >= besideReadersMax && isReadFrom(observation)) return false;
  if (left?.walIdentity === wal.walIdentity && last !== null) {
    const sinceMs = nowMs - last.endedAtMs;
    const pauseMs = Math.min(againMaxMs, againMinMs * 2 ** Math.min(Math.max(0, roundCount - 1), 10));
    if (sinceMs >= 0 && sinceMs < pauseMs) return false;
  }
  const step = nextCheckpointStep(beginRun("periodic", observation), observation, state, config, nowMs);
  return step.kind !== "done";
}
