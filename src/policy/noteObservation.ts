/** Takes one observation into the memory: since when something has been seen, activity, guards. */
import type { Observation, OpenerLook } from "../domain/observation.ts";
import { noteActivity } from "./activity.ts";
import { noteEarlierWal, strangerOnWal, walSalts } from "./foreignWalGuard.ts";
import type { GuardContext } from "./guardFinding.ts";
import { evaluateGuards } from "./guards.ts";
import { headerFinding } from "./headerGuards.ts";
import { locklessWriter } from "./processGuards.ts";
import type { DatabaseState } from "./state.ts";

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
  const noted: DatabaseState = {
    ...state,
    // The sequence is about the file that is there when it begins; another one begins another sequence.
    identity:
      state.identity ?? (state.stage === "guards" && database.kind === "regular" ? database.identity : null),
    exclusiveSinceMs: since(state.exclusiveSinceMs, locks.kind === "seen" && locks.exclusive !== null, nowMs),
    headerDoubtSinceMs: since(state.headerDoubtSinceMs, headerFinding(observation) !== null, nowMs),
    locklessSinceMs: since(state.locklessSinceMs, locklessWriter(observation, state) !== null, nowMs),
    strangerSinceMs,
    earlierWalSalts: noteEarlierWal(observation, state.earlierWalSalts, strangerSinceMs),
    walSalts: isSameFile(state, observation) ? lastWalSalts(state, observation) : state.walSalts,
    activity: noteActivity(state.activity, observation),
  };
  return { ...noted, guards: evaluateGuards(observation, noted, context) };
}

/** One that was emptied goes on with the next salts. */
function lastWalSalts(state: DatabaseState, observation: Observation): string | null {
  return walSalts(observation) ?? (observation.wal.kind === "absent" ? null : state.walSalts);
}

function isSameFile(state: DatabaseState, { database }: Observation): boolean {
  return database.kind === "regular" && (state.identity === null || database.identity === state.identity);
}

export function noteOpeners(state: DatabaseState, openers: OpenerLook, nowMs: number): DatabaseState {
  return { ...state, openers, openersAtMs: nowMs };
}
