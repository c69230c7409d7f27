/**
 * When a round need not be gone through: nothing is under way for a database, nothing is due, and it looks as it did at
 * the round before, or only commits were added to its WAL. A fleet at rest so costs its looks and no more. Pure.
 *
 * A round that is skipped must be one that would have decided to rest, and have remembered and said nothing that matters.
 * That seeing the same leaves the memory as it is, two rounds have shown (`daemon/quietness.ts`), and that there is
 * nothing to do is decided anew at each look. What the memory makes of time alone is judged here, and keeps a
 * database from being quiet: a guard or a doubt, a retry, a run, a sequence, work that waits, a reader or a writer
 * that is watched. A checkpoint that is due where there is nothing to copy is noted, and is no work. What is overlooked is
 * late by `quietMaxMs` at most: then a round is gone through anyway. Of a large fleet that is later, so that a fleet's rounds
 * of this kind stay ten a second.
 * Acts follow rounds of their own, which are never skipped.
 */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { LockLook, Observation } from "../domain/observation.ts";
import { noteActivity } from "./activity.ts";
import { nothingPending } from "./checkpoint.ts";
import { decide, decideCheck } from "./decide.ts";
import { passesDueTime } from "./dueWork.ts";
import { isDueEarly } from "./earlyCheckpoint.ts";
import { effectiveMode } from "./mode.ts";
import { type DatabaseState, isStructurallyCorrupt } from "./state.ts";
import { isWal, walHasFrames } from "./walState.ts";
import { isWatching, noteWalWatch } from "./walVerdict.ts";

const quietMinMs = 30_000;
const roundsApartMinMs = 100;

/** For how long a database may be quiet, by how many there are. */
export function quietMaxMs(databaseCount: number): number {
  return Math.max(quietMinMs, databaseCount * roundsApartMinMs);
}

/** There is nothing to do, on either lane. */
export function restsNow(
  observation: Observation,
  state: DatabaseState,
  config: DatabaseConfig,
  nowMs: number,
): boolean {
  return (
    decide(observation, state, config, nowMs).kind === "rest" &&
    decideCheck(observation, state, config) === null
  );
}

/**
 * Until when rounds that see the same, and rest, remember and say nothing; `nowMs` or earlier: not even the next one.
 *
 * @param state after a round that decided to rest on this observation.
 * @param maxMs see `quietMaxMs`.
 */
export function quietUntilMs(
  observation: Observation,
  state: DatabaseState,
  config: DatabaseConfig,
  nowMs: number,
  maxMs: number,
): number {
  if (!isSettled(state) || hasDoubts(state) || !isAtEase(observation.locks)) return nowMs;
  if (isWatching(state.walWatch, nowMs)) return nowMs;
  // A database that is not in WAL mode is looked at for who has it open, again and again.
  if (!isWal(observation) || config.profile.journalMode !== "WAL") return nowMs;
  // Observed only until something changes: then the sequence begins again by itself.
  if (state.profile === null && effectiveMode(config, state).mode !== "observe") return nowMs;
  const checkpointAtMs = passesDueTime(state, observation, config, nowMs) ? null : state.nextCheckpointAtMs;
  const dueAtMs = [checkpointAtMs, state.nextQuickCheckAtMs, state.nextIntegrityCheckAtMs];
  return dueAtMs.reduce<number>(
    (untilMs, atMs) => (atMs === null ? untilMs : Math.min(untilMs, atMs)),
    nowMs + maxMs,
  );
}

/** Nothing is under way, and nothing waits. */
function isSettled(state: DatabaseState): boolean {
  return (
    state.stage === "ended" &&
    state.startupEndedAtMs !== null &&
    state.run === null &&
    state.pendingCheckpoint === null &&
    state.pendingChecks.length === 0 &&
    !state.checkRunning &&
    !state.clockWasSet &&
    state.retry.failureCount === 0 &&
    state.checkpoint.last?.outcome !== "failed"
  );
}

/** Something was seen that may pass, or that time makes a verdict of. */
function hasDoubts(state: DatabaseState): boolean {
  return (
    state.guards.length > 0 ||
    state.exclusiveSinceMs !== null ||
    state.locklessSinceMs !== null ||
    state.strangerSinceMs !== null ||
    state.headerDoubtSinceMs !== null ||
    state.earlierWalSalts !== null ||
    state.strangeWal !== null ||
    (state.headerHistory?.wentBackSinceMs ?? null) !== null ||
    state.fsyncError !== null ||
    state.unsaltedFrame !== null ||
    state.unsaltedEpisode !== null ||
    state.replicator !== null ||
    isStructurallyCorrupt(state)
  );
}

