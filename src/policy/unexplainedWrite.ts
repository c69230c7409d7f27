/**
 * Whether the database file was written between the last note and the first look of the next start, and nothing that is
 * there explains it. Pure; see restartVerdict.ts, which asks only where no checkpoint of a WAL that is there may have
 * written it: no WAL of the noted life, nor one that followed it, is left, or nothing was copied from it since.
 *
 * The counter in the header does not tell: in WAL mode it moves only with commits that write page 1 (pager.c,
 * pagerWalFrames), so that a backup copied into the same inode may carry the very same one.
 *
 * A power cut may take back the time of a write: fdatasync(2) does not bring it to disk. By minutes it does not, for
 * kernel and journal write inodes every few seconds (lazytime alone waits longer: then it is not decided).
 */
import type { LedgerEntry, RestartLook } from "../domain/ledger.ts";

const takenBackMaxMs = 60_000;
/** btime of /proc/stat is in whole seconds. */
const bootDoubtMs = 2_000;

/** In words; null: it is as it was noted. */
export function unexplainedWrite(entry: LedgerEntry, look: RestartLook, sameCache: boolean): string | null {
  const written = writtenSince(entry, look, sameCache);
  return written === null
    ? null
    : `but ${written}: closed by its application, or written by a hand, which cannot be told apart`;
}

/**
 * Beside a WAL of the noted life from which nothing was copied since. After a cut only what was written since the boot: a
 * checkpoint of just before it may have left the time of its write and not the pages.
 */
export function writtenBesideItsWal(
  entry: LedgerEntry,
  look: RestartLook,
  sameCache: boolean,
): string | null {
  if (look.wal.kind !== "wal" || look.wal.mayHaveBeenCopied !== false) return null;
  const isOfThisBoot = look.bootedAtMs !== null && look.databaseModifiedAtMs > look.bootedAtMs + bootDoubtMs;
  const written = sameCache || isOfThisBoot ? writtenSince(entry, look, sameCache) : null;
  return written === null ? null : `but ${written}, and nothing was copied into it from this WAL since`;
}

function writtenSince(entry: LedgerEntry, look: RestartLook, sameCache: boolean): string | null {
  const what = whatMoved(entry, look, sameCache);
  return what === null ? null : `the database file has been written since it was noted (${what})`;
}

function whatMoved(entry: LedgerEntry, look: RestartLook, sameCache: boolean): string | null {
  if (look.databaseBytes !== entry.databaseBytes)
    return `${look.databaseBytes} bytes, ${entry.databaseBytes} were noted`;
  if (entry.databaseModifiedAtMs === null) return null;
  const movedMs = look.databaseModifiedAtMs - entry.databaseModifiedAtMs;
  if (movedMs === 0 || (!sameCache && movedMs < 0 && movedMs >= -takenBackMaxMs)) return null;
  return `last written at ${timeText(look.databaseModifiedAtMs)}, ${timeText(entry.databaseModifiedAtMs)} was noted`;
}

/** Nothing throws for what a file system says. */
function timeText(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? `${ms} ms` : date.toISOString();
}
