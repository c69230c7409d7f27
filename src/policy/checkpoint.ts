/**
 * The checkpoint algorithm, one step at a time: PASSIVE first, which blocks nobody; the write lock only by
 * permission, within budgets, when the WAL is too large or keeps running away; TRUNCATE only when it is
 * worth it. Pure: each step is decided on a fresh observation and on what the steps before it brought.
 */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { Observation } from "../domain/observation.ts";
import type { CheckpointOutcomeName } from "../domain/status.ts";
import type { RunEnd } from "./checkpointRun.ts";
import {
  caughtUp,
  fileBytes,
  holdQuestion,
  isComplete,
  isShort,
  isWorthDraining,
  mayShorten,
  smallWalBytes,
  tooLarge,
  type View,
  waitsForReaders,
  worthTruncating,
} from "./checkpointView.ts";
import { drainHold, holdOfSlowDisk, usualHold, usualHoldMs } from "./holdBudget.ts";
import { isAlone, isIdle, lockPermission } from "./lockPermission.ts";
import { copiedByOthersUntilMs, othersKeepUp } from "./othersCheckpoints.ts";
import { whyLeftToReplicator } from "./replicator.ts";
import { shortenBesideOthersMs, shortenBudgetMs } from "./shortenBudget.ts";
import type { CheckpointRun, DatabaseState } from "./state.ts";
import { isReadFrom, whyResetWaits } from "./unsaltedFrames.ts";
import { walHolders } from "./walHolders.ts";
import { type GuardedTruncate, guardedStep, walResetRisk } from "./walResetRisk.ts";
import { isWal, type WalState, walStateOf } from "./walState.ts";

export type CheckpointStep =
  | { readonly kind: "passive" }
  /** fdatasync of the database file by the supervisor, so that the sync under the lock finds little to do. */
  | { readonly kind: "sync" }
  | {
      readonly kind: "locked";
      readonly acquireBudgetMs: number;
      readonly holdBudgetMs: number;
      readonly completeWithinMs: number;
      readonly drainReaders: boolean;
    }
  /** `aloneOnDevice`: only while no other process is connected, by /proc/locks of that device; null: beside others too. */
  | { readonly kind: "truncate"; readonly holdBudgetMs: number; readonly aloneOnDevice: string | null }
  | GuardedTruncate
  | DoneStep;

interface DoneStep extends RunEnd {
  readonly kind: "done";
}

export const nothingPending = "nothing pending";
/** Beside a writer a second and a third PASSIVE find little to do, and often meet a gap between commits. */
const passivesMax = 3;
/** Copying what a fast writer left behind the last PASSIVE may take no more of the hold than this. */
const tailShare = 0.5;
const tailPassivesMax = 5;
/** How often the lock is asked for in one run. Beside readers each attempt meets them at other moments. */
const locksMax = 4;

export function nextCheckpointStep(
  run: CheckpointRun,
  observation: Observation,
  state: DatabaseState,
  config: DatabaseConfig,
  nowMs: number,
): CheckpointStep {
  if (observation.header?.kind !== "header") return done("skipped", "the header cannot be read", false);
  if (!isWal(observation)) return done("skipped", "not in WAL mode", true);
  const wal = walStateOf(observation);
  const leftToOther = whyLeftToReplicator(state.replicator);
  if (leftToOther !== null) return withoutUs(wal, leftToOther);
  const view: View = {
    run,
    observation,
    state,
    config,
    wal,
    permission: lockPermission(config, state.activity, observation, nowMs),
    idle: isAlone(observation) || isIdle(config, state.activity, observation, nowMs),
  };
  if (run.step === "guardedTruncate") return afterGuardedTruncate(view);
  const risk = walResetRisk(observation, state.sqliteProcesses);
  if (risk !== null) return besideAffected(view, risk);
  const waits = run.step === "begin" ? whyResetWaits(view) : null;
  if (waits !== null) return done(waits.forReaders ? "incomplete" : "skipped", waits.reason, caughtUp(view));
  switch (run.step) {
    case "begin":
      return begin(view);
    case "passive":
      return afterPassive(view);
    case "synced":
      return afterSync(view);
    case "locked":
      return afterLocked(view);
    case "truncate":
      return finish(view);
  }
}

