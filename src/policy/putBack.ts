/**
 * Were database and WAL put back together, to what they were before? Then what was remembered of the two says nothing:
 * the header goes back with its WAL, and a WAL that was copied anew is not the one that lay beside the file before.
 *
 * What is remembered of a header counts beside a WAL that is of after it: one whose file is untouched since (inode, size,
 * times of last write and last change: cp, mv, rsync and tar cannot leave all of them), or that has more frames than
 * were committed then. The other way round both are sound, and calling them wrong would cost the commits in the WAL.
 * Pure.
 */
import type { LedgerEntry, LedgerWal, RestartWal } from "../domain/ledger.ts";
import type { Observation } from "../domain/observation.ts";
import { startsOverCount } from "./walLives.ts";

/** One state of the WAL's file, without the device, whose number may be another one after a boot; null: none is seen. */
export function walFileOf({ wal }: Pick<Observation, "wal">): string | null {
  if (wal.kind !== "regular") return null;
  return `${inodeOf(wal.identity)}/${wal.sizeBytes}/${wal.modifiedAtMs}/${wal.changedAtMs ?? "-"}`;
}

/** Decimal; of "device:inode". */
export function inodeOf(identity: string): string {
  return identity.split(":")[1] ?? "";
}

/** The ledger's header may be of after the WAL that is there now. Only of the WAL that the ledger names. */
export function mayBePutBack(
  entry: LedgerEntry,
  noted: LedgerWal,
  found: RestartWal,
  observation: Pick<Observation, "wal">,
): boolean {
  if (found.kind !== "wal" || startsOverCount(noted, found) !== 0) return false;
  if (found.mxFrame < noted.seenFrame || found.seenFrameMatches === false) return true;
  if (entry.walFile !== null && entry.walFile === walFileOf(observation)) return false;
  return entry.headerFrame === null || found.mxFrame <= entry.headerFrame;
}
