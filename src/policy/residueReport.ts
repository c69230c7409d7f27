/** What was left beside a database, put into a report; and whether recovery brought what was announced. Pure. */
import type { Observation } from "../domain/observation.ts";
import type {
  DatabaseFound,
  JournalFound,
  ResidueFound,
  ResidueLook,
  ResidueRecovery,
  ResidueReport,
  ShmFound,
  WalFound,
  WalLineage,
} from "../domain/residueReport.ts";
import type { JournalHeaderResult } from "../format/rollbackJournal.ts";
import { saltsOf } from "../format/walHeader.ts";
import { isIndexOfWal } from "../format/walIndex.ts";
import { somebodyIsConnected, somebodyLocksDatabase } from "./heldLocks.ts";
import { isMaybeHot } from "./residueScan.ts";
import { mxFrameOfRound, walEnding } from "./walEnding.ts";
import { walHasFrames, walSalts, walStateOf } from "./walState.ts";

export function describeFound(
  observation: Observation,
  look: ResidueLook,
  lineage: WalLineage | null,
): ResidueFound {
  const wal = walFound(observation, look);
  const journal = journalFound(look);
  const known = lineage ?? { kind: "undecided", reason: "it could not be read" };
  return {
    database: databaseFound(observation),
    wal,
    journal,
    shm: shmFound(observation),
    lineage: known,
    expectation: expectation(wal, journal, known),
  };
}

function databaseFound({ database, header }: Observation): DatabaseFound | null {
  if (database.kind !== "regular" || header?.kind !== "header") return null;
  const { pageSizeBytes, inWalMode, changeCounter, pageCount, pageCountValid, sqliteVersionNumber } =
    header.header;
  return {
    identity: database.identity,
    sizeBytes: database.sizeBytes,
    pageSizeBytes,
    inWalMode,
    changeCounter,
    pageCount: pageCountValid ? pageCount : null,
    sqliteVersionNumber,
  };
}

function walFound(observation: Observation, { wal }: ResidueLook): WalFound | null {
  if (observation.wal.kind !== "regular" || observation.wal.sizeBytes === 0) return null;
  const scan = wal.kind === "scanned" ? wal.scan : null;
  const parsed = scan?.header ?? observation.walHeader;
  const header = parsed?.kind === "header" ? parsed.header : null;
  const index = observation.walIndex?.kind === "index" ? observation.walIndex.index : null;
  const ending =
    scan === null ? null : walEnding(scan, { isQuiet: true, indexMxFrame: mxFrameOfRound(index, scan) });
  return {
    sizeBytes: observation.wal.sizeBytes,
    header: parsed?.kind ?? "not read",
    salts: header === null ? null : saltsOf(header),
    checkpointSequence: header?.checkpointSequence ?? null,
    pageSizeBytes: header?.pageSizeBytes ?? null,
    validFrameCount: scan?.validFrameCount ?? null,
    committedFrameCount: scan?.mxFrame ?? null,
    commitCount: scan?.commitCount ?? null,
    pageCount: scan?.pageCount ?? null,
    stopReason: scan?.stop.reason ?? null,
    stopFrame: scan?.stop.frame ?? null,
    trailingBytes: scan?.trailingBytes ?? null,
    endsTorn: ending?.kind === "torn",
    damage: ending?.kind === "damaged" ? ending.text : "",
    droppedCommitCountMin: ending?.kind === "damaged" ? ending.droppedCommitCountMin : null,
    unknownReason: wal.kind === "unknown" ? wal.reason : "",
  };
}

function journalFound({ journal }: ResidueLook): JournalFound | null {
  const nothing = { pageRecordCount: null, initialPageCount: null, pageSizeBytes: null };
  const noSuper = { superJournal: null, superJournalExists: null };
  if (journal.kind === "none") return null;
  if (journal.kind === "unknown")
    return { sizeBytes: 0, state: "unknown", reason: journal.reason, ...nothing, ...noSuper };
  const { header, superJournal, superJournalExists } = journal;
  const committed = superJournal !== null && superJournalExists === false;
  const hot = isMaybeHot(journal) && !committed;
  return {
    sizeBytes: journal.sizeBytes,
    state: hot ? "hot" : "cold",
    reason: hot
      ? whyNothingRestored(header)
      : committed
        ? "its super-journal is gone: the transaction was committed"
        : header.kind,
    ...(header.kind === "header"
      ? {
          pageRecordCount: journal.recordCount,
          initialPageCount: header.header.initialPageCount,
          pageSizeBytes: header.header.pageSizeBytes,
        }
      : nothing),
    superJournal,
    superJournalExists,
  };
}

function whyNothingRestored(header: JournalHeaderResult): string {
  return header.kind === "header" ? "" : `its header restores nothing (${header.kind})`;
}

