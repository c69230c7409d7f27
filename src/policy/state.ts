/**
 * What the daemon remembers of one database between two rounds. Plain values: `decide` reads them,
 * `daemon/` writes them from outcomes through the functions of this folder. Times are wall-clock
 * milliseconds.
 */

import type { IntegrityProgress } from "../domain/integrityCheck.ts";
import type { FsyncError, RestartVerdict } from "../domain/ledger.ts";
import type { OpenerLook } from "../domain/observation.ts";
import type { Failure, ProfileResult } from "../domain/outcome.ts";
import type { ReplicaDirectoryLook, Replicator } from "../domain/replicator.ts";
import type { ResidueLook, ResidueReport } from "../domain/residueReport.ts";
import type { SqliteProcess } from "../domain/sqliteProcess.ts";
import type { CheckpointTrigger, IntegrityStatus } from "../domain/status.ts";
import type { UnsaltedEpisode, UnsaltedFrame, UnsaltedLoss } from "../domain/unsaltedFrame.ts";
import type { WalDamage } from "../domain/walDamage.ts";
import type { Activity } from "./activity.ts";
import { type CheckpointHistory, noCheckpointYet } from "./checkpointHistory.ts";
import { type CheckpointLearning, nothingLearned } from "./checkpointLearning.ts";
import type { ExposureState } from "./exposureState.ts";
import type { GuardFinding } from "./guardFinding.ts";
import type { HeaderHistory } from "./headerHistory.ts";
import type { HeaderBesideWal, StrangeWal } from "./strangeWal.ts";
import { noWalWatch, type WalWatch } from "./walWatch.ts";

/**
 * The startup sequence, in order. `missing`: nothing is there. `guards`: raw bytes, locks and openers are
 * looked at. `evidence`: a read-only quick_check before anything writes. `profile`, `recovery`, `check`,
 * `ended`: as they say.
 */
export type Stage = "missing" | "guards" | "evidence" | "profile" | "recovery" | "check" | "ended";

/** One checkpoint on its way: it takes several rounds, each with a fresh observation. */
export interface CheckpointRun {
  readonly trigger: CheckpointTrigger;
  readonly startedAtMs: number;
  readonly step: "begin" | "passive" | "synced" | "locked" | "truncate" | "guardedTruncate";
  /** mxFrame and salts of a trusted WAL-index when it began; null: not known. */
  readonly before: { readonly mxFrame: number; readonly walIdentity: string } | null;
  /** Frames in the database by the last step's own count. */
  readonly copiedFrameCount: number;
  readonly passiveCount: number;
  /** The last PASSIVE reached the end of its own snapshot. */
  readonly snapshotComplete: boolean;
  /** Duration of the last fdatasync of the database file: what a hold will cost at least. */
  readonly syncMs: number | null;
  readonly lockAcquired: boolean | null;
  /** How often the write lock was asked for. */
  readonly lockCount: number;
  /** Complete under the write lock, and whether readers were gone. */
  readonly lockedOutcome: "reset" | "complete" | "incomplete" | null;
  /** Null: no TRUNCATE was asked for. */
  readonly truncated: boolean | null;
  /** What came of a guarded TRUNCATE that truncated nothing; null: none was asked for, or it did. */
  readonly guardedEnd: { readonly reason: string; readonly leftComplete: boolean } | null;
  readonly heldMs: number;
  readonly longestHoldMs: number;
}

export interface PendingCheck {
  readonly check: "quick_check" | "integrity_check";
  readonly trigger: "schedule" | "demand";
}

/** Backoff after failed operations. */
export interface Retry {
  readonly failureCount: number;
  readonly notBeforeMs: number;
  readonly last: Failure | null;
}

