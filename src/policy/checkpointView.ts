/** What a step of a checkpoint is decided on, and what that says about the WAL. Pure. */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { Observation } from "../domain/observation.ts";
import { drainShare, earlyBytes } from "./earlyCheckpoint.ts";
import { shortensAtOnce } from "./fileSystems.ts";
import { drainHoldMaxMs, type HoldQuestion } from "./holdBudget.ts";
import { isAlone, type LockPermission } from "./lockPermission.ts";
import { shortenBesideOthersMs } from "./shortenBudget.ts";
import type { CheckpointRun, DatabaseState } from "./state.ts";
import { walHolders } from "./walHolders.ts";
import { liveWalBytes, type WalState } from "./walState.ts";

/** A WAL file below this is small: shrinking it beside a connected application is not worth a lock. */
export const smallWalBytes = 1024 * 1024;
/** A WAL that was left so often is worth a hold beside readers though it is small. */
const leftTooOften = 4;

export interface View {
  readonly run: CheckpointRun;
  readonly observation: Observation;
  readonly state: DatabaseState;
  readonly config: DatabaseConfig;
  readonly wal: WalState;
  readonly permission: LockPermission;
  readonly idle: boolean;
}

/**
 * Complete: the WAL-index says so, or nobody else was connected and our snapshot, the only one, was copied
 * whole.
 */
export function isComplete(view: View): boolean {
  const { wal, run } = view;
  if (wal.kind === "noWal") return true;
  if (wal.kind === "known") return wal.mxFrame === wal.nBackfill;
  return run.snapshotComplete && isAlone(view.observation);
}

/**
 * Every frame of the beginning is copied: a PASSIVE of this run reached the end of what it saw, or the WAL-index
 * says so; a WAL that started over was copied whole.
 */
export function caughtUp(view: View): boolean {
  const { before, snapshotComplete } = view.run;
  if (snapshotComplete || isComplete(view)) return true;
  if (before === null || view.wal.kind !== "known") return false;
  return view.wal.walIdentity !== before.walIdentity || view.wal.nBackfill >= before.mxFrame;
}

export function tooLarge(view: View): boolean {
  const liveBytes = liveWalBytes(view.wal) ?? fileBytes(view.observation);
  return liveBytes > view.config.checkpoint.sizeTargetBytes;
}

export function fileBytes(observation: Observation): number {
  return observation.wal.kind === "regular" ? observation.wal.sizeBytes : 0;
}

/** Without it TRUNCATE is no option: see fileSystems.ts. */
export function mayShorten({ observation: { mount } }: View): boolean {
  return mount.kind === "seen" && shortensAtOnce(mount.fileSystemType);
}

/**
 * A WAL that is used again is faster to write than one that grows anew: the file is shrunk only when the
 * application rests, or when the file is far above the target.
 */
export function worthTruncating(view: View): boolean {
  const walBytes = fileBytes(view.observation);
  if (walBytes === 0 || view.permission.kind === "none" || view.state.checkRunning) return false;
  if (!mayShorten(view)) return false;
  const alone = isAlone(view.observation);
  if (!alone && shortenBesideOthersMs(view.permission, view.state.learned, walBytes) === null) return false;
  // Copied and not reset, it would do harm.
  if (view.state.unsaltedFrame !== null) return true;
  if (view.idle) return view.permission.kind === "declared" || alone || walBytes > smallWalBytes;
  return walBytes > 4 * view.config.checkpoint.sizeTargetBytes;
}

export function drainBytes(config: DatabaseConfig): number {
  return Math.max(2 * earlyBytes(config), config.checkpoint.sizeTargetBytes * drainShare);
}

/** Readers of a moment, who can be outlasted, and a WAL that is worth keeping writers out for that. */
export function isWorthDraining(view: View): boolean {
  const { permission, observation, state, wal, config } = view;
  const { locks, mount } = observation;
  if (permission.kind !== "declared" || state.checkRunning || wal.kind !== "known") return false;
  if (locks.kind !== "seen" || !locks.viewIsComplete || locks.checkpointer !== null) return false;
  if (mount.kind !== "seen") return false;
  const sinceMs = Math.min(...state.walWatch.heldMarks.map((mark) => mark.sinceMs));
  if (observation.observedAtMs - sinceMs > drainHoldMaxMs(holdQuestion(view))) return false;
  const bytes = wal.mxFrame * wal.frameBytes;
  const isLeftOften = (state.checkpoint.left?.roundCount ?? 0) >= leftTooOften && bytes > smallWalBytes;
  return bytes >= drainBytes(config) || isLeftOften || state.unsaltedFrame !== null;
}

/** Readers were met before and are here, and a usual hold would not outlast them: what PASSIVE copies is enough for now. */
export function waitsForReaders(view: View): boolean {
  const { run, permission, state, wal, config } = view;
  if (run.trigger !== "periodic" || permission.kind !== "declared" || wal.kind !== "known") return false;
  if (state.learned.drainHoldMs === null || isWorthDraining(view)) return false;
  if (walHolders(view.observation).length === 0) return false;
  return wal.mxFrame * wal.frameBytes < drainBytes(config);
}

/**
 * So short that a round of the schedule is over when PASSIVE has copied what was there: an application that checkpoints for
 * itself never comes beyond it, and one that does not is met when it has.
 */
export function isShort(view: View): boolean {
  const { run, wal, config, state } = view;
  if (state.unsaltedFrame !== null) return false;
  if (run.trigger !== "periodic" || wal.kind !== "known" || tooLarge(view)) return false;
  return wal.mxFrame * wal.frameBytes < earlyBytes(config);
}

export function holdQuestion({ config, permission, wal, observation, state }: View): HoldQuestion {
  const walBytes = liveWalBytes(wal) ?? fileBytes(observation);
  const incompleteCount = state.checkpoint.left?.roundCount ?? 0;
  return { config, permission, walBytes, learned: state.learned, incompleteCount };
}
