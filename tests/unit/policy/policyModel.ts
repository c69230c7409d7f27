/**
 * The daemon's loop in plain values: what a decision makes of the state, given what came of it. It mirrors
 * the acts of the daemon, whose reducers it calls; the world around is a value that a test makes up.
 */
import type { DatabaseConfig } from "../../../src/domain/databaseConfig.ts";
import type { Observation, OpenerLook } from "../../../src/domain/observation.ts";
import type { Failure, LockedResult, PassiveResult, TruncateResult } from "../../../src/domain/outcome.ts";
import type { ResidueLook } from "../../../src/domain/residueReport.ts";
import type { SqliteProcess } from "../../../src/domain/sqliteProcess.ts";
import type { IntegrityStatus } from "../../../src/domain/status.ts";
import { afterFailure } from "../../../src/policy/backoff.ts";
import {
  learnFromEnd,
  learnFromKilled,
  learnFromLocked,
  learnFromSync,
  learnFromTruncate,
} from "../../../src/policy/checkpointLearning.ts";
import {
  afterGuardedTruncate,
  afterLocked,
  afterPassive,
  afterSync,
  afterTruncate,
  beginRun,
  leavesOf,
  noteEnd,
  type RunEnd,
  statusOf,
} from "../../../src/policy/checkpointRun.ts";
import type { Decision, StartOverReason } from "../../../src/policy/decide.ts";
import { noteOpeners, noteSqliteProcesses } from "../../../src/policy/noteObservation.ts";
import { describeResidue, residueOf } from "../../../src/policy/residue.ts";
import { residueFingerprint } from "../../../src/policy/residueScan.ts";
import {
  type CheckpointRun,
  clearedRetry,
  type DatabaseState,
  endStartup,
  enterStage,
  initialState,
  type Stage,
} from "../../../src/policy/state.ts";
import { walHasFrames } from "../../../src/policy/walState.ts";
import { firstSeen } from "../../support/builders.ts";

/** What comes of whatever is asked for in one round. */
export interface Fate {
  /** Null: it goes well. */
  readonly failure: Failure | null;
  readonly verdict: IntegrityStatus["verdict"];
  readonly openers: OpenerLook;
  readonly passive: PassiveResult;
  readonly locked: LockedResult;
  readonly truncate: TruncateResult;
  /** Which SQLite the connected processes run. */
  readonly sqlite: (observation: Observation) => readonly SqliteProcess[];
  readonly syncMs: number;
}

interface Round {
  readonly observation: Observation;
  readonly config: DatabaseConfig;
  readonly nowMs: number;
  readonly fate: Fate;
}

export function carryOut(state: DatabaseState, decision: Decision, round: Round): DatabaseState {
  const { nowMs, fate, config } = round;
  switch (decision.kind) {
    case "rest":
      return state;
    case "scanOpeners":
      return noteOpeners(state, fate.openers, nowMs);
    case "lookAtSqlite":
      return noteSqliteProcesses(state, fate.sqlite(round.observation), nowMs);
    case "scanResidue":
      return { ...state, residueLook: residueLook(round) };
    case "judgeRestart":
      return { ...state, restartVerdict: firstSeen };
    case "startOver":
      return startOver(state, decision.because, nowMs);
    case "advance":
      return advance(state, decision.to, round);
    case "stopStartup":
      return endStartup(state, nowMs);
    case "create":
      return fate.failure === null ? enterStage(state, "guards", nowMs) : failed(state, fate.failure, nowMs);
    case "evidenceCheck":
      return fate.failure === null
        ? enterStage(keep(state, "quick_check", round), "profile", nowMs)
        : failed(state, fate.failure, nowMs);
    case "startupCheck":
      return fate.failure === null
        ? advance(keep(state, decision.check, round), "ended", round)
        : failed(state, fate.failure, nowMs);
    case "applyProfile":
      return fate.failure === null
        ? profileApplied(state, decision.setJournalMode, nowMs)
        : failed(state, fate.failure, nowMs);
    case "beginCheckpoint":
      return { ...state, run: beginRun(decision.trigger, round.observation), pendingCheckpoint: null };
    case "checkpointStep": {
      if (state.run === null) throw new Error(`${config.name}: a step was decided without a run`);
      if (decision.step.kind === "done") return endRun(state, state.run, decision.step, round, null);
      if (fate.failure !== null) {
        const end: RunEnd = { outcome: "failed", reason: fate.failure.message, caughtUp: false };
        const learned =
          fate.failure.reason === "deadline" ? learnFromKilled(state.learned, decision.step) : state.learned;
        return endRun({ ...state, learned }, state.run, end, round, fate.failure);
      }
      const learned = learnedFrom(state, decision.step.kind, round);
      return { ...state, learned, run: stepTaken(state.run, decision.step.kind, fate) };
    }
  }
}

