/**
 * What is on disk of a database at the first look of a start, beside what the ledger noted: the WAL read whole where
 * nobody vouches for it, and the two frames by whose checksums it is told whether it is the one that was noted.
 * Only reads; never throws for what the files contain.
 */
import type { LedgerHeader, LedgerWal, RestartLook, RestartWal } from "../domain/ledger.ts";
import type { Observation } from "../domain/observation.ts";
import { frameChecksumHex } from "../format/frameChecksum.ts";
import { parseWalFrameHeader, walFrameOffsetBytes } from "../format/walFrame.ts";
import { type WalHeader, walFrameHeaderBytes, walHeaderBytes } from "../format/walHeader.ts";
import type { WalScan } from "../format/walScan.ts";
import { readBootedAtMs, readBootId } from "../host/bootId.ts";
import type { Clock } from "../host/clock.ts";
import { errnoOf } from "../host/errno.ts";
import { openSeen } from "../host/openSeen.ts";
import type { Os } from "../host/os.ts";
import { holdsFrames } from "./framesInDatabase.ts";
import { scanWalFile } from "./walFileScan.ts";

export interface RestartLookHost {
  readonly os: Os;
  readonly clock: Clock;
}

export interface RestartQuestion {
  readonly observation: Observation;
  readonly header: LedgerHeader | null;
  /** What was noted; null: nothing that could be compared. */
  readonly noted: LedgerWal | null;
  /** By a WAL-index that somebody connected vouches for; null: nobody does. */
  readonly liveMxFrame: number | null;
  /** The whole look at this very WAL, where one was taken already. */
  readonly scan: WalScan | null;
}

/** Null: a file was exchanged or written meanwhile, or no regular file is there; look again. */
export async function lookAtRestart(
  host: RestartLookHost,
  question: RestartQuestion,
): Promise<RestartLook | null> {
  const { observation, header } = question;
  const { database, journal } = observation;
  if (database.kind !== "regular") return null;
  const [device = "", inode = ""] = database.identity.split(":");
  const wal = await lookAtWal(host, question);
  if (wal === null) return null;
  return {
    lookedAtMs: observation.observedAtMs,
    bootId: readBootId(host.os),
    bootedAtMs: readBootedAtMs(host.os),
    device,
    inode,
    databaseBytes: database.sizeBytes,
    databaseModifiedAtMs: database.modifiedAtMs,
    header,
    wal,
    hasJournal: journal.kind === "regular" && journal.sizeBytes > 0,
  };
}

async function lookAtWal(host: RestartLookHost, question: RestartQuestion): Promise<RestartWal | null> {
  const { observation, noted, liveMxFrame } = question;
  const { wal, walHeader, resolvedPath } = observation;
  if (wal.kind === "absent" || resolvedPath === null) return { kind: "none" };
  if (wal.kind === "unreadable") return { kind: "unreadable", reason: `${wal.operation}: ${wal.code}` };
  if (wal.kind !== "regular") return { kind: "unreadable", reason: "it is no regular file" };
  // After a power cut the header can be all that is left, and it tells whose frames are gone.
  if (wal.sizeBytes < walHeaderBytes) return { kind: "none" };
  if (walHeader?.kind !== "header")
    return { kind: "unreadable", reason: `its header: ${walHeader?.kind ?? "not read"}` };
  const { header } = walHeader;
  const walPath = `${resolvedPath}-wal`;
  const isShorter = liveMxFrame !== null && isSameLife(noted, header) && liveMxFrame < noted.seenFrame;
  let { scan } = question;
  if (scan === null && (liveMxFrame === null || isShorter)) {
    const answer = await scanWalFile(host, walPath, wal.identity);
    if (answer.kind === "changed") return null;
    if (answer.kind === "unreadable")
      return { kind: "unreadable", reason: `${answer.operation}: ${answer.code}` };
    ({ scan } = answer);
  }
  const lastCommit = scan?.lastCommit ?? null;
  const mxFrame = Math.max(liveMxFrame ?? 0, scan?.mxFrame ?? 0);
  const matches = (frame: number | undefined, checksum: string | null | undefined): boolean | null =>
    frame === undefined || frame === 0 || frame > mxFrame || checksum === undefined || checksum === null
      ? null
      : hasChecksum(host.os, walPath, wal.identity, header, frame, checksum);
  const ofThisLife = isSameLife(noted, header) ? noted : null;
  return {
    kind: "wal",
    salt1: header.salt1,
    salt2: header.salt2,
    checkpointSequence: header.checkpointSequence,
    modifiedAtMs: wal.modifiedAtMs,
    mxFrame,
    commitCount: scan?.commitCount ?? null,
    pageSizeBytes: header.pageSizeBytes,
    lastFrameChecksum: lastCommit === null ? null : frameChecksumHex(lastCommit),
    isLive: liveMxFrame !== null,
    seenFrameMatches: matches(ofThisLife?.seenFrame, ofThisLife?.seenFrameChecksum),
    provenFrameMatches: matches(ofThisLife?.provenFrame, ofThisLife?.provenFrameChecksum),
    pageOneChangeCounter: scan?.pageOne?.lastChangeCounter ?? null,
    mayHaveBeenCopied:
      ofThisLife === null ? null : mayHaveBeenCopied(host.os, question, ofThisLife, header, mxFrame),
  };
}

/** By whoever connected since: what was copied shows in the index, or what was begun. */
function mayHaveBeenCopied(
  os: Os,
  { observation, liveMxFrame }: RestartQuestion,
  noted: LedgerWal,
  walHeader: WalHeader,
  mxFrame: number,
): boolean | null {
  const { resolvedPath, database, wal, walIndex } = observation;
  if (liveMxFrame !== null) {
    if (walIndex?.kind !== "index") return null;
    return Math.max(walIndex.index.nBackfill, walIndex.index.nBackfillAttempted) > noted.backfilledFrame;
  }
  if (resolvedPath === null || database.kind !== "regular" || wal.kind !== "regular") return null;
  return holdsFrames(os, {
    databasePath: resolvedPath,
    databaseIdentity: database.identity,
    walIdentity: wal.identity,
    walHeader,
    afterFrame: noted.backfilledFrame,
    mxFrame,
  });
}

function isSameLife(noted: LedgerWal | null, header: WalHeader): noted is LedgerWal {
  return noted !== null && noted.salt1 === header.salt1 && noted.salt2 === header.salt2;
}

/** Null: the frame could not be read. */
function hasChecksum(
  os: Os,
  walPath: string,
  identity: string,
  header: WalHeader,
  frame: number,
  checksum: string,
): boolean | null {
  const opened = openSeen(os, walPath, identity);
  if (opened.kind !== "open") return null;
  const bytes = new Uint8Array(walFrameHeaderBytes);
  try {
    const readBytes = os.read(opened.descriptor, bytes, walFrameOffsetBytes(frame, header.pageSizeBytes));
    const parsed = parseWalFrameHeader(bytes.subarray(0, readBytes));
    if (parsed.kind !== "frame") return null;
    const isOfThisLife = parsed.frame.salt1 === header.salt1 && parsed.frame.salt2 === header.salt2;
    return isOfThisLife && frameChecksumHex(parsed.frame) === checksum;
  } catch (error) {
    errnoOf(error);
    return null;
  } finally {
    os.close(opened.descriptor);
  }
}
