/**
 * How long TRUNCATE may take while nobody is connected: as long as it takes to shorten the file. Pure.
 *
 * To shorten a file takes time by its size: 20 ms for 64 MB, 88 ms for 289 MB, 340 ms for 1 GB (measured on ext4, its
 * pages in the cache). A worker that is killed in the midst of it gives its locks back no sooner, and all begins again.
 *
 * What an application feels that connects meanwhile: nothing when it reads. A write that begins in just that time waits,
 * or with busy timeout 0 is refused, as beside any other process that recovers the WAL; without the daemon the
 * recovery would be its own, which takes longer and keeps everybody out. So the worker looks for others right before, and
 * leaves the file as it is when somebody has come (sqlite/truncateCheckpoint.ts). A declared busy timeout outlasts the hold.
 */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import { declaresLongWait } from "./lockPermission.ts";

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
