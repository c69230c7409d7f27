/**
 * Does a WAL belong to the database that it lies beside? Nothing in the format says so, and SQLite does not ask: a
 * restore by cp over a database whose WAL stayed behind is mixed with that WAL at the next open. Pure.
 *
 * What ties the two is page 1. Whoever writes page 1 in WAL mode puts a change counter into it that is one more than
 * the one it read page 1 with (pager.c, pager_write_changecounter and pagerWalFrames; readDbPage for what it read):
 * the page before, from the database or from the WAL, or, while it goes on with its own cached page, the page before
 * that. So along the WAL the counter of each page-1 frame is that of the one before it, or one more; the first one's is
 * the database's when the WAL began, or one more. A checkpoint puts page-1 frames of this WAL into the database, and a
 * WAL starts over only when all of it is there. Hence, of one life:
 *
 * - counter(first frame) - 1 <= counter(database) <= counter(last frame), modulo 2^32;
 * - the database's header is the one that it had when the WAL began, or one that the WAL carries: so once a header was
 *   seen beside a WAL, each later header is that one or is in the WAL;
 * - without a frame of page 1 the size in pages cannot have changed (btree.c keeps it in the header): the size that a
 *   commit frame gives is never less than the header's, and equal to it where the file has exactly that size.
 *   (More is possible: a file that SQLITE_FCNTL_CHUNK_SIZE made larger than its pages.)
 * - pages behind the end of the database file were made in this WAL, so it holds each of them.
 *
 * tests/crash/lineage.test.ts holds this against thousands of states of real databases. What follows the
 * rule may still be another life's: that is undecided, never refused. After a power cut under synchronous=OFF, or on a
 * disk that lied, a WAL and its own database can contradict one another too; opening those would mix old and new
 * pages just the same.
 */
import type { WalLineage } from "../domain/residueReport.ts";
import type { DatabaseHeader } from "../format/databaseHeader.ts";

/** Frames of page 1 up to the last commit, by the change counter in them. */
export interface PageOneFrames {
  readonly frameCount: number;
  readonly firstChangeCounter: number;
  readonly lastChangeCounter: number;
}

export interface LineageEvidence {
  readonly header: DatabaseHeader;
  readonly databaseBytes: number;
  /** 0: nothing in the WAL was committed. */
  readonly mxFrame: number;
  /** Size of the database in pages after the last commit. */
  readonly pageCount: number | null;
  readonly pageOne: PageOneFrames | null;
  /** Pages that the WAL holds of those behind the end of the database file, up to `pageCount`; null: not counted. */
  readonly pagesBehindCount?: number | null;
  /** A page-1 frame begins with the header that is in the database now; null: it was not looked for. */
  readonly carriesHeader: boolean | null;
  /**
   * The header, as hexadecimal digits, that one look found beside this very WAL before. It may be of the moment before
   * the WAL began: so only a counter that has gone back since contradicts it. Null: none.
   */
  readonly rememberedHex: string | null;
  /** The headers that the first two looks found beside this WAL: one of them is the one that it began with. */
  readonly settledHexes?: readonly string[];
  /** A rollback journal that may be hot: it is rolled back first, and changes the header. */
  readonly journalMayBeHot: boolean;
}

/** Counters that lie further apart follow no rule that is known here. */
const spanMax = 0x7fffffff;

export function judgeLineage(evidence: LineageEvidence): WalLineage {
  const { header, pageOne, carriesHeader } = evidence;
  if (evidence.mxFrame === 0) return { kind: "nothing" };
  if (evidence.journalMayBeHot)
    return { kind: "undecided", reason: "a rollback journal beside it may change the database first" };
  if (carriesHeader === false && contradictsMemory(evidence)) {
    return {
      kind: "another",
      evidence: `the database's header (change counter ${header.changeCounter}) is neither the one that was seen beside this WAL before nor one that the WAL carries`,
    };
  }
  const missingCount = missingPages(evidence);
  if (missingCount > 0) {
    return {
      kind: "another",
      evidence: `${missingCount} pages of what this WAL makes are neither in the database nor in the WAL`,
    };
  }
  if (pageOne !== null) return judgeCounters(header.changeCounter, pageOne);
  return judgePageCount(evidence);
}

function contradictsMemory({ header, rememberedHex, settledHexes = [] }: LineageEvidence): boolean {
  if (settledHexes.length > 0) return !settledHexes.includes(header.bytesHex);
  if (rememberedHex === null || rememberedHex === header.bytesHex) return false;
  return isBehind(header.changeCounter, changeCounterOf(rememberedHex));
}

/** Byte 24 of the header, four bytes. */
function changeCounterOf(headerHex: string): number {
  return Number.parseInt(headerHex.slice(48, 56), 16);
}

function isBehind(changeCounter: number, other: number): boolean {
  return changeCounter !== other && (other - changeCounter) >>> 0 <= spanMax;
}

/** The page with the lock bytes is never written (fileformat2.html, "The Lock-Byte Page"). */
const lockByteOffset = 0x40000000;

function missingPages({
  header,
  databaseBytes,
  pageCount,
  pagesBehindCount = null,
}: LineageEvidence): number {
  const filePageCount = Math.floor(databaseBytes / header.pageSizeBytes);
  if (pageCount === null || pagesBehindCount === null || pageCount <= filePageCount) return 0;
  // Shorter than its own header says: cut off, or in the midst of a checkpoint. That is for a check to find.
  if (header.pageCountValid && filePageCount < header.pageCount) return 0;
  const lockBytePage = lockByteOffset / header.pageSizeBytes + 1;
  const isWithin = lockBytePage > filePageCount && lockBytePage <= pageCount;
  return pageCount - filePageCount - (isWithin ? 1 : 0) - pagesBehindCount;
}

function judgeCounters(changeCounter: number, pageOne: PageOneFrames): WalLineage {
  const { firstChangeCounter, lastChangeCounter } = pageOne;
  const span = (lastChangeCounter - firstChangeCounter) >>> 0;
  if (span > spanMax) return { kind: "undecided", reason: "the change counters in the WAL do not go up" };
  const place = (changeCounter - firstChangeCounter + 1) >>> 0;
  if (place <= span + 1) return { kind: "fits" };
  const from = (firstChangeCounter - 1) >>> 0;
  return {
    kind: "another",
    evidence: `the database's change counter is ${changeCounter}, and this WAL can only belong to one between ${from} and ${lastChangeCounter}`,
  };
}

function judgePageCount(evidence: LineageEvidence): WalLineage {
  const { header, databaseBytes, pageCount, rememberedHex, settledHexes = [] } = evidence;
  if (pageCount !== null && header.pageCountValid) {
    const isExact = databaseBytes === header.pageCount * header.pageSizeBytes;
    if (pageCount < header.pageCount || (pageCount > header.pageCount && isExact)) {
      return {
        kind: "another",
        evidence: `the database has ${header.pageCount} pages, and this WAL, which does not change that, belongs to one of ${pageCount}`,
      };
    }
  }
  if (rememberedHex === header.bytesHex || settledHexes.includes(header.bytesHex)) return { kind: "fits" };
  return {
    kind: "undecided",
    reason: "no frame of the WAL holds page 1, so nothing in it tells whose it is",
  };
}
