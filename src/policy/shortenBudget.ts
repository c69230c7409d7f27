/**
 * How long TRUNCATE may take: as long as it takes to shorten the file. Pure.
 *
 * To shorten a file takes time by its size: 20 ms for 64 MB, 88 ms for 289 MB, 340 ms for 1 GB (measured on ext4, its
 * pages in the cache). A worker that is killed in the midst of it gives its locks back no sooner, and all begins again.
 *
 * What an application feels that connects meanwhile: nothing when it reads. A write that begins in just that time waits,
 * or with busy timeout 0 is refused, as beside any other process that recovers the WAL; without the daemon the
 * recovery would be its own, which takes longer and keeps everybody out. So the worker looks for others right before, and
 * leaves the file as it is when somebody has come (sqlite/truncateCheckpoint.ts). A declared busy timeout outlasts the hold.
 *
 * Beside others it is begun only where what it takes, by what it took before, fits well into what is allowed; a file that is
 * too long for that stays as long as it is until nobody is connected. It is used again, and costs nothing but its place.
 */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { CheckpointLearning } from "./checkpointLearning.ts";
import { declaresLongWait, type LockPermission } from "./lockPermission.ts";

/** A busy disk makes the shortest one wait for the journal of the file system. */
const shortenMinMs = 100;
/** Three times what was measured, and a bound for what no disk should need. */
const shortenMsPerMb = 1;
const shortenMaxMs = 2_000;

export function shortenBudgetMs(config: DatabaseConfig, walFileBytes: number): number {
  const maxMs = declaresLongWait(config)
    ? Math.min(shortenMaxMs, config.profile.busyTimeoutMs / 2)
    : shortenMaxMs;
  return Math.min(maxMs, shortenMinMs + Math.round((walFileBytes / 1e6) * shortenMsPerMb));
}

/** Locks, the header and the sync of an empty WAL. */
const shortenFixedMs = 2;
/** Of what is allowed: a worker that is killed in the midst of it has kept writers out in vain. */
const spareShare = 0.7;

/** @returns the hold that TRUNCATE is given beside others; null: it would take too long. */
export function shortenBesideOthersMs(
  permission: LockPermission,
  learned: CheckpointLearning,
  walFileBytes: number,
): number | null {
  if (permission.kind === "none") return null;
  const predictedMs = shortenFixedMs + (walFileBytes / 1e6) * learned.shortenMsPerMb;
  if (predictedMs > permission.holdMaxMs * spareShare) return null;
  return Math.round(Math.min(permission.holdMaxMs, Math.max(10, predictedMs / spareShare)));
}
