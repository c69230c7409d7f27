/**
 * The rollback journal as an inspection tells of it: whether the next open rolls it back, and what that restores.
 * Source: hasHotJournal() and pager_playback() in SQLite src/pager.c, as format/rollbackJournal.ts says.
 */
import type { Observation } from "../domain/observation.ts";
import type { JournalHeaderResult } from "../format/rollbackJournal.ts";
import { lookAtFile } from "../host/fileLook.ts";
import type { Os } from "../host/os.ts";
import { type JournalScan, scanJournalFile } from "../observe/journalFileScan.ts";
import { somebodyLocksDatabase } from "../policy/heldLocks.ts";
import type { JournalInspection } from "./inspection.ts";

/** @returns null: there is none */
export function inspectJournal(os: Os, observation: Observation): JournalInspection | null {
  const { journal, resolvedPath, header, locks } = observation;
  if (journal.kind !== "regular" || resolvedPath === null) return null;
  const pageSizeBytes = header?.kind === "header" ? header.header.pageSizeBytes : null;
  const { sizeBytes, identity } = journal;
  const scanned = scanJournalFile(os, `${resolvedPath}-journal`, identity, pageSizeBytes);
  if (scanned.kind !== "scanned") {
    const reason =
      scanned.kind === "changed" ? "it changed meanwhile" : `${scanned.operation}: ${scanned.code}`;
    return { ...nothingKnown, sizeBytes, state: "unknown", reason };
  }
  const superJournalExists =
    scanned.scan.superJournalName === null ? null : exists(os, scanned.scan.superJournalName);
  const isLocked = locks.kind === "seen" && somebodyLocksDatabase(locks);
  return { sizeBytes, ...judge(scanned.scan, superJournalExists, isLocked) };
}

const nothingKnown = {
  pageRecordCount: null,
  initialPageCount: null,
  superJournal: null,
  superJournalExists: null,
};

function exists(os: Os, path: string): boolean | null {
  const look = lookAtFile(os, path, { followLinks: true });
  return look.kind === "unreadable" ? null : look.kind !== "absent";
}

function judge(
  { header, recordCount, superJournalName }: JournalScan,
  superJournalExists: boolean | null,
  isLocked: boolean,
): Omit<JournalInspection, "sizeBytes"> {
  const known = {
    pageRecordCount: recordCount,
    initialPageCount: header.kind === "header" ? header.header.initialPageCount : null,
    superJournal: superJournalName,
    superJournalExists,
  };
  const cold = whyCold(header);
  if (cold !== null) return { ...known, state: "cold", reason: cold };
  if (isLocked) return { ...known, state: "live", reason: "a transaction is under way" };
  if (superJournalExists === false) {
    const reason = "its super-journal is gone: the transaction was committed, and it is not rolled back";
    return { ...known, state: "cold", reason };
  }
  return { ...known, state: "hot", reason: whyHot(header) };
}

function whyCold(header: JournalHeaderResult): string | null {
  if (header.kind === "empty") return "it is empty";
  return header.kind === "zeroed" ? "its header is zeroed: the transaction has ended" : null;
}

const headerFaults: Readonly<Record<Exclude<JournalHeaderResult["kind"], "header">, string>> = {
  empty: "it is empty",
  zeroed: "its header is zeroed",
  tooShort: "it is shorter than its header",
  badMagic: "it does not begin like a journal",
  badSectorSize: "its sector size is none",
  badPageSize: "its page size is none",
};

function whyHot(header: JournalHeaderResult): string {
  return header.kind === "header"
    ? "the next open that may write rolls it back"
    : `the next open deletes it and restores nothing: ${headerFaults[header.kind]}`;
}
