/**
 * The checkpoint algorithm, one step at a time: PASSIVE first, which blocks nobody; the write lock only by
 * permission, within budgets, when the WAL is too large or keeps running away; TRUNCATE only when it is
 * worth it. Pure: each step is decided on a fresh observation and on what the steps before it brought.
 */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { Observation } from "../domain/observation.ts";
import type { CheckpointOutcomeName } from "../domain/status.ts";
import { shortensAtOnce } from "./fileSystems.ts";
import { isAlone, isIdle, type LockPermission, lockPermission } from "./lockPermission.ts";
import { whyLeftToReplicator } from "./replicator.ts";
import { shortenBudgetMs } from "./shortenBudget.ts";
import type { CheckpointRun, DatabaseState } from "./state.ts";
import { walHolders } from "./walHolders.ts";
import { type GuardedTruncate, guardedStep, walResetRisk } from "./walResetRisk.ts";
import { isWal, liveWalBytes, type WalState, walStateOf } from "./walState.ts";

export type CheckpointStep =
  | { readonly kind: "passive" }
  /** fdatasync of the database file by the supervisor, so that the sync under the lock finds little to do. */
  | { readonly kind: "sync" }
  | {
      readonly kind: "locked";
      readonly acquireBudgetMs: number;
      readonly holdBudgetMs: number;
      readonly drainReaders: boolean;
    }
  /** `aloneOnDevice`: only while no other process is connected, by /proc/locks of that device; null: beside others too. */
  | { readonly kind: "truncate"; readonly holdBudgetMs: number; readonly aloneOnDevice: string | null }
  | GuardedTruncate
  | {
      readonly kind: "done";
      readonly outcome: CheckpointOutcomeName;
      readonly reason: string;
      /** Every frame that was there when it began is in the database. */
      readonly caughtUp: boolean;
    };

/** A WAL file below this is small: shrinking it beside a connected application is not worth a lock. */
export const smallWalBytes = 1024 * 1024;
/** Beside a writer a second and a third PASSIVE find little to do, and often meet a gap between commits. */
const passivesMax = 3;

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
    return run.truncated === true ? done("truncated", "", true) : done("complete", "nothing pending", true);
  const step = guardedStep({
    risk,
    permission: view.permission,
    config: view.config,
    checkRunning: view.state.checkRunning,
    mountIsKnown: observation.mount.kind === "seen",
    locks: observation.locks,
    walFileBytes: fileBytes(observation),
    smallWalBytes,
    holdBudgetMs: holdBudgetMs(view),
  });
  if (step.kind === "guardedTruncate" && mayShorten(view)) return step;
  const reason = step.kind === "leave" ? step.reason : `${risk}, and ${notShortened}`;
  if (isComplete(view)) return done("complete", "nothing pending", true);
  // Where a reader is in the way anyhow, that is the news.
  return walHolders(observation).length > 0
    ? done("incomplete", `readers hold the WAL back; ${reason}`, caughtUp(view))
    : done("skipped", reason, caughtUp(view));
}

const notShortened = "its file system may leave half of a WAL that is truncated when the power fails";

/** Without it TRUNCATE is no option: see fileSystems.ts. */
function mayShorten({ observation: { mount } }: View): boolean {
  return mount.kind === "seen" && shortensAtOnce(mount.fileSystemType);
}

function afterGuardedTruncate(view: View): CheckpointStep {
  if (view.run.truncated === true) return done("truncated", "", true);
  const reason = view.run.guardedEnd?.reason ?? "the database was busy";
  return isComplete(view)
    ? done("complete", `not reset: ${reason}`, true)
    : done("incomplete", `not reset beside an SQLite with the WAL-reset bug: ${reason}`, caughtUp(view));
}

interface View {
  readonly run: CheckpointRun;
  readonly observation: Observation;
  readonly state: DatabaseState;
  readonly config: DatabaseConfig;
  readonly wal: WalState;
  readonly permission: LockPermission;
  readonly idle: boolean;
}

function done(outcome: CheckpointOutcomeName, reason: string, caughtUp: boolean): CheckpointStep {
  return { kind: "done", outcome, reason, caughtUp };
}

/** What another program has checkpointed whole is no less of a success. */
function withoutUs(wal: WalState, reason: string): CheckpointStep {
  const nothingWaits = wal.kind === "noWal" || (wal.kind === "known" && wal.mxFrame === wal.nBackfill);
  return nothingWaits ? done("complete", "nothing pending", true) : done("skipped", reason, false);
}

function begin(view: View): CheckpointStep {
  if (view.wal.kind === "noWal") return done("complete", "nothing pending", true);
  if (view.wal.kind === "known" && view.wal.mxFrame === view.wal.nBackfill) {
    if (worthTruncating(view)) return truncate(view);
    if (!tooLarge(view)) return done("complete", "nothing pending", true);
  }
  return { kind: "passive" };
}

