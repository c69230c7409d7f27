/**
 * What the ledger notes of a database: from what was seen, from what is known of its exposure, and from what was noted
 * before. Pure.
 *
 * What was proven stays proven through a restart of the daemon, which by itself knows nothing of the frames that it
 * finds: as long as it is the same life of the same WAL, the earlier figures are taken along.
 */
import type {
  FsyncError,
  LedgerEntry,
  LedgerHeader,
  LedgerWal,
  RefusedWal,
  RestartLook,
  RestartVerdict,
} from "../domain/ledger.ts";
import type { Observation } from "../domain/observation.ts";
import type { DatabaseHeader } from "../format/databaseHeader.ts";
import { frameChecksumHex } from "../format/frameChecksum.ts";
import { saltsOf, type WalHeader } from "../format/walHeader.ts";
import type { WalIndex } from "../format/walIndex.ts";
import type { ExposureState, WalExposure } from "./exposureState.ts";
import { somebodyLocksExclusively } from "./heldLocks.ts";
import { walFileOf } from "./putBack.ts";
import { isSameRefusal } from "./refusedWal.ts";
import { walHasFrames, walStateOf } from "./walState.ts";

export interface LedgerSeen {
  readonly observation: Observation;
  readonly exposure: ExposureState | null;
  readonly fsyncError: FsyncError | null;
  readonly bootId: string | null;
  /** An earlier life of the daemon saw database pages that no sync has proven since. */
  readonly inheritsExposedPages: boolean;
  /** Its frames are none of this database's. */
  readonly refusedWal: RefusedWal | null;
}

/**
 * @param earlier what was noted of this same file; null: nothing, or nothing that still holds
 * @returns null when nothing can be noted now; the same object as `earlier` when nothing has changed
 */
export function ledgerEntryOf(seen: LedgerSeen, earlier: LedgerEntry | null): LedgerEntry | null {
  const { observation, bootId } = seen;
  const { database, header, resolvedPath } = observation;
  if (database.kind !== "regular" || resolvedPath === null || header?.kind !== "header") return null;
  // What lies there is no database's state: its header must not be remembered as the one beside this WAL.
  if (seen.refusedWal !== null && seen.refusedWal.databaseMark !== null)
    return earlier === null || isSameRefusal(seen.refusedWal, earlier.refusedWal)
      ? earlier
      : { ...earlier, refusedWal: seen.refusedWal };
  const [device = "", inode = ""] = database.identity.split(":");
  const ofThisFile = earlier?.inode === inode ? earlier : null;
  const entryHeader = isInTransaction(observation)
    ? (ofThisFile?.header ?? null)
    : ledgerHeaderOf(header.header, ofThisFile);
  const wal = seen.refusedWal === null ? walOf(seen, ofThisFile?.wal ?? null) : null;
  const entry: LedgerEntry = {
    path: resolvedPath,
    device,
    inode,
    databaseBytes: database.sizeBytes,
    databaseModifiedAtMs: database.modifiedAtMs,
    header: entryHeader,
    wal,
    walFile: walFileOf(observation),
    headerFrame: headerFrameOf(observation, entryHeader, wal, ofThisFile),
    ...checkpointsSync(seen, ofThisFile),
    bootId,
    writtenAtMs: observation.observedAtMs,
    restoreWindowEndsAtMs: earlier?.restoreWindowEndsAtMs ?? null,
    fsyncError: sameError(seen.fsyncError, earlier?.fsyncError ?? null),
    refusedWal: seen.refusedWal,
  };
  return earlier !== null && isSameKnowledge(entry, earlier) ? earlier : entry;
}

/** The earlier object where it is the same error: nothing needs to be written then. */
function sameError(error: FsyncError | null, earlier: FsyncError | null): FsyncError | null {
  if (error === null || earlier === null) return error;
  const isSame =
    error.file === earlier.file &&
    error.atMs === earlier.atMs &&
    error.walIdentity === earlier.walIdentity &&
    error.databaseIdentity === earlier.databaseIdentity;
  return isSame ? earlier : error;
}

/** In rollback mode the header may be one that is not committed, as long as a journal is there. */
function isInTransaction({ header, journal }: Observation): boolean {
  const inWalMode = header?.kind === "header" && header.header.inWalMode;
  return !inWalMode && journal.kind === "regular" && journal.sizeBytes > 0;
}

/** The earlier object where the header is the same: nothing needs to be compared or written then. */
export function ledgerHeaderOf(header: DatabaseHeader, earlier: LedgerEntry | null = null): LedgerHeader {
  if (earlier?.header?.bytesHex === header.bytesHex) return earlier.header;
  const { changeCounter, pageCount, versionValidFor, sqliteVersionNumber, inWalMode, bytesHex } = header;
  return { changeCounter, pageCount, versionValidFor, sqliteVersionNumber, inWalMode, bytesHex };
}

