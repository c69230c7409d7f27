/**
 * For how long a checkpoint may keep writers out. Pure.
 *
 * Without readers: the normal budget up to the size target, and from there growing with the WAL to the configured maximum
 * at four times the target.
 *
 * Beside readers that follow upon one another a WAL starts over only when writers are kept out until each reader of an older
 * snapshot has ended, all is copied, and those have ended that began just before that (from then on readers take mark
 * 0; wal.c, walTryBeginRead). With reads of length L that is between L and 2 L, by luck. So a hold that has not come to
 * "all is copied" when what is left is no longer than a read, is given up: the next attempt meets the readers at other
 * moments. Such a hold may last half of the maximum; the whole only after some rounds in vain, or when the WAL has grown.
 */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import { type CheckpointLearning, drainHoldNeededMs } from "./checkpointLearning.ts";
import type { LockPermission } from "./lockPermission.ts";

export interface HoldQuestion {
  readonly config: DatabaseConfig;
  readonly permission: LockPermission;
  /** Of the frames in the WAL; where they are not known, of its file. */
  readonly walBytes: number;
  readonly learned: CheckpointLearning;
  /** Rounds in a row that left this WAL. */
  readonly incompleteCount: number;
}

export interface Hold {
  readonly holdBudgetMs: number;
  /** All has to be copied by then, from the beginning of the hold; otherwise it is given up. */
  readonly completeWithinMs: number;
}

/** Half of the intervals within which a WAL beside readers is to start over. */
const wholeBudgetAfterRounds = 4;

export function usualHoldMs({ config, permission, walBytes }: HoldQuestion): number {
  const { holdBudgetMs, holdBudgetMaxMs, sizeTargetBytes } = config.checkpoint;
  const ceilingMs = permission.kind === "none" ? 0 : permission.holdMaxMs;
  const excess = Math.max(0, walBytes / Math.max(1, sizeTargetBytes) - 1);
  const grownMs = holdBudgetMs + (holdBudgetMaxMs - holdBudgetMs) * Math.min(1, excess / 3);
  return Math.max(1, Math.round(Math.min(grownMs, ceilingMs)));
}

export function usualHold(question: HoldQuestion): Hold {
  const holdBudgetMs = usualHoldMs(question);
  return { holdBudgetMs, completeWithinMs: holdBudgetMs / 2 };
}

/**
 * A disk that needs longer than the usual hold is given it where the WAL has come to half of its target. What is copied under the lock
 * is synced twice, the WAL and the database, and one of the two is no part of what is needed: so a hold ends within
 * its budget and one sync.
 *
 * @returns null: it is not worth it, or more than is allowed.
 */
export function holdOfSlowDisk(question: HoldQuestion, neededMs: number): Hold | null {
  const { permission, config, walBytes } = question;
  if (permission.kind !== "declared" || walBytes <= config.checkpoint.sizeTargetBytes / 2) return null;
  if (neededMs > permission.holdMaxMs) return null;
  const holdBudgetMs = Math.max(1, Math.min(permission.holdMaxMs, Math.ceil(neededMs * 1.2)));
  return { holdBudgetMs, completeWithinMs: holdBudgetMs };
}

/** The longest hold that is allowed beside readers now. */
export function drainHoldMaxMs(question: HoldQuestion): number {
  const { permission, incompleteCount } = question;
  const usualMs = usualHoldMs(question);
  if (permission.kind !== "declared") return usualMs;
  const share = incompleteCount >= wholeBudgetAfterRounds ? 1 : 0.5;
  return Math.max(usualMs, Math.round(permission.holdMaxMs * share));
}

export function drainHold(question: HoldQuestion): Hold {
  const { learned } = question;
  const maxMs = drainHoldMaxMs(question);
  const neededMs = Math.round(drainHoldNeededMs(learned));
  const holdBudgetMs = Math.max(usualHoldMs(question), Math.min(maxMs, neededMs));
  const readerMs = learned.readerMs ?? holdBudgetMs / 2;
  const leftMs = holdBudgetMs - readerMs;
  // A read that is longer than the budget is not outlasted; half of it at least copies more.
  return { holdBudgetMs, completeWithinMs: leftMs > 1 ? leftMs : holdBudgetMs / 2 };
}
