/**
 * Looks for committed frames without salts in a WAL that is in use (format/walRemains.ts says how SQLite comes to leave
 * them): the first 8 bytes behind page number and size, of each frame that came since the last look. Opens -wal for
 * reading, takes no lock, changes nothing; only for processes that never use SQLite.
 *
 * Frames up to mxFrame of a trusted WAL-index are complete: SQLite gives a transaction its salts and checksums before it
 * publishes it (wal.c, walRewriteChecksums before walIndexWriteHdr). So what has none now will never have any.
 */
import { walFrameBytes, walFrameHeaderBytes, walHeaderBytes } from "../format/walHeader.ts";
import { errnoOf } from "../host/errno.ts";
import { openSeen } from "../host/openSeen.ts";
import type { Os } from "../host/os.ts";
import { saltsOfWal } from "./readSalts.ts";

export interface UnsaltedQuestion {
  /** "device:inode" of the -wal file. */
  readonly fileIdentity: string;
  /** Salts of its header, "salt1 salt2". */
  readonly walIdentity: string;
  readonly pageSizeBytes: number;
  /** Frames after this one. */
  readonly fromFrame: number;
  /** Last committed frame, by a trusted WAL-index. */
  readonly mxFrame: number;
}

export type UnsaltedLook =
  /** Frames up to `toFrame` were looked at. `frame`: the first without salts; null: none. */
  | {
      readonly kind: "looked";
      readonly toFrame: number;
      readonly frame: number | null;
      /** A commit lies before it in this WAL, or was not looked for: it lies far behind. */
      readonly hasCommitBefore: boolean;
    }
  /** The WAL started over, or is another file: the next look tells. */
  | { readonly kind: "changed" }
  | { readonly kind: "unreadable"; readonly code: string };

/** Read in one look at most. The rest has its turn at the next one. */
const lookBytesMax = 4 * 1024 * 1024;
const headersMax = 4_096;
const pieceBytes = 256 * 1024;
/** Up to this size the pages between the headers are read with them: that costs less than a call for each. */
const wholePageBytesMax = 4_096;
/** The first transaction of a WAL is rarely longer, and its last frame ends the search. */
const commitSearchFramesMax = 1_024;

/** @param path of the database, links resolved */
export function lookForUnsaltedFrames(os: Os, path: string, question: UnsaltedQuestion): UnsaltedLook {
  const opened = openSeen(os, `${path}-wal`, question.fileIdentity);
  if (opened.kind === "changed") return opened;
  if (opened.kind === "unreadable") return { kind: "unreadable", code: opened.code };
  const wal = opened.descriptor;
  try {
    const framesAtOnce = framesOfPiece(question.pageSizeBytes);
    const framesMax = framesAtOnce === 1 ? headersMax : lookBytesMax / walFrameBytes(question.pageSizeBytes);
    const toFrame = Math.min(question.mxFrame, question.fromFrame + Math.floor(framesMax));
    const frame = firstUnsalted(os, wal, question, toFrame, framesAtOnce);
    const hasCommitBefore = typeof frame === "number" && isCommitBefore(os, wal, question, frame);
    // Whoever starts the WAL over writes its header before the first frame.
    if (frame === "short" || saltsOfWal(os, wal) !== question.walIdentity) return { kind: "changed" };
    return { kind: "looked", toFrame, frame, hasCommitBefore };
  } catch (error) {
    return { kind: "unreadable", code: errnoOf(error) };
  } finally {
    os.close(wal);
  }
}

function framesOfPiece(pageSizeBytes: number): number {
  return pageSizeBytes > wholePageBytesMax ? 1 : Math.floor(pieceBytes / walFrameBytes(pageSizeBytes));
}

function firstUnsalted(
  os: Os,
  wal: number,
  { pageSizeBytes, fromFrame }: UnsaltedQuestion,
  toFrame: number,
  framesAtOnce: number,
): number | null | "short" {
  const frameBytes = walFrameBytes(pageSizeBytes);
  const atOnce = Math.min(toFrame - fromFrame, framesAtOnce);
  // Of the last one nothing but its header.
  const piece = new Uint8Array((atOnce - 1) * frameBytes + walFrameHeaderBytes);
  const view = new DataView(piece.buffer);
  for (let firstFrame = fromFrame + 1; firstFrame <= toFrame; firstFrame += atOnce) {
    const frameCount = Math.min(atOnce, toFrame - firstFrame + 1);
    const byteCount = (frameCount - 1) * frameBytes + walFrameHeaderBytes;
    const offsetBytes = walHeaderBytes + (firstFrame - 1) * frameBytes;
    if (os.read(wal, piece.subarray(0, byteCount), offsetBytes) !== byteCount) return "short";
    for (let index = 0; index < frameCount; index += 1) {
      const salts = index * frameBytes + 8;
      if (view.getUint32(salts) === 0 && view.getUint32(salts + 4) === 0) return firstFrame + index;
    }
  }
  return null;
}

/** What is no commit has 0 for the size of the database behind its page number. */
function isCommitBefore(os: Os, wal: number, { pageSizeBytes }: UnsaltedQuestion, frame: number): boolean {
  if (frame > commitSearchFramesMax) return true;
  const header = new Uint8Array(walFrameHeaderBytes);
  const view = new DataView(header.buffer);
  for (let before = 1; before < frame; before += 1) {
    const offsetBytes = walHeaderBytes + (before - 1) * walFrameBytes(pageSizeBytes);
    if (os.read(wal, header, offsetBytes) !== walFrameHeaderBytes || view.getUint32(4) !== 0) return true;
  }
  return false;
}