function learnedFrom({ learned }: DatabaseState, kind: string, { fate, observation }: Round) {
  if (kind === "sync") return learnFromSync(learned, fate.syncMs);
  if (kind === "locked") return learnFromLocked(learned, fate.locked);
  const walFileBytes = observation.wal.kind === "regular" ? observation.wal.sizeBytes : 0;
  return kind === "truncate" ? learnFromTruncate(learned, fate.truncate, walFileBytes) : learned;
}

function stepTaken(
  run: CheckpointRun,
  kind: "passive" | "sync" | "locked" | "truncate" | "guardedTruncate",
  fate: Fate,
): CheckpointRun {
  switch (kind) {
    case "passive":
      return afterPassive(run, fate.passive);
    case "sync":
      return afterSync(run, { durationMs: fate.syncMs });
    case "locked":
      return afterLocked(run, fate.locked);
    case "truncate":
      return afterTruncate(run, fate.truncate);
    case "guardedTruncate": {
      const reason = fate.truncate.truncated ? "" : "readers went on";
      return afterGuardedTruncate(run, { ...fate.truncate, leftComplete: false, reason });
    }
  }
}

function residueLook({ observation, nowMs }: Round): ResidueLook {
  const fingerprint = residueFingerprint(observation);
  const none = { kind: "none" } as const;
  return { fingerprint, lookedAtMs: nowMs, durationMs: 1, wal: none, journal: none };
}

function startOver(state: DatabaseState, because: StartOverReason, nowMs: number): DatabaseState {
  return {
    ...initialState(nowMs),
    stage: because === "vanished" ? "missing" : "guards",
    startupEndedAtMs: because === "vanished" ? state.startupEndedAtMs : null,
    checkpoint: state.checkpoint,
    checkRunning: state.checkRunning,
  };
}

function advance(state: DatabaseState, to: Stage, { observation, nowMs }: Round): DatabaseState {
  const entered = enterStage(state, to, nowMs);
  if (to === "ended") return endStartup(entered, nowMs);
  if (to !== "evidence") return entered;
  const residue = residueOf(observation, state.openers);
  return {
    ...entered,
    residue: residue === null ? null : describeResidue(residue),
    walResidue: residue !== null && residue.walBytes > 0 && walHasFrames(observation),
  };
}

export function keep(
  state: DatabaseState,
  check: IntegrityStatus["check"],
  { fate, nowMs, observation }: Round,
): DatabaseState {
  const status: IntegrityStatus = {
    check,
    verdict: fate.verdict,
    trigger: "schedule",
    findings: [],
    findingDetails: [],
    findingsTruncated: false,
    restsOn: null,
    endedAtMs: nowMs,
    durationMs: 1,
  };
  const kept = {
    ...clearedRetry(state),
    verdictOfModifiedAtMs: observation.database.kind === "regular" ? observation.database.modifiedAtMs : null,
  };
  return check === "quick_check" ? { ...kept, quickCheck: status } : { ...kept, integrityCheck: status };
}

function profileApplied(state: DatabaseState, setJournalMode: boolean, nowMs: number): DatabaseState {
  const inStartup = state.stage === "profile";
  return {
    ...(inStartup ? enterStage(state, "recovery", nowMs) : clearedRetry(state)),
    profile: { journalModeBefore: "wal", journalModeChanged: setJournalMode, pragmas: [] },
    profileAtMs: nowMs,
    journalModeFlipCount: state.journalModeFlipCount + (!inStartup && setJournalMode ? 1 : 0),
  };
}

function failed(state: DatabaseState, failure: Failure, nowMs: number): DatabaseState {
  return endStartup({ ...state, retry: afterFailure(state.retry, failure, nowMs) }, nowMs);
}

function endRun(
  state: DatabaseState,
  run: CheckpointRun,
  end: RunEnd,
  { observation, nowMs }: Round,
  failure: Failure | null,
): DatabaseState {
  const ended: DatabaseState = {
    ...clearedRetry(state),
    run: null,
    checkpoint: noteEnd(
      state.checkpoint,
      statusOf(run, end, observation, nowMs),
      leavesOf(state.checkpoint, end, observation, state.walWatch.heldMarks),
    ),
    learned: learnFromEnd(state.learned, run),
  };
  if (failure !== null) {
    return endStartup({ ...ended, retry: afterFailure(state.retry, failure, nowMs) }, nowMs);
  }
  if (run.trigger !== "startup-recovery") return ended;
  return enterStage(ended, "check", nowMs);
}