export interface DatabaseState {
  readonly stage: Stage;
  /** When the stage began. */
  readonly stageSinceMs: number;
  /** When the startup sequence began for this file. */
  readonly sequenceStartedAtMs: number;
  /** device:inode of the database that the startup sequence was about. */
  readonly identity: string | null;
  /** Set at the first verdict, whatever it was. Null again when the sequence starts over. */
  readonly startupEndedAtMs: number | null;
  readonly residue: string | null;
  readonly walResidue: boolean;
  readonly openers: OpenerLook | null;
  readonly openersAtMs: number;
  /** Which SQLite the processes run that were seen connected at the last look; null: none was taken. */
  readonly sqliteProcesses: readonly SqliteProcess[] | null;
  readonly sqliteProcessesAtMs: number;
  readonly exclusiveSinceMs: number | null;
  readonly locklessSinceMs: number | null;
  /** Since when a process has been seen on the WAL that has another file as its database. */
  readonly strangerSinceMs: number | null;
  /** Salts of the WAL that was last seen beside this file. */
  readonly walSalts: string | null;
  /** "device:inode" of the file that these salts, or those before them, were first seen in. */
  readonly walIdentity: string | null;
  /** Salts of the WAL that lay beside the file before it was replaced. */
  readonly earlierWalSalts: string | null;
  /** Its own file. */
  readonly earlierWalIdentity: string | null;
  /** The file that it goes with. */
  readonly earlierIdentity: string | null;
  /** The last whole look at a WAL or journal that nobody was connected to. */
  readonly residueLook: ResidueLook | null;
  /** Of this startup sequence; null: nothing was left. */
  readonly residueReport: ResidueReport | null;
  /** The last WAL that was found broken with commits behind the break; null: none of this file. */
  readonly walDamage: WalDamage | null;
  readonly headerBesideWal: HeaderBesideWal | null;
  readonly headerHistory: HeaderHistory | null;
  /** The WAL that lies here belongs to another database. */
  readonly strangeWal: StrangeWal | null;
  /** It was refused for that, and is not any more: the sequence begins anew. */
  readonly strangeWalGone: boolean;
  /** A header finding that may be a moment's: since when it was seen without interruption. */
  readonly headerDoubtSinceMs: number | null;
  /** Commits that are not proven to be on disk; null: not looked for yet. */
  readonly exposure: ExposureState | null;
  /** Who holds the WAL back, and what is the matter with it. */
  readonly walWatch: WalWatch;
  /** Null: none was seen in the WAL that lies there. */
  readonly unsaltedFrame: UnsaltedFrame | null;
  /** Null: none was seen of late. */
  readonly unsaltedEpisode: UnsaltedEpisode | null;
  /** The last that was seen; null: none of this file. */
  readonly unsaltedLoss: UnsaltedLoss | null;
  /** What became of it since the daemon's last life, or since the file before; null: not judged yet. */
  readonly restartVerdict: RestartVerdict | null;
  /** A sync of ours failed: what of that file is on disk is unknown until it was written anew. */
  readonly fsyncError: FsyncError | null;
  /** Litestream or LiteFS at work on it: checkpoints are theirs. */
  readonly replicator: Replicator | null;
  readonly replicaDirectory: ReplicaDirectoryLook | null;
  readonly guards: readonly GuardFinding[];
  readonly profile: ProfileResult | null;
  readonly profileAtMs: number;
  /** How often the application took the journal mode back after the daemon had set it. */
  readonly journalModeFlipCount: number;
  readonly quickCheck: IntegrityStatus | null;
  readonly integrityCheck: IntegrityStatus | null;
  /** The file's modification time when the last verdict was asked for. */
  readonly verdictOfModifiedAtMs: number | null;
  /** When a corrupt file was last queued for another look; null: never. */
  readonly recheckQueuedAtMs: number | null;
  readonly run: CheckpointRun | null;
  readonly checkpoint: CheckpointHistory;
  /** What the checkpoints of this file took so far. */
  readonly learned: CheckpointLearning;
  readonly nextCheckpointAtMs: number | null;
  readonly pendingCheckpoint: CheckpointTrigger | null;
  readonly pendingChecks: readonly PendingCheck[];
  /** How far the check has come that runs now, startup checks among them; null: none runs. */
  readonly checkProgress: IntegrityProgress | null;
  /** The long lane is at work on this database. */
  readonly checkRunning: boolean;
  readonly nextQuickCheckAtMs: number | null;
  readonly nextIntegrityCheckAtMs: number | null;
  /** Since the clock was set, the due times of cron expressions are not worked out anew yet. */
  readonly clockWasSet: boolean;
  readonly activity: Activity | null;
  readonly retry: Retry;
}

const noRetry: Retry = { failureCount: 0, notBeforeMs: 0, last: null };

