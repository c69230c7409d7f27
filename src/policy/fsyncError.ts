/**
 * A sync of the database or its WAL failed: from then on nobody knows what of it is on disk. Pure.
 *
 * The kernel marks pages that it failed to write as clean, so a second sync that succeeds proves nothing (fsync(2);
 * sqlite.org/atomiccommit.html, section 9.2). Known again it is only when the bytes were written anew:
 * - the WAL, when it has started over: its frames were then copied into the database, and the database was synced
 *   (wal.c, walCheckpoint, walRestartHdr);
 * - the database, when another file is in its place. A checkpoint copies only frames that no earlier one has copied,
 *   so pages that were lost before are not written again.
 *
 * Meanwhile nothing is opened: a checkpoint reads frames back without their checksums (wal.c, walCheckpoint), and
 * would copy what the disk made of them into the database.
 *
 * A restart of the daemon changes nothing of that, so the error is in the ledger. A restart of the machine does: what is
 * read then is what the disk has, and nothing is hidden by a cache any more. Then it is opened again, and what may be
 * missing is said by the verdict about the restart (restartVerdict.ts).
 *
 * A header that has gone back is no sign of a database that was written anew: a first page that the disk gave up, and
 * that was read again, looks the same.
 */
import type { FsyncError, LedgerEntry } from "../domain/ledger.ts";
import type { Observation } from "../domain/observation.ts";
import type { Failure } from "../domain/outcome.ts";
import { saltsOf } from "../format/walHeader.ts";
import type { GuardFinding } from "./guardFinding.ts";
import type { DatabaseState } from "./state.ts";
import { walHasFrames } from "./walState.ts";

/** These say that the call was not made, or may be made again: no page was given up. */
const harmlessCodes: ReadonlySet<string> = new Set(["EINTR", "EBADF", "EINVAL", "EROFS"]);
const sqliteCodes: ReadonlySet<string> = new Set(["SQLITE_IOERR_FSYNC"]);

/** The file that a failed operation of ours was about; null: it was no sync, or nothing was given up. */
function unsyncedFileOf({ reason, operation, path, code }: Failure): FsyncError["file"] | null {
  if (code === null) return null;
  if (reason === "system" && operation === "fdatasync" && !harmlessCodes.has(code))
    return path.endsWith("-wal") ? "wal" : "database";
  // SQLite does not say which of the two it was. It has not noted the frames as copied, so that it copies them
  // again: what is open is the WAL.
  return reason === "sqlite" && sqliteCodes.has(code) ? "wal" : null;
}

/** To be called with every operation of ours that failed. Of two errors that of the database is kept: it lasts. */
export function noteFsyncFailure(state: DatabaseState, failure: Failure, nowMs: number): DatabaseState {
  const file = unsyncedFileOf(failure);
  if (file === null || failure.code === null || state.fsyncError?.file === "database") return state;
  const { walSalts: walIdentity, identity: databaseIdentity } = state;
  return {
    ...state,
    fsyncError: { file, code: failure.code, atMs: nowMs, walIdentity, databaseIdentity },
  };
}

/** Null again once the WAL has started over, or another database is there. */
export function notedFsyncError(error: FsyncError | null, observation: Observation): FsyncError | null {
  if (error === null) return null;
  const { database, wal, walHeader } = observation;
  const identity = database.kind === "regular" ? database.identity : null;
  const isOther = identity !== null && error.databaseIdentity !== null && identity !== error.databaseIdentity;
  if (error.file === "database") {
    if (isOther) return null;
    return error.databaseIdentity === null && identity !== null
      ? { ...error, databaseIdentity: identity }
      : error;
  }
  if (wal.kind === "absent") return null;
  if (wal.kind === "regular" && !walHasFrames(observation)) return null;
  if (walHeader?.kind !== "header") return error;
  const salts = saltsOf(walHeader.header);
  // Not known when it failed: then the WAL of this moment is taken for that one, which may keep the guard for longer.
  if (error.walIdentity === null) return isOther ? null : { ...error, walIdentity: salts };
  return salts === error.walIdentity ? error : null;
}

/**
 * The error that an earlier life of the daemon has noted, as far as it still stands; to be asked before anything is
 * opened or synced. Where the boot is not known it is taken for the same: that keeps the guard, and claims nothing.
 */
export function fsyncErrorAfterRestart(
  entry: LedgerEntry | null,
  observation: Observation,
  bootId: string | null,
): FsyncError | null {
  if (entry === null || entry.fsyncError === null || observation.database.kind !== "regular") return null;
  if (entry.bootId !== null && bootId !== null && entry.bootId !== bootId) return null;
  const [device] = observation.database.identity.split(":");
  return device === entry.device ? notedFsyncError(entry.fsyncError, observation) : null;
}

export function describeFsyncError(error: FsyncError, path: string): string {
  const file = error.file === "wal" ? `${path}-wal` : path;
  return `a sync of ${file} failed with ${error.code} at ${new Date(error.atMs).toISOString()}: what of it is on disk is unknown`;
}

export function fsyncErrorGuards(error: FsyncError | null, path: string): readonly GuardFinding[] {
  if (error === null) return [];
  const advice =
    error.file === "wal"
      ? "look at the disk (dmesg), make a backup through the application while its cache still has the pages, then let the application checkpoint; this clears when the WAL has started over, or when the machine was started anew"
      : "look at the disk (dmesg), make a backup through the application while its cache still has the pages, and put that in the database's place under its name (mv, not cp); this clears when another file is there, or when the machine was started anew";
  return [
    {
      guard: "fsync_error",
      verdict: "refuse",
      reason: `${describeFsyncError(error, path)}, and a sync that succeeds later proves nothing; it is not opened meanwhile: ${advice}`,
    },
  ];
}