/** One that begins to be at risk in the middle of a run goes on as if it began. */
function besideAffected(view: View, risk: string): CheckpointStep {
  const { wal, observation, run } = view;
  const isEmpty = wal.kind === "noWal" || (wal.kind === "known" && wal.mxFrame === 0);
  if (isEmpty)
    return run.truncated === true ? done("truncated", "", true) : done("complete", nothingPending, true);
  const step = guardedStep({
    risk,
    permission: view.permission,
    config: view.config,
    checkRunning: view.state.checkRunning,
    mountIsKnown: observation.mount.kind === "seen",
    locks: observation.locks,
    walFileBytes: fileBytes(observation),
    smallWalBytes: view.state.unsaltedFrame === null ? smallWalBytes : 0,
    holdBudgetMs: usualHoldMs(holdQuestion(view)),
  });
  if (step.kind === "guardedTruncate" && mayShorten(view)) return step;
  const reason = step.kind === "leave" ? step.reason : `${risk}, and ${notShortened}`;
  if (isComplete(view)) return done("complete", nothingPending, true);
  // Where a reader is in the way anyhow, that is the news.
  return walHolders(observation).length > 0
    ? done("incomplete", `readers hold the WAL back; ${reason}`, caughtUp(view))
    : done("skipped", reason, caughtUp(view));
}

const notShortened = "its file system may leave half of a WAL that is truncated when the power fails";

function afterGuardedTruncate(view: View): CheckpointStep {
  if (view.run.truncated === true) return done("truncated", "", true);
  const reason = view.run.guardedEnd?.reason ?? "the database was busy";
  return isComplete(view)
    ? done("complete", `not reset: ${reason}`, true)
    : done("incomplete", `not reset beside an SQLite with the WAL-reset bug: ${reason}`, caughtUp(view));
}

function done(outcome: CheckpointOutcomeName, reason: string, caughtUp: boolean): DoneStep {
  return { kind: "done", outcome, reason, caughtUp };
}

/** What another program has checkpointed whole is no less of a success. */
function withoutUs(wal: WalState, reason: string): CheckpointStep {
  const nothingWaits = wal.kind === "noWal" || (wal.kind === "known" && wal.mxFrame === wal.nBackfill);
  return nothingWaits ? done("complete", nothingPending, true) : done("skipped", reason, false);
}

function begin(view: View): CheckpointStep {
  if (view.wal.kind === "noWal") return done("complete", nothingPending, true);
  if (view.wal.kind === "known" && view.wal.mxFrame === view.wal.nBackfill) {
    if (worthTruncating(view)) return truncate(view);
    if (!tooLarge(view)) return done("complete", nothingPending, true);
  }
  const isUnsalted = view.state.unsaltedFrame !== null;
  // It copies for itself: the shortest way between copied and reset.
  const isInTheWay = isReadFrom(view.observation) && !isWorthDraining(view);
  if (isUnsalted && view.idle && !isInTheWay && worthTruncating(view)) return truncate(view);
  const copiedUntilMs = isUnsalted ? null : copiedByOthersUntilMs(view);
  if (copiedUntilMs !== null) return { ...done("skipped", othersKeepUp, false), copiedUntilMs };
  return { kind: "passive" };
}

function afterPassive(view: View): CheckpointStep {
  const complete = isComplete(view);
  // TRUNCATE judges for itself whether all is copied: an idle application is enough where that cannot be seen.
  const copied = complete || (view.wal.kind === "unknown" && view.run.snapshotComplete && view.idle);
  if (copied && worthTruncating(view)) return truncate(view);
  if (complete && !tooLarge(view)) return done("complete", "", true);
  if (!complete && !view.run.snapshotComplete) return besideReaders(view);
  const declared = view.permission.kind === "declared" && !isShort(view);
  if (!complete && !declared && !isShort(view) && view.run.passiveCount < passivesMax)
    return { kind: "passive" };
  // Where the application waits for locks a short hold makes it complete; elsewhere nobody is made to wait.
  if (!complete && !tooLarge(view) && !declared) {
    const seen =
      view.wal.kind === "unknown" ? `not seen to be complete: ${view.wal.reason}` : "writers went on";
    return done("incomplete", `${seen}; the WAL is below its size target`, caughtUp(view));
  }
  const obstacle = lockObstacle(view);
  return obstacle === null ? { kind: "sync" } : withoutReset(view, obstacle);
}

/** PASSIVE did not come to its end: only a hold that outlasts them copies all, and makes the WAL start over. */
function besideReaders(view: View): CheckpointStep {
  // Whether they are reads of a moment is told by looking at them for a while.
  if (isWorthDraining(view))
    return view.run.passiveCount < passivesMax ? { kind: "passive" } : { kind: "sync" };
  const readers = walHolders(view.observation).length > 0;
  const reason = readers
    ? "readers hold the WAL back"
    : "readers held the WAL back, or another checkpoint was at work";
  return done("incomplete", reason, caughtUp(view));
}