function shmFound({ shm, walIndex, walHeader }: Observation): ShmFound | null {
  if (shm.kind !== "regular") return null;
  const index = walIndex?.kind === "index" ? walIndex.index : null;
  return {
    sizeBytes: shm.sizeBytes,
    header: walIndex?.kind ?? "not read",
    mxFrame: index?.mxFrame ?? null,
    backfilledFrameCount: index?.nBackfill ?? null,
    isOfThisWal:
      index === null || walHeader?.kind !== "header" ? null : isIndexOfWal(index, walHeader.header),
  };
}

function expectation(wal: WalFound | null, journal: JournalFound | null, lineage: WalLineage): string {
  const parts: string[] = [];
  if (journal?.state === "hot") {
    const pages = journal.pageRecordCount === null ? "its pages" : `${journal.pageRecordCount} pages`;
    parts.push(
      journal.reason === ""
        ? `the rollback journal takes ${pages} back, the transaction never was`
        : `the rollback journal is deleted, ${journal.reason}`,
    );
  }
  if (journal?.state === "unknown") parts.push("the rollback journal could not be read");
  if (lineage.kind === "another") parts.push(`nothing must open it: ${lineage.evidence}`);
  else if (wal !== null) parts.push(walExpectation(wal));
  return parts.join("; ");
}

function walExpectation(wal: WalFound): string {
  const { committedFrameCount, commitCount, pageCount, validFrameCount } = wal;
  if (committedFrameCount === null || validFrameCount === null) return "the WAL could not be read";
  const uncommitted = validFrameCount - committedFrameCount;
  const tail = [
    uncommitted > 0 ? `${uncommitted} frames of a transaction that was never committed are dropped` : "",
    wal.damage !== ""
      ? `the WAL is ${wal.damage}`
      : wal.endsTorn
        ? `the WAL is torn at frame ${wal.stopFrame}`
        : "",
  ].filter((part) => part !== "");
  const brings =
    committedFrameCount === 0
      ? `the WAL brings nothing back${wal.header === "header" ? "" : ": its header does not stand"}`
      : `the WAL brings ${commitCount} commits in ${committedFrameCount} frames back, the database then has ${pageCount} pages`;
  return [brings, ...tail].join("; ");
}

/** What can be seen after recovery. Others may be at work by then: what they changed is no difference of ours. */
export function compareRecovery(
  { found }: ResidueReport,
  observation: Observation,
  countedFrameCount: number,
  nowMs: number,
): ResidueRecovery {
  const { database, header } = observation;
  const databaseBytes = database.kind === "regular" ? database.sizeBytes : null;
  const after = header?.kind === "header" ? header.header : null;
  const pageCount = after?.pageCountValid === true ? after.pageCount : null;
  const announced = found.wal?.committedFrameCount ?? 0;
  // A connection that closes may have copied it before the checkpoint did: SQLite empties a WAL only when all is copied.
  const isEmptied = !walHasFrames(observation);
  const copiedFrameCount = isEmptied ? Math.max(countedFrameCount, announced) : countedFrameCount;
  const pagesAnnounced =
    announced > 0
      ? (found.wal?.pageCount ?? null)
      : found.journal?.state === "hot"
        ? found.journal.initialPageCount
        : null;
  const remarks: string[] = [];
  if (copiedFrameCount !== announced)
    remarks.push(`${copiedFrameCount} frames were copied, ${announced} were announced`);
  if (pagesAnnounced !== null && pageCount !== pagesAnnounced)
    remarks.push(`the header says ${pageCount ?? "nothing of"} pages, ${pagesAnnounced} were announced`);
  const bytesAnnounced =
    pagesAnnounced === null || after === null ? null : pagesAnnounced * after.pageSizeBytes;
  if (bytesAnnounced !== null && databaseBytes !== null && databaseBytes < bytesAnnounced)
    remarks.push(`the file has ${databaseBytes} bytes, ${bytesAnnounced} were announced`);
  const others = othersAtWork(found.wal, observation);
  const verdict = remarks.length === 0 ? "agrees" : others === null ? "differs" : "incomparable";
  return {
    endedAtMs: nowMs,
    copiedFrameCount,
    databaseBytes,
    pageCount,
    verdict,
    remarks: verdict === "incomparable" && others !== null ? [...remarks, others] : remarks,
  };
}

function othersAtWork(wal: WalFound | null, observation: Observation): string | null {
  const { locks } = observation;
  if (locks.kind !== "seen" || somebodyIsConnected(locks) || somebodyLocksDatabase(locks))
    return "others had it open meanwhile";
  const salts = walSalts(observation);
  if (salts !== null && wal !== null && salts !== wal.salts) return "the WAL was started over meanwhile";
  const now = walStateOf(observation);
  const grown = now.kind === "known" && now.mxFrame > (wal?.committedFrameCount ?? 0);
  return grown ? "others wrote meanwhile" : null;
}