function afterPassive(view: View): CheckpointStep {
  const complete = isComplete(view);
  // TRUNCATE judges for itself whether all is copied: an idle application is enough where that cannot be seen.
  const copied = complete || (view.wal.kind === "unknown" && view.run.snapshotComplete && view.idle);
  if (copied && worthTruncating(view)) return truncate(view);
  if (complete && !tooLarge(view)) return done("complete", "", true);
  if (!complete && !view.run.snapshotComplete) {
    const readers = walHolders(view.observation).length > 0;
    const reason = readers
      ? "readers hold the WAL back"
      : "readers held the WAL back, or another checkpoint was at work";
    return done("incomplete", reason, caughtUp(view));
  }
  if (!complete && view.run.passiveCount < passivesMax) return { kind: "passive" };
  // Where the application waits for locks a short hold makes it complete; elsewhere nobody is made to wait.
  if (!complete && !tooLarge(view) && view.permission.kind !== "declared") {
    const seen =
      view.wal.kind === "unknown" ? `not seen to be complete: ${view.wal.reason}` : "writers went on";
    return done("incomplete", `${seen}; the WAL is below its size target`, caughtUp(view));
  }
  const obstacle = lockObstacle(view);
  return obstacle === null ? { kind: "sync" } : withoutReset(view, obstacle);
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
  return null;
}

function afterSync(view: View): CheckpointStep {
  const obstacle = lockObstacle(view);
  if (obstacle !== null) return withoutReset(view, obstacle);
  const holdMs = holdBudgetMs(view);
  const predictedMs = view.run.syncMs ?? 0;
  if (predictedMs > holdMs) {
    const reason = `a sync of the database takes ${predictedMs.toFixed(1)} ms, more than the hold budget of ${holdMs} ms`;
    return withoutReset(view, reason);
  }
  return {
    kind: "locked",
    acquireBudgetMs: view.config.checkpoint.acquireBudgetMs,
    holdBudgetMs: holdMs,
    drainReaders: true,
  };
}

function afterLocked(view: View): CheckpointStep {
  const { lockedOutcome, lockAcquired } = view.run;
  if (lockAcquired === false) {
    return withoutReset(view, "the write lock was not free within the acquire budget");
  }
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
  return isComplete(view)
    ? done("complete", "not truncated: the database was busy", true)
    : done("incomplete", "not truncated: the database was busy", caughtUp(view));
}

/** Longer than elsewhere only where nobody is connected, which the worker then makes sure of. */
function truncate(view: View): CheckpointStep {
  const usualMs = holdBudgetMs(view);
  const { mount } = view.observation;
  const shortenMs = shortenBudgetMs(view.config, fileBytes(view.observation));
  if (mount.kind !== "seen" || !isAlone(view.observation) || shortenMs <= usualMs)
    return { kind: "truncate", holdBudgetMs: usualMs, aloneOnDevice: null };
  return { kind: "truncate", holdBudgetMs: shortenMs, aloneOnDevice: mount.device };
}

/**
 * Complete: the WAL-index says so, or nobody else was connected and our snapshot, the only one, was copied
 * whole.
 */
function isComplete(view: View): boolean {
  const { wal, run } = view;
  if (wal.kind === "noWal") return true;
  if (wal.kind === "known") return wal.mxFrame === wal.nBackfill;
  return run.snapshotComplete && isAlone(view.observation);
}

/**
 * Every frame of the beginning is copied: a PASSIVE of this run reached the end of what it saw, or the WAL-index
 * says so; a WAL that started over was copied whole.
 */
function caughtUp(view: View): boolean {
  const { before, snapshotComplete } = view.run;
  if (snapshotComplete || isComplete(view)) return true;
  if (before === null || view.wal.kind !== "known") return false;
  return view.wal.walIdentity !== before.walIdentity || view.wal.nBackfill >= before.mxFrame;
}

function tooLarge(view: View): boolean {
  const liveBytes = liveWalBytes(view.wal) ?? fileBytes(view.observation);
  return liveBytes > view.config.checkpoint.sizeTargetBytes;
}

/**
 * A WAL that is used again is faster to write than one that grows anew: the file is shrunk only when the
 * application rests, or when the file is far above the target.
 */
function worthTruncating(view: View): boolean {
  const walBytes = fileBytes(view.observation);
  if (walBytes === 0 || view.permission.kind === "none" || view.state.checkRunning) return false;
  if (!mayShorten(view)) return false;
  if (view.idle) {
    return view.permission.kind === "declared" || isAlone(view.observation) || walBytes > smallWalBytes;
  }
  return walBytes > 4 * view.config.checkpoint.sizeTargetBytes;
}

function fileBytes(observation: Observation): number {
  return observation.wal.kind === "regular" ? observation.wal.sizeBytes : 0;
}

/** Grows with the WAL from the normal budget at the target to the maximum at four times the target. */
function holdBudgetMs(view: View): number {
  const { holdBudgetMs, holdBudgetMaxMs, sizeTargetBytes } = view.config.checkpoint;
  const ceilingMs = view.permission.kind === "none" ? 0 : view.permission.holdMaxMs;
  const excess = Math.max(
    0,
    (liveWalBytes(view.wal) ?? fileBytes(view.observation)) / Math.max(1, sizeTargetBytes) - 1,
  );
  const grownMs = holdBudgetMs + (holdBudgetMaxMs - holdBudgetMs) * Math.min(1, excess / 3);
  return Math.max(1, Math.round(Math.min(grownMs, ceilingMs)));
}
