/**
 * The verdict of a restart where the WAL does not belong to the database that it lies beside (walLineage.ts): what the
 * WAL still holds then says nothing of what is in the file, neither that all is there nor how much is gone. Pure; see
 * restartVerdict.ts.
 */
import type { LedgerEntry, LedgerHeader, RestartLook } from "../domain/ledger.ts";
import type { Judgement } from "./failedSyncVerdict.ts";

export interface BesideAnother {
  readonly entry: LedgerEntry;
  readonly look: RestartLook;
  readonly sameCache: boolean;
}

/** @param byWal what it would be if the WAL were the database's own */
export function besideAnother(
  { entry, look, sameCache }: BesideAnother,
  byWal: Judgement,
  evidence: string,
): Judgement {
  const bounds = { lostExposedCommitCountMin: null, lostProvenCommitCountMin: null };
  const what = `the WAL does not belong to the database that is there now: ${evidence}`;
  const counter = look.header?.changeCounter ?? null;
  // After a cut a checkpoint that nobody had synced may be undone.
  const isByHand = sameCache || entry.databaseExposed === false;
  if (isByHand && !look.hasJournal && counter !== null && headerWentBack(entry.header, counter)) {
    const counters = `the change counter of its header was ${entry.header?.changeCounter} and is ${counter}`;
    return { kind: "rolled-back", reason: `${counters}; ${what}`, ...bounds };
  }
  const otherwise = `without that this were ${byWal.kind}: ${byWal.reason}`;
  return { kind: "undecidable", reason: `${what}; ${otherwise}`, ...bounds };
}

/** In WAL mode the counter never goes back: pager.c, pager_write_changecounter. Modulo 2^32. */
export function headerWentBack(noted: LedgerHeader | null, changeCounter: number): boolean {
  return noted !== null && ((changeCounter - noted.changeCounter) | 0) < 0;
}
