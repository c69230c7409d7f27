/**
 * A `-journal` file through format/rollbackJournal.ts, without SQLite and without a lock: its headers and its end. The
 * page records in between are not read; their number is what the headers announce and the file is long enough for.
 */
import {
  type JournalHeader,
  type JournalHeaderResult,
  journalHeaderBytes,
  journalPartAt,
  journalTailBytes,
  parseJournalHeader,
  parseSuperJournalName,
} from "../format/rollbackJournal.ts";
import { errnoOf } from "../host/errno.ts";
import { openSeen } from "../host/openSeen.ts";
import type { Os } from "../host/os.ts";
import { readFully } from "../host/rawRead.ts";

export interface JournalScan {
  readonly header: JournalHeaderResult;
  /** Page records of all parts. Null: the page size is not known, or there were more parts than are read. */
  readonly recordCount: number | null;
  readonly superJournalName: string | null;
}

export type JournalFileScan =
  | { readonly kind: "scanned"; readonly scan: JournalScan; readonly sizeBytes: number }
  /** Another file, or none, is there now: look again. */
  | { readonly kind: "changed" }
  | { readonly kind: "unreadable"; readonly operation: string; readonly code: string };

/** A transaction far larger than the cache of its connection has some hundreds. */
const partCountMax = 10_000;

/**
 * @param identity "device:inode" of the regular file that was seen at the path.
 * @param databasePageSizeBytes for a journal that does not say its own; null: not known.
 */
export function scanJournalFile(
  os: Os,
  path: string,
  identity: string,
  databasePageSizeBytes: number | null,
): JournalFileScan {
  const opened = openSeen(os, path, identity);
  if (opened.kind !== "open") return opened;
  const { descriptor, sizeBytes } = opened;
  try {
    const header = parseJournalHeader(
      readFully(os, descriptor, new Uint8Array(journalHeaderBytes)),
      sizeBytes,
    );
    const tailOffsetBytes = Math.max(0, sizeBytes - journalTailBytes);
    const tail = readFully(os, descriptor, new Uint8Array(sizeBytes - tailOffsetBytes), tailOffsetBytes);
    const pageSizeBytes = header.kind === "header" ? header.header.pageSizeBytes : null;
    const recordCount =
      header.kind === "header"
        ? countRecords(os, descriptor, sizeBytes, header.header, pageSizeBytes ?? databasePageSizeBytes)
        : 0;
    const superJournalName = parseSuperJournalName(tail);
    return { kind: "scanned", scan: { header, recordCount, superJournalName }, sizeBytes };
  } catch (error) {
    return { kind: "unreadable", operation: "read", code: errnoOf(error) };
  } finally {
    os.close(descriptor);
  }
}

function countRecords(
  os: Os,
  descriptor: number,
  sizeBytes: number,
  first: JournalHeader,
  pageSizeBytes: number | null,
): number | null {
  if (pageSizeBytes === null) return null;
  let recordCount = 0;
  let offsetBytes: number | null = 0;
  for (let part = 0; part < partCountMax; part += 1) {
    const bytes = readFully(os, descriptor, new Uint8Array(journalHeaderBytes), offsetBytes);
    const found = journalPartAt(bytes, offsetBytes, sizeBytes, first, pageSizeBytes);
    if (found === null) return recordCount;
    recordCount += found.recordCount;
    if (found.nextOffsetBytes === null) return recordCount;
    offsetBytes = found.nextOffsetBytes;
  }
  return null;
}
