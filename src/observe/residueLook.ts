/**
 * Reads what an earlier life left beside a database: the whole WAL with its checksums, and the headers and the end of a
 * rollback journal. Files are only read, without SQLite and without a lock, and the event loop breathes meanwhile.
 */
import type { FileLook, Observation } from "../domain/observation.ts";
import type { JournalResidueLook, ResidueLook, StrayPages, WalResidueLook } from "../domain/residueReport.ts";
import type { WalScan } from "../format/walScan.ts";
import type { Clock } from "../host/clock.ts";
import { lookAtFile } from "../host/fileLook.ts";
import type { Os } from "../host/os.ts";
import { scanJournalFile } from "./journalFileScan.ts";
import { lookForStrayPages } from "./strayPages.ts";
import { scanWalFile } from "./walFileScan.ts";

export interface ResidueHost {
  readonly os: Os;
  readonly clock: Clock;
}

export interface ResidueQuestion {
  /** Of the observation; it is kept with the answer. */
  readonly fingerprint: string;
  /** Commits up to this frame are counted apart; null: none. */
  readonly markFrame: number | null;
}

/** Never throws for what the files contain; a file that changed meanwhile is "unknown". */
export async function lookAtResidue(
  host: ResidueHost,
  observation: Observation,
  { fingerprint, markFrame }: ResidueQuestion,
): Promise<ResidueLook> {
  const startedAtMs = host.clock.monotonicMs();
  const wal = await lookAtWal(host, observation, markFrame);
  const journal = lookAtJournal(host.os, observation);
  return {
    fingerprint,
    lookedAtMs: host.clock.nowMs(),
    durationMs: host.clock.monotonicMs() - startedAtMs,
    wal,
    journal,
  };
}

const changedMeanwhile = "it changed while it was read";

async function lookAtWal(
  host: ResidueHost,
  { wal, database, header, resolvedPath }: Observation,
  markFrame: number | null,
): Promise<WalResidueLook> {
  if (wal.kind !== "regular" || wal.sizeBytes === 0 || resolvedPath === null) return { kind: "none" };
  const answer = await scanWalFile(host, `${resolvedPath}-wal`, wal.identity, {
    ...(header?.kind === "header" ? { databaseHeader: Buffer.from(header.header.bytesHex, "hex") } : {}),
    ...(header?.kind === "header" && database.kind === "regular"
      ? { filePageCount: Math.floor(database.sizeBytes / header.header.pageSizeBytes) }
      : {}),
    ...(markFrame === null ? {} : { markFrame }),
  });
  switch (answer.kind) {
    case "scanned":
      return { ...answer, strayPages: await strayPagesOf(host, wal, database, resolvedPath, answer.scan) };
    case "changed":
      return { kind: "unknown", reason: changedMeanwhile };
    case "unreadable":
      return { kind: "unknown", reason: `${answer.operation}: ${answer.code}` };
  }
}

async function strayPagesOf(
  host: ResidueHost,
  wal: FileLook,
  database: FileLook,
  databasePath: string,
  { header, mxFrame }: WalScan,
): Promise<StrayPages | null> {
  if (wal.kind !== "regular" || database.kind !== "regular" || header.kind !== "header") return null;
  return lookForStrayPages(host, {
    databasePath,
    databaseIdentity: database.identity,
    walIdentity: wal.identity,
    walHeader: header.header,
    mxFrame,
  });
}

function lookAtJournal(os: Os, { journal, header, resolvedPath }: Observation): JournalResidueLook {
  if (journal.kind !== "regular" || resolvedPath === null) return { kind: "none" };
  const pageSizeBytes = header?.kind === "header" ? header.header.pageSizeBytes : null;
  const answer = scanJournalFile(os, `${resolvedPath}-journal`, journal.identity, pageSizeBytes);
  if (answer.kind === "changed") return { kind: "unknown", reason: changedMeanwhile };
  if (answer.kind === "unreadable") return { kind: "unknown", reason: `${answer.operation}: ${answer.code}` };
  const { header: journalHeader, recordCount, superJournalName } = answer.scan;
  return {
    kind: "scanned",
    header: journalHeader,
    recordCount,
    superJournal: superJournalName,
    superJournalExists:
      superJournalName === null ? null : exists(lookAtFile(os, superJournalName, { followLinks: true })),
    sizeBytes: answer.sizeBytes,
  };
}

function exists(look: FileLook): boolean | null {
  return look.kind === "unreadable" ? null : look.kind !== "absent";
}