/** What the lock was wanted for did not come about; what is complete by the WAL-index is so all the same. */
function withoutReset(view: View, reason: string): CheckpointStep {
  return isComplete(view)
    ? done("complete", `not reset: ${reason}`, true)
    : done("incomplete", reason, caughtUp(view));
}

/** Why the write lock is not asked for, or null. */
function lockObstacle(view: View): string | null {
  if (view.permission.kind === "none") return view.permission.reason;
  if (view.state.checkRunning) return "an integrity check of our own reads the WAL";
  return waitsForReaders(view)
    ? "readers keep it from starting over; it is not large enough to wait for them"
    : null;
}

function afterSync(view: View): CheckpointStep {
  const obstacle = lockObstacle(view);
  if (obstacle !== null) return withoutReset(view, obstacle);
  // Beside a fast writer what it wrote meanwhile is copied before the lock is asked for.
  const isLongTail = tailMs(view) > usualHoldMs(holdQuestion(view)) * tailShare;
  if (isLongTail && view.run.passiveCount < tailPassivesMax && view.run.snapshotComplete)
    return { kind: "passive" };
  const metReaders = !view.run.snapshotComplete || view.state.learned.drainHoldMs !== null;
  return locked(view, metReaders && isWorthDraining(view));
}

/** What is left to copy takes, by what a frame took before. */
function tailMs({ wal, state }: View): number {
  return wal.kind === "known" ? (wal.mxFrame - wal.nBackfill) * state.learned.copyMsPerFrame : 0;
}

function locked(view: View, besideReaders: boolean): CheckpointStep {
  const question = holdQuestion(view);
  const hold = besideReaders ? drainHold(question) : usualHold(question);
  const neededMs = (view.run.syncMs ?? 0) + tailMs(view);
  const given = neededMs > hold.holdBudgetMs ? holdOfSlowDisk(question, neededMs) : hold;
  if (given === null) {
    const reason = `copying and syncing take ${neededMs.toFixed(1)} ms, more than the hold budget of ${hold.holdBudgetMs} ms`;
    return withoutReset(view, reason);
  }
  const { acquireBudgetMs } = view.config.checkpoint;
  return { kind: "locked", acquireBudgetMs, ...given, drainReaders: true };
}

function afterLocked(view: View): CheckpointStep {
  const { lockedOutcome, lockAcquired, lockCount } = view.run;
  if (lockAcquired === false) {
    // What was written meanwhile is copied first, so that no hold begins with it.
    if (lockCount < locksMax && view.permission.kind === "declared") return { kind: "passive" };
    return withoutReset(view, "the write lock was not free within the acquire budget");
  }
  if (lockedOutcome !== "reset" && lockCount < locksMax && isWorthDraining(view)) return locked(view, true);
  if (lockedOutcome === "incomplete" || lockedOutcome === null) {
    return withoutReset(view, "the hold budget ended before every frame was copied");
  }
  if (worthTruncating(view)) return truncate(view);
  if (lockedOutcome === "reset") return done("reset", "", true);
  return done("complete", "not reset: readers were not seen to leave the WAL within the hold budget", true);
}

/** A writer may have begun the next WAL since: what TRUNCATE itself saw counts. */
function finish(view: View): CheckpointStep {
  if (view.run.truncated === true) return done("truncated", "", true);
  if (view.run.lockedOutcome === "reset") return done("reset", "not truncated: the database was busy", true);
  return isComplete(view)
    ? done("complete", "not truncated: the database was busy", true)
    : done("incomplete", "not truncated: the database was busy", caughtUp(view));
}

/** Longer than elsewhere only where nobody is connected, which the worker then makes sure of. */
function truncate(view: View): CheckpointStep {
  const besideMs = shortenBesideOthersMs(view.permission, view.state.learned, fileBytes(view.observation));
  const usualMs = besideMs ?? usualHoldMs(holdQuestion(view));
  const { mount } = view.observation;
  const shortenMs = shortenBudgetMs(view.config, fileBytes(view.observation));
  if (mount.kind !== "seen" || !isAlone(view.observation) || shortenMs <= usualMs)
    return { kind: "truncate", holdBudgetMs: usualMs, aloneOnDevice: null };
  return { kind: "truncate", holdBudgetMs: shortenMs, aloneOnDevice: mount.device };
}