/** Without an index that counts them only what was known of this very header stays known. */
function headerFrameOf(
  observation: Observation,
  header: LedgerHeader | null,
  wal: LedgerWal | null,
  earlier: LedgerEntry | null,
): number | null {
  if (wal === null) return null;
  const known = walStateOf(observation);
  if (known.kind === "known") return known.mxFrame;
  const ofThisLife = earlier !== null && earlier.wal !== null && isSameLifeOf(wal, earlier.wal);
  return ofThisLife && earlier.header === header ? earlier.headerFrame : null;
}

function walOf({ observation, exposure }: LedgerSeen, earlier: LedgerWal | null): LedgerWal | null {
  if (!walHasFrames(observation) || observation.walHeader?.kind !== "header") return null;
  const { header } = observation.walHeader;
  const carried = earlier !== null && isSameLife(earlier, header) ? earlier : null;
  const known = walStateOf(observation);
  // Without frames in a trusted index everything is in the database, whatever the file still holds.
  if (known.kind === "known" && known.mxFrame === 0) return null;
  const index =
    known.kind === "known" && observation.walIndex?.kind === "index" ? observation.walIndex.index : null;
  const { locks } = observation;
  const isHidden = locks.kind === "seen" && somebodyLocksExclusively(locks);
  // Frames that nobody vouches for are those that the scan of the start has found, and no more.
  if (index === null && !isHidden) return carried;
  const exposed = exposure?.wal?.walIdentity === saltsOf(header) ? exposure.wal : null;
  const seenFrame = exposed?.seenFrame ?? index?.mxFrame ?? null;
  if (seenFrame === null || (index === null && seenFrame < (carried?.seenFrame ?? 0))) return carried;
  return withFigures(header, seenFrame, index, exposed, carried);
}

function withFigures(
  header: WalHeader,
  seenFrame: number,
  index: WalIndex | null,
  exposed: WalExposure | null,
  carried: LedgerWal | null,
): LedgerWal {
  const { salt1, salt2, checkpointSequence, pageSizeBytes } = header;
  const isCarried = carried?.seenFrame === seenFrame ? carried : null;
  const seenCommitCount = exposed?.seenCommitCount ?? isCarried?.seenCommitCount ?? null;
  const seenFrameChecksum =
    index?.mxFrame === seenFrame
      ? frameChecksumHex({ checksum1: index.frameChecksum1, checksum2: index.frameChecksum2 })
      : (isCarried?.seenFrameChecksum ?? null);
  const seen = { seenFrame, seenCommitCount, seenFrameChecksum };
  const exposedCommitCount = exposed?.exposedCommitCount ?? null;
  const provenCommitCount =
    seenCommitCount === null || exposedCommitCount === null ? null : seenCommitCount - exposedCommitCount;
  const proven = furtherProven(seen, exposed?.provenFrame ?? 0, provenCommitCount, carried);
  const nBackfill = index?.nBackfill ?? exposed?.backfilledFrame ?? carried?.backfilledFrame ?? 0;
  const backfilledFrame = Math.min(nBackfill, seenFrame);
  return { salt1, salt2, checkpointSequence, pageSizeBytes, ...seen, ...proven, backfilledFrame };
}

type Seen = Pick<LedgerWal, "seenFrame" | "seenCommitCount" | "seenFrameChecksum">;
type Proven = Pick<LedgerWal, "provenFrame" | "provenCommitCount" | "provenFrameChecksum">;

/** The checksum of a frame is known when it was the last one at the time it was seen. */
function furtherProven(
  seen: Seen,
  provenFrame: number,
  provenCommitCount: number | null,
  carried: LedgerWal | null,
): Proven {
  if (carried !== null && carried.provenFrame > provenFrame && carried.provenFrame <= seen.seenFrame) {
    return {
      provenFrame: carried.provenFrame,
      provenCommitCount: carried.provenCommitCount,
      provenFrameChecksum: carried.provenFrameChecksum,
    };
  }
  const provenFrameChecksum =
    provenFrame === 0
      ? null
      : provenFrame === seen.seenFrame
        ? seen.seenFrameChecksum
        : provenFrame === carried?.provenFrame
          ? carried.provenFrameChecksum
          : provenFrame === carried?.seenFrame
            ? carried.seenFrameChecksum
            : null;
  return { provenFrame, provenCommitCount: provenFrame === 0 ? 0 : provenCommitCount, provenFrameChecksum };
}