/** The state before anything was seen, or after the file became another one. */
export function initialState(nowMs: number): DatabaseState {
  return {
    stage: "guards",
    stageSinceMs: nowMs,
    sequenceStartedAtMs: nowMs,
    identity: null,
    startupEndedAtMs: null,
    residue: null,
    walResidue: false,
    openers: null,
    openersAtMs: 0,
    sqliteProcesses: null,
    sqliteProcessesAtMs: 0,
    exclusiveSinceMs: null,
    locklessSinceMs: null,
    strangerSinceMs: null,
    walSalts: null,
    walIdentity: null,
    earlierWalSalts: null,
    earlierWalIdentity: null,
    earlierIdentity: null,
    residueLook: null,
    residueReport: null,
    walDamage: null,
    headerBesideWal: null,
    headerHistory: null,
    strangeWal: null,
    strangeWalGone: false,
    headerDoubtSinceMs: null,
    exposure: null,
    walWatch: noWalWatch,
    unsaltedFrame: null,
    unsaltedEpisode: null,
    unsaltedLoss: null,
    restartVerdict: null,
    fsyncError: null,
    replicator: null,
    replicaDirectory: null,
    guards: [],
    profile: null,
    profileAtMs: 0,
    journalModeFlipCount: 0,
    quickCheck: null,
    integrityCheck: null,
    verdictOfModifiedAtMs: null,
    recheckQueuedAtMs: null,
    run: null,
    checkpoint: noCheckpointYet,
    learned: nothingLearned,
    nextCheckpointAtMs: null,
    pendingCheckpoint: null,
    pendingChecks: [],
    checkProgress: null,
    checkRunning: false,
    nextQuickCheckAtMs: null,
    nextIntegrityCheckAtMs: null,
    clockWasSet: false,
    activity: null,
    retry: noRetry,
  };
}

/**
 * The verdicts that stand. integrity_check looks at all that quick_check looks at, so one that came to a verdict
 * takes an older quick_check back; a quick_check never takes an integrity_check back.
 */
export function standingVerdicts(state: DatabaseState): readonly IntegrityStatus[] {
  const { quickCheck, integrityCheck } = state;
  if (integrityCheck === null) return quickCheck === null ? [] : [quickCheck];
  if (quickCheck === null) return [integrityCheck];
  const decided = integrityCheck.verdict !== "unknown" && integrityCheck.verdict !== "undecidable";
  const superseded = decided && integrityCheck.endedAtMs >= quickCheck.endedAtMs;
  return superseded ? [integrityCheck] : [quickCheck, integrityCheck];
}

/** A standing verdict says that the file is structurally corrupt: nothing more is written to it. */
export function isStructurallyCorrupt(state: DatabaseState): boolean {
  return standingVerdicts(state).some((status) => status.verdict === "structural");
}

export function clearedRetry(state: DatabaseState): DatabaseState {
  return state.retry.failureCount === 0 ? state : { ...state, retry: noRetry };
}

/** From `missing` and from `ended` the sequence begins anew; within it, going back is still the same one. */
export function enterStage(state: DatabaseState, stage: Stage, nowMs: number): DatabaseState {
  const begins = stage === "guards" && (state.stage === "missing" || state.stage === "ended");
  const sequenceStartedAtMs = begins ? nowMs : state.sequenceStartedAtMs;
  return { ...clearedRetry(state), stage, stageSinceMs: nowMs, sequenceStartedAtMs };
}

/** Marks the startup sequence as having come to a verdict; the first verdict's time stays. */
export function endStartup(state: DatabaseState, nowMs: number): DatabaseState {
  return state.startupEndedAtMs === null ? { ...state, startupEndedAtMs: nowMs } : state;
}

/** The sequence begins anew, and what was applied, and what is due, depends on settings that no longer hold. */
export function withNewSettings(state: DatabaseState, nowMs: number): DatabaseState {
  return {
    ...(state.stage === "ended" ? enterStage(state, "guards", nowMs) : state),
    sequenceStartedAtMs: nowMs,
    startupEndedAtMs: null,
    profile: null,
    journalModeFlipCount: 0,
    nextCheckpointAtMs: null,
    nextQuickCheckAtMs: null,
    nextIntegrityCheckAtMs: null,
  };
}
