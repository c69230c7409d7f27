/** Takes one observation into the memory: since when something has been seen, activity, guards. */
import type { Observation, OpenerLook } from "../domain/observation.ts";
import type { SqliteProcess } from "../domain/sqliteProcess.ts";
import { noteActivity } from "./activity.ts";
import { areRelated, isPutThere, noteEarlierWal, strangerOnWal } from "./foreignWalGuard.ts";
import { notedFsyncError } from "./fsyncError.ts";
import type { GuardContext } from "./guardFinding.ts";
import { evaluateGuards } from "./guards.ts";
import { headerFinding } from "./headerGuards.ts";
import { noteHeaderHistory } from "./headerHistory.ts";
import { somebodyLocksExclusively } from "./heldLocks.ts";
import { locklessWriter } from "./processGuards.ts";
import { noteReplicator } from "./replicator.ts";
import { isEarlierFileBack, lineageOf } from "./residueScan.ts";
import type { DatabaseState } from "./state.ts";
import { noteHeaderBesideWal, noteStrangeWal } from "./strangeWal.ts";
import { noteUnsalted } from "./unsaltedNote.ts";
import { walSalts } from "./walState.ts";
import { noteWalWatch } from "./walVerdict.ts";

function since(earlierMs: number | null, seen: boolean, nowMs: number): number | null {
  return seen ? (earlierMs ?? nowMs) : null;
}

/** The state with the observation in it; guards are evaluated on exactly this observation. */
export function noteObservation(
  state: DatabaseState,
  observation: Observation,
  context: GuardContext,
): DatabaseState {
  const nowMs = observation.observedAtMs;
  const { locks, database } = observation;
  const strangerSinceMs = since(
    state.strangerSinceMs,
    strangerOnWal(observation, state.openers) !== null,
    nowMs,
  );
  const strangeWal = noteStrangeWal(observation, state);
  const putThere = isPutThere(observation, state, strangerSinceMs);
  const walIsOfThisFile = isSameFile(state, observation);
  const noted: DatabaseState = {
    ...state,
    // The sequence is about the file that is there when it begins; another one begins another sequence.
    identity:
      state.identity ?? (state.stage === "guards" && database.kind === "regular" ? database.identity : null),
    exclusiveSinceMs: since(
      state.exclusiveSinceMs,
      locks.kind === "seen" && somebodyLocksExclusively(locks),
      nowMs,
    ),
    headerDoubtSinceMs: since(state.headerDoubtSinceMs, headerFinding(observation) !== null, nowMs),
    locklessSinceMs: since(state.locklessSinceMs, locklessWriter(observation, state) !== null, nowMs),
    strangerSinceMs,
    earlierWalSalts:
      putThere || isTogetherAgain(observation, state)
        ? null
        : noteEarlierWal(observation, state.earlierWalSalts, strangerSinceMs, state.openers),
    earlierWalIdentity:
      strangerSinceMs !== null && observation.wal.kind === "regular"
        ? observation.wal.identity
        : state.earlierWalIdentity,
    walIdentity: walIsOfThisFile ? lastWalIdentity(state, observation) : state.walIdentity,
    walSalts: walIsOfThisFile ? lastWalSalts(state, observation) : state.walSalts,
    headerBesideWal: putThere ? null : noteHeaderBesideWal(observation, state),
    headerHistory: noteHeaderHistory(state.headerHistory, observation),
    strangeWal,
    strangeWalGone: state.strangeWalGone || (state.strangeWal?.confirmed === true && strangeWal === null),
    activity: noteActivity(state.activity, observation),
    fsyncError: notedFsyncError(state.fsyncError, observation),
    replicator: noteReplicator(state.replicator, observation, state),
    ...noteUnsalted(state, observation),
  };
  const guarded = { ...noted, guards: evaluateGuards(observation, noted, context) };
  return { ...guarded, walWatch: noteWalWatch(state.walWatch, observation, guarded, context.config) };
}

/** The file that was moved away was put back to its WAL. */
function isTogetherAgain(observation: Observation, state: DatabaseState): boolean {
  return isEarlierFileBack(observation, state) && lineageOf(observation, state)?.kind === "fits";
}

/** One that was emptied goes on with the next salts. */
function lastWalSalts(state: DatabaseState, observation: Observation): string | null {
  return walSalts(observation) ?? (observation.wal.kind === "absent" ? null : state.walSalts);
}

/**
 * Of a WAL that is made anew the salts are drawn by lot. Where they are those of before, or near them, and the file is
 * another one, it is a copy that was put there, a restore perhaps of which the database is still to come.
 */
function lastWalIdentity(state: DatabaseState, observation: Observation): string | null {
  const salts = walSalts(observation);
  if (salts === null) return observation.wal.kind === "absent" ? null : state.walIdentity;
  const goesOn = state.walIdentity !== null && state.walSalts !== null && areRelated(salts, state.walSalts);
  if (goesOn) return state.walIdentity;
  return observation.wal.kind === "regular" ? observation.wal.identity : null;
}

function isSameFile(state: DatabaseState, { database }: Observation): boolean {
  return database.kind === "regular" && (state.identity === null || database.identity === state.identity);
}

export function noteSqliteProcesses(
  state: DatabaseState,
  sqliteProcesses: readonly SqliteProcess[],
  nowMs: number,
): DatabaseState {
  return { ...state, sqliteProcesses, sqliteProcessesAtMs: nowMs };
}

export function noteOpeners(state: DatabaseState, openers: OpenerLook, nowMs: number): DatabaseState {
  return { ...state, openers, openersAtMs: nowMs };
}