/**
 * What is taken along from before a verdict: of a WAL that nobody is connected to, what was found in it; of the earlier
 * figures what still holds after the verdict.
 */
export function walAfterVerdict(
  entry: LedgerEntry | null,
  { wal }: RestartLook,
  { kind }: RestartVerdict,
): LedgerWal | null {
  if (wal.kind !== "wal") return null;
  const { salt1, salt2, checkpointSequence, pageSizeBytes, mxFrame } = wal;
  const noted = entry?.wal?.salt1 === salt1 && entry.wal.salt2 === salt2 ? entry.wal : null;
  if (wal.isLive) return kind === "intact" ? noted : null;
  if (mxFrame === 0) return null;
  const provenStands = noted !== null && (kind === "intact" || kind === "exposed-lost");
  return {
    salt1,
    salt2,
    checkpointSequence,
    pageSizeBytes,
    seenFrame: mxFrame,
    seenCommitCount: wal.commitCount,
    seenFrameChecksum: wal.lastFrameChecksum,
    provenFrame: provenStands ? noted.provenFrame : 0,
    provenCommitCount: provenStands ? noted.provenCommitCount : 0,
    provenFrameChecksum: provenStands ? noted.provenFrameChecksum : null,
    backfilledFrame: kind === "intact" ? (noted?.backfilledFrame ?? 0) : 0,
  };
}

function isSameLife(earlier: LedgerWal, header: WalHeader): boolean {
  return earlier.salt1 === header.salt1 && earlier.salt2 === header.salt2;
}

/** A WAL starts over only when all of it was copied: are its pages on disk then, the checkpoint has synced them. */
function checkpointsSync(
  seen: LedgerSeen,
  earlier: LedgerEntry | null,
): Pick<LedgerEntry, "databaseExposed" | "checkpointsSeenToSync"> {
  const isExposed = databaseExposed(seen);
  const salt1 =
    seen.observation.walHeader?.kind === "header" ? seen.observation.walHeader.header.salt1 : null;
  const hasStartedOver =
    salt1 !== null &&
    earlier !== null &&
    earlier.wal !== null &&
    earlier.wal.seenFrame > 0 &&
    salt1 !== earlier.wal.salt1;
  const wasSeen = earlier?.checkpointsSeenToSync === true || hasStartedOver;
  return { databaseExposed: isExposed, checkpointsSeenToSync: isExposed === false && wasSeen };
}

/** Without exposure that can be seen nothing is known of it, but what was exposed stays so. */
function databaseExposed({ exposure, inheritsExposedPages }: LedgerSeen): boolean | null {
  if (inheritsExposedPages) return true;
  if (exposure === null || exposure.lookedAtMs === null || exposure.unobservableReason !== "") return null;
  if (exposure.database !== null) return true;
  return exposure.reset === null &&
    exposure.databaseUndecidedMs === null &&
    exposure.databaseUnverifiedMs === null
    ? false
    : null;
}

function isSameKnowledge(entry: LedgerEntry, earlier: LedgerEntry): boolean {
  return (
    entry.path === earlier.path &&
    entry.device === earlier.device &&
    entry.inode === earlier.inode &&
    entry.databaseBytes === earlier.databaseBytes &&
    entry.databaseModifiedAtMs === earlier.databaseModifiedAtMs &&
    entry.header === earlier.header &&
    entry.walFile === earlier.walFile &&
    entry.headerFrame === earlier.headerFrame &&
    entry.databaseExposed === earlier.databaseExposed &&
    entry.checkpointsSeenToSync === earlier.checkpointsSeenToSync &&
    entry.bootId === earlier.bootId &&
    entry.fsyncError === earlier.fsyncError &&
    isSameRefusal(entry.refusedWal, earlier.refusedWal) &&
    isSameWal(entry.wal, earlier.wal)
  );
}

function isSameWal(wal: LedgerWal | null, earlier: LedgerWal | null): boolean {
  if (wal === null || earlier === null) return wal === earlier;
  return (
    isSameLifeOf(wal, earlier) &&
    wal.seenFrame === earlier.seenFrame &&
    wal.seenCommitCount === earlier.seenCommitCount &&
    wal.seenFrameChecksum === earlier.seenFrameChecksum &&
    wal.provenFrame === earlier.provenFrame &&
    wal.provenCommitCount === earlier.provenCommitCount &&
    wal.provenFrameChecksum === earlier.provenFrameChecksum &&
    wal.backfilledFrame === earlier.backfilledFrame
  );
}

function isSameLifeOf(wal: LedgerWal, earlier: LedgerWal): boolean {
  return wal.salt1 === earlier.salt1 && wal.salt2 === earlier.salt2;
}
