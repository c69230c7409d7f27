/**
 * Does the database file hold pages that were copied from this WAL? A checkpoint leaves each page as a frame has it
 * (wal.c, walCheckpoint), so a file that was written by a checkpoint of this WAL holds some frame's page.
 *
 * Both files are only read, the newest frames first; at most `pageCountMax` pages of the database are compared.
 */
import { parseWalFrameHeader, walFrameOffsetBytes } from "../format/walFrame.ts";
import { type WalHeader, walFrameHeaderBytes } from "../format/walHeader.ts";
import { errnoOf } from "../host/errno.ts";
import { openSeen } from "../host/openSeen.ts";
import type { Os } from "../host/os.ts";
import { readFully } from "../host/rawRead.ts";

export interface FramesInDatabaseQuestion {
  readonly databasePath: string;
  /** "device:inode" of each, as they were seen. */
  readonly databaseIdentity: string;
  readonly walIdentity: string;
  readonly walHeader: WalHeader;
  /** Frames behind this one, up to `mxFrame`, are compared. */
  readonly afterFrame: number;
  readonly mxFrame: number;
}

const pageCountMax = 64;
const frameCountMax = 8_192;

/** Null: it cannot be told. */
export function holdsFrames(os: Os, question: FramesInDatabaseQuestion): boolean | null {
  const { databasePath, databaseIdentity, walIdentity } = question;
  const wal = openSeen(os, `${databasePath}-wal`, walIdentity);
  if (wal.kind !== "open") return null;
  try {
    const database = openSeen(os, databasePath, databaseIdentity);
    if (database.kind !== "open") return null;
    try {
      return compare(os, wal.descriptor, database.descriptor, question);
    } finally {
      os.close(database.descriptor);
    }
  } catch (error) {
    errnoOf(error);
    return null;
  } finally {
    os.close(wal.descriptor);
  }
}

function compare(
  os: Os,
  wal: number,
  database: number,
  { walHeader: { pageSizeBytes }, afterFrame, mxFrame }: FramesInDatabaseQuestion,
): boolean | null {
  const pages = new Map<number, Uint8Array>();
  const bytes = new Uint8Array(walFrameHeaderBytes + pageSizeBytes);
  const stopFrame = Math.max(afterFrame, mxFrame - frameCountMax);
  for (let frame = mxFrame; frame > stopFrame; frame -= 1) {
    const read = readFully(os, wal, bytes, walFrameOffsetBytes(frame, pageSizeBytes));
    const parsed = parseWalFrameHeader(read);
    if (parsed.kind !== "frame" || read.byteLength < bytes.byteLength) return null;
    const { pageNumber } = parsed.frame;
    let page = pages.get(pageNumber);
    if (page === undefined && pages.size < pageCountMax) {
      page = readFully(os, database, new Uint8Array(pageSizeBytes), (pageNumber - 1) * pageSizeBytes);
      pages.set(pageNumber, page);
    }
    if (page !== undefined && Buffer.compare(page, read.subarray(walFrameHeaderBytes)) === 0) return true;
  }
  // What lies further back was not looked at.
  return stopFrame > afterFrame ? null : false;
}