/** Since when somebody reads or writes is told by looking on. */
function isAtEase(locks: LockLook): boolean {
  return (
    locks.kind === "seen" &&
    locks.hidden === null &&
    locks.writer === null &&
    locks.checkpointer === null &&
    locks.recovering === null &&
    locks.readers.length === 0
  );
}

/** Time goes on, and other files on the file system grow: neither is a change of this database. */
const beside: ReadonlySet<string> = new Set(["observedAtMs", "freeBytes"] satisfies (keyof Observation)[]);
const ofCommits: ReadonlySet<string> = new Set(["wal", "shm", "walIndex"] satisfies (keyof Observation)[]);

/**
 * What has changed between two looks: nothing, the length of the WAL alone, or anything else. Parts are compared by
 * reference: the observer gives the same value where nothing is otherwise, and a new value counts as a change.
 */
export function changeBetween(before: Observation, now: Observation): "none" | "commits" | "more" {
  let commits = false;
  for (const part in now) {
    if (beside.has(part) || partOf(before, part) === partOf(now, part)) continue;
    if (!ofCommits.has(part)) return "more";
    commits = true;
  }
  if (!commits) return "none";
  return isSameWal(before, now) ? "commits" : "more";
}

function partOf(observation: Observation, part: string): unknown {
  return Reflect.get(observation, part);
}

/** The same files with the same rights, of the same generation, with frames before and now. */
function isSameWal(before: Observation, now: Observation): boolean {
  const { walIndex: indexBefore } = before;
  const { walIndex: indexNow } = now;
  if (indexBefore?.kind !== "index" || indexNow?.kind !== "index") return false;
  return (
    indexBefore.index.salt1 === indexNow.index.salt1 &&
    indexBefore.index.salt2 === indexNow.index.salt2 &&
    indexBefore.index.pageSizeBytes === indexNow.index.pageSizeBytes &&
    indexNow.index.nBackfill <= indexNow.index.mxFrame &&
    walHasFrames(before) &&
    walHasFrames(now) &&
    isSameFile(before.wal, now.wal) &&
    isSameFile(before.shm, now.shm)
  );
}

function isSameFile(before: Observation["wal"], now: Observation["wal"]): boolean {
  if (before.kind !== "regular" || now.kind !== "regular") return false;
  return (
    before.identity === now.identity &&
    before.permissions === now.permissions &&
    before.uid === now.uid &&
    before.gid === now.gid &&
    before.linkCount === now.linkCount
  );
}

/**
 * Fields of the state that a round may change though nothing else is to be done: what is exposed is looked after with
 * each look, quiet or not; activity is noted by `noteCommits`.
 */
export const notedApart: ReadonlySet<string> = new Set([
  "exposure",
  "activity",
] satisfies (keyof DatabaseState)[]);

/** Fields that a due time at which there was nothing to do moves on. */
export const notedAtDueTimes: ReadonlySet<string> = new Set([
  "checkpoint",
  "nextCheckpointAtMs",
] satisfies (keyof DatabaseState)[]);

/** All that has become otherwise of the checkpoints is that due times have passed at which there was nothing to do. */
export function onlyDueTimesPassed(before: DatabaseState, now: DatabaseState): boolean {
  const { last: lastBefore, left: leftBefore } = before.checkpoint;
  const { last, left } = now.checkpoint;
  if (lastBefore === null || last === null || left !== leftBefore) return false;
  return (
    last.reason === nothingPending &&
    last.reason === lastBefore.reason &&
    last.outcome === lastBefore.outcome &&
    last.trigger === lastBefore.trigger
  );
}

/** All that a round would remember of a look that shows nothing but commits; null: more than these is to be thought of. */
export function noteCommits(
  state: DatabaseState,
  observation: Observation,
  config: DatabaseConfig,
): DatabaseState | null {
  // Grown so far that it is checkpointed ahead of the schedule.
  if (isDueEarly(state, observation, config, observation.observedAtMs)) return null;
  if (noteWalWatch(state.walWatch, observation, state, config) !== state.walWatch) return null;
  return { ...state, activity: noteActivity(state.activity, observation) };
}
