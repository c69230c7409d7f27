/**
 * What frames of the round before say of a database: a WAL starts over only when all of it was copied into the database
 * (wal.c, walRestartHdr), and is then written over from its beginning. The frames that are not yet written over are
 * pages as they stand in the database since, unless the WAL holds them anew. Pure.
 *
 * Only what is sure counts:
 *
 * - the frames behind the last one of this round (also one that is not valid any more), as far as their salts are those
 *   of the round just before (salt-1 one less) and the checksum chain holds from one to the next. The first has no one
 *   before it, so it only begins the chain; behind the last commit nothing was copied;
 * - the last commit of that chain may have been written by a process that was killed before the others learned of it
 *   (wal.c, sqlite3WalFrames before walIndexWriteHdr; met in tests/crash/lineage.test.ts): it does not count. More than
 *   one such commit cannot follow upon another, for each begins behind what all knew;
 * - a page that stands in any frame behind that may have been written again: it does not count;
 * - nothing counts where the file was cut off within that round, for what is gone may have written the same pages again:
 *   with journal_size_limit SQLite shortens the file at the first commit of each round, to that many bytes, wherever that
 *   is (wal.c, walLimitSize). Where the frames of the round go on to the end of the file it has to end with a commit;
 * - a page that this WAL holds in a committed frame comes from there, whatever is in the file, and of one in any other
 *   frame of this round nothing is known;
 * - a page beyond the smallest size that the database had since may have gone and come back.
 *
 * A power cut can leave frames of a commit that was lost, and a chain that went on from them; the caller rules that out by
 * the time at which the file was made.
 */
import { addToWalChecksum, newWalChecksum } from "./walChecksum.ts";
import { parseWalFrameHeader, type WalFrameHeader } from "./walFrame.ts";
import { type WalHeader, walFrameHeaderBytes } from "./walHeader.ts";

export interface EarlierRound {
  /**
   * The next frame of the file, from number 1 on: its header, and behind `mxFrame` its page too. The bytes are not kept.
   */
  add(frame: number, bytes: Uint8Array): void;
  /**
   * Page number -> the frame that has it as it must be in the database.
   *
   * @param partialFrameBytes of the frame that the file ends within; 0: it ends with a whole one
   */
  result(partialFrameBytes: number): ReadonlyMap<number, number>;
}

/** @param mxFrame the last committed frame of this round */
export function createEarlierRound(header: WalHeader, mxFrame: number): EarlierRound {
  const heldPages = new Set<number>();
  let sizePages = Number.POSITIVE_INFINITY;
  let run = newRun();

  return {
    add(frame, bytes) {
      const parsed = parseWalFrameHeader(bytes);
      if (parsed.kind !== "frame") return;
      const found = parsed.frame;
      const isOfThisRound = found.salt1 === header.salt1 && found.salt2 === header.salt2;
      if (frame <= mxFrame) {
        heldPages.add(found.pageNumber);
        if (found.commitPageCount > 0) sizePages = Math.min(sizePages, found.commitPageCount);
      } else if (isOfThisRound) {
        // Of a WAL that is damaged it may have been copied too.
        heldPages.add(found.pageNumber);
        run = newRun();
      } else takeOver(run, frame, found, bytes, header);
    },
    result(partialFrameBytes) {
      const pages = new Map<number, number>();
      if (isCutOff(run, partialFrameBytes)) return pages;
      const sizeMax = Math.min(sizePages, run.sizePages);
      for (const [page, frame] of run.copied)
        if (page <= sizeMax && !heldPages.has(page) && !mayBeNewer(run, page)) pages.set(page, frame);
      return pages;
    },
  };
}

interface Run {
  before: WalFrameHeader | null;
  ended: boolean;
  sizePages: number;
  readonly copied: Map<number, number>;
  /** Behind the last commit so far. */
  waiting: Map<number, number>;
  /** Of the last commit so far, which may never have been known. */
  last: Map<number, number>;
  lastCommitPage: number | null;
  readonly doubtful: Set<number>;
}

function newRun(): Run {
  return {
    before: null,
    ended: false,
    sizePages: Number.POSITIVE_INFINITY,
    copied: new Map(),
    waiting: new Map(),
    last: new Map(),
    lastCommitPage: null,
    doubtful: new Set(),
  };
}

function takeOver(
  run: Run,
  frame: number,
  found: WalFrameHeader,
  bytes: Uint8Array,
  header: WalHeader,
): void {
  const { before } = run;
  const { pageNumber, commitPageCount, salt1, salt2 } = found;
  const isBefore = salt1 === (header.salt1 - 1) >>> 0 && (before === null || salt2 === before.salt2);
  const goesOn = isBefore && !run.ended && (before === null || chainHolds(before, found, bytes, header));
  if (!goesOn) {
    run.ended = true;
    run.doubtful.add(pageNumber);
    return;
  }
  run.before = found;
  if (before === null) return;
  run.waiting.set(pageNumber, frame);
  if (commitPageCount === 0) return;
  run.sizePages = Math.min(run.sizePages, commitPageCount);
  // The same frame again, up to the end of a sector, is no commit of its own (wal.c, padToSectorBoundary).
  const isPadding = run.waiting.size === 1 && pageNumber === run.lastCommitPage;
  if (!isPadding) {
    for (const [page, at] of run.last) run.copied.set(page, at);
    run.last = new Map();
  }
  for (const [page, at] of run.waiting) run.last.set(page, at);
  run.lastCommitPage = pageNumber;
  run.waiting = new Map();
}

/** A cut at the very end of a commit is not seen: its last bytes would have to be those of a frame by chance. */
function isCutOff({ ended, waiting }: Run, partialFrameBytes: number): boolean {
  return !ended && (partialFrameBytes > 0 || waiting.size > 0);
}

function mayBeNewer({ waiting, last, doubtful }: Run, page: number): boolean {
  return waiting.has(page) || last.has(page) || doubtful.has(page);
}

/** The checksum of a frame goes on from that of the one before. */
function chainHolds(
  before: WalFrameHeader,
  found: WalFrameHeader,
  bytes: Uint8Array,
  { bigEndianChecksums, pageSizeBytes }: WalHeader,
): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const sums = newWalChecksum();
  sums[0] = before.checksum1;
  sums[1] = before.checksum2;
  addToWalChecksum(sums, view, 0, 8, !bigEndianChecksums);
  addToWalChecksum(sums, view, walFrameHeaderBytes, pageSizeBytes, !bigEndianChecksums);
  return (sums[0] ?? 0) >>> 0 === found.checksum1 && (sums[1] ?? 0) >>> 0 === found.checksum2;
}
