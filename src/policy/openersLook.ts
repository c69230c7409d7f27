/**
 * When the processes that have the files open must be looked for again. Opening is an act, and a process
 * without locks is seen only by its descriptors: so a look must be fresh whenever something is about to be
 * opened, unless a connected process shows by its locks that this database is locked properly. A scan goes
 * over all of /proc, so where nothing can be opened yet it is repeated rarely.
 */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { Observation } from "../domain/observation.ts";
import { somebodyIsConnected } from "./heldLocks.ts";
import { decideJournalMode, journalModeRetryMs, wantsJournalMode } from "./journalMode.ts";
import { effectiveMode } from "./mode.ts";
import { mayCheck } from "./sharing.ts";
import type { DatabaseState } from "./state.ts";
import { walHasFrames } from "./walState.ts";

/** A scan older than this says nothing about who has the files open now. */
export const openersFreshMs = 1_000;
/** A process without locks that is still in doubt is looked at again this often. */
const doubtAgainMs = 100;
/** What another process holds back is looked at again this often. */
const heldBackAgainMs = 5_000;

export function needsOpeners(
  observation: Observation,
  state: DatabaseState,
  config: DatabaseConfig,
  nowMs: number,
): boolean {
  if (config.mode === "observe" || observation.database.kind !== "regular") return false;
  const ageMax = ageMaxMs(observation, state, config, nowMs);
  if (ageMax === null) return false;
  const ageMs = nowMs - state.openersAtMs;
  return state.openers === null || ageMs < 0 || ageMs >= ageMax;
}

/** How old the last scan may be; null: it does not matter now. */
function ageMaxMs(
  observation: Observation,
  state: DatabaseState,
  config: DatabaseConfig,
  nowMs: number,
): number | null {
  const lockless = state.guards.find((finding) => finding.guard === "open_without_locks");
  if (lockless !== undefined) return lockless.verdict === "refuse" ? heldBackAgainMs : doubtAgainMs;
  // It decides which file a process on the WAL has open as its database.
  const foreignWal = state.guards.find((finding) => finding.guard === "wal_of_another_file");
  if (foreignWal?.verdict === "wait") return doubtAgainMs;
  if (state.guards.length > 0) return state.stage === "guards" ? Number.POSITIVE_INFINITY : null;
  if (state.stage === "missing") return null;
  if (state.stage === "guards") return openersFreshMs;
  const { locks } = observation;
  if (locks.kind === "seen" && somebodyIsConnected(locks)) return null;
  if (state.stage !== "ended") return nowMs < state.retry.notBeforeMs ? null : openersFreshMs;
  return steadyAgeMaxMs(observation, state, config, nowMs);
}

function steadyAgeMaxMs(
  observation: Observation,
  state: DatabaseState,
  config: DatabaseConfig,
  nowMs: number,
): number | null {
  const checkpointing = state.run !== null || state.pendingCheckpoint !== null;
  if (checkpointing && walHasFrames(observation) && effectiveMode(config, state).mode !== "observe") {
    return openersFreshMs;
  }
  const checking = state.pendingChecks.length > 0 && !state.checkRunning;
  if (checking && mayCheck(observation, state)) return openersFreshMs;
  if (nowMs >= state.retry.notBeforeMs && wantsJournalMode(observation, state, config, nowMs)) {
    return decideJournalMode(observation, state, config).set ? openersFreshMs : journalModeRetryMs;
  }
  return checking ? heldBackAgainMs : null;
}
