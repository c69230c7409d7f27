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
 * - the database's header is the one that it had when the WAL began, with a counter of that first frame or one less, or
 *   one that the WAL carries: so a header with a higher counter is in the WAL, and once a header was seen beside a WAL,
 *   each later header is that one or is in the WAL;
 * - without a frame of page 1 the size in pages cannot have changed (btree.c keeps it in the header): the size that a
 *   commit frame gives is never less than the header's, and equal to it where the file has exactly that size.
 *   (More is possible: a file that SQLITE_FCNTL_CHUNK_SIZE made larger than its pages.)
 * - pages behind the end of the database file were made in this WAL, so it holds each of them;
 * - without auto_vacuum a database becomes smaller only by what writes all of its pages (VACUUM, a backup into it), so
 *   a WAL that makes it smaller than its header of before says then holds every page;
 * - what the WAL's round before has copied stands in the database (format/earlierRound.ts).
 *
 * "Fits" is said only where the WAL carries the header, pages were compared, or somebody was connected to both when this
 * header was seen. tests/crash/lineage.test.ts holds
 * this against thousands of states of real databases. What follows the rules may still be another life's: that is
 * undecided, never refused. After a power cut under synchronous=OFF, or on a disk that lied, a WAL and its own database
 * can contradict one another too; opening those would mix old and new pages just the same.
 */
import type { StrayPages, WalLineage } from "../domain/residueReport.ts";
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
  /** Smallest size in pages that a commit in the WAL gives the database; null: none, or not looked for. */
  readonly lowestPageCount?: number | null;
  /** Different pages that the WAL holds, up to `pageCount`; null: not counted. */
  readonly heldPageCount?: number | null;
  /** A page-1 frame begins with the header that is in the database now; null: it was not looked for. */
  readonly carriesHeader: boolean | null;
  /**
   * The header, as hexadecimal digits, that one look found beside this very WAL before. It may be of the moment before
   * the WAL began: so only a counter that has gone back since contradicts it. Null: none.
   */
  readonly rememberedHex: string | null;
  /** The headers that the first two looks found beside this WAL: one of them is the one that it began with. */
  readonly settledHexes?: readonly string[];
  /** The header that was last seen beside this WAL while somebody was connected to both; null: none was. */
  readonly liveHex?: string | null;
  /** Null: nothing could be compared. */
  readonly strayPages?: StrayPages | null;
  /** A rollback journal that may be hot: it is rolled back first, and changes the header. */
  readonly journalMayBeHot: boolean;
}

/** Counters that lie further apart follow no rule that is known here. */
const spanMax = 0x7fffffff;

export function judgeLineage(evidence: LineageEvidence): WalLineage {
  const { header, carriesHeader } = evidence;
  if (evidence.mxFrame === 0) return { kind: "nothing" };
  if (evidence.journalMayBeHot)
    return { kind: "undecided", reason: "a rollback journal beside it may change the database first" };
  if (carriesHeader === false && contradictsMemory(evidence)) {
    return {
      kind: "another",
      evidence: `the database's header (change counter ${header.changeCounter}) is neither the one that was seen beside this WAL before nor one that the WAL carries`,
    };
  }
  const { strayCount = 0, comparedCount = 0, firstStrayPage = null } = evidence.strayPages ?? {};
  if (strayCount > 0) {
    return {
      kind: "another",
      evidence: `${strayCount} of ${comparedCount} pages (the first is ${firstStrayPage}) are not as the last checkpoint of this WAL left them, and the WAL does not hold them anew`,
    };
  }
  const missingCount = missingPages(evidence);
  if (missingCount > 0) {
    return {
      kind: "another",
      evidence: `${missingCount} pages of what this WAL makes are neither in the database nor in the WAL`,
    };
  }
  const contradiction =
    evidence.pageOne === null
      ? contradictsPageCount(evidence)
      : contradictsPageOne(evidence, evidence.pageOne);
  if (contradiction !== null) return contradiction;
  const isCarried = evidence.pageOne !== null && carriesHeader === true;
  if (isCarried || comparedCount > 0 || evidence.liveHex === evidence.header.bytesHex)
    return { kind: "fits" };
  const reason =
    evidence.pageOne === null
      ? "no frame of the WAL holds page 1, so nothing in it tells whose it is"
      : "the database's header can be the one that this WAL began with, but that was not seen";
  return { kind: "undecided", reason };
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

/** How many of the pages behind `from`, up to `to`, are written at all. */
function writtenPageCount(pageSizeBytes: number, from: number, to: number): number {
  const lockBytePage = lockByteOffset / pageSizeBytes + 1;
  return to - from - (lockBytePage > from && lockBytePage <= to ? 1 : 0);
}

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
  return writtenPageCount(header.pageSizeBytes, filePageCount, pageCount) - pagesBehindCount;
}

function contradictsPageOne(evidence: LineageEvidence, pageOne: PageOneFrames): WalLineage | null {
  const { firstChangeCounter, lastChangeCounter } = pageOne;
  const { changeCounter } = evidence.header;
  const span = (lastChangeCounter - firstChangeCounter) >>> 0;
  if (span > spanMax) return { kind: "undecided", reason: "the change counters in the WAL do not go up" };
  const place = (changeCounter - firstChangeCounter + 1) >>> 0;
  const from = (firstChangeCounter - 1) >>> 0;
  if (place > span + 1) {
    return {
      kind: "another",
      evidence: `the database's change counter is ${changeCounter}, and this WAL can only belong to one between ${from} and ${lastChangeCounter}`,
    };
  }
  if (evidence.carriesHeader !== false) return null;
  if (place > 1) {
    return {
      kind: "another",
      evidence: `the database's header (change counter ${changeCounter}) is of after this WAL began, at ${from} or ${firstChangeCounter}, and the WAL does not carry it`,
    };
  }
  return contradictsShrinking(evidence);
}

/** Only of the header that the database had before this WAL: bytes 52 to 55 are 0 without auto_vacuum. */
function contradictsShrinking({
  header,
  pageCount,
  lowestPageCount = null,
  heldPageCount = null,
}: LineageEvidence): WalLineage | null {
  const hasAutoVacuum = header.bytesHex.slice(104, 112) !== "00000000";
  if (pageCount === null || lowestPageCount === null || heldPageCount === null) return null;
  if (hasAutoVacuum || !header.pageCountValid || lowestPageCount >= header.pageCount) return null;
  if (heldPageCount >= writtenPageCount(header.pageSizeBytes, 0, pageCount)) return null;
  return {
    kind: "another",
    evidence: `the database has ${header.pageCount} pages and this WAL belongs to one of ${lowestPageCount}: what makes a database smaller writes all of its pages, and the WAL holds ${heldPageCount} of ${pageCount}`,
  };
}

function contradictsPageCount({ header, databaseBytes, pageCount }: LineageEvidence): WalLineage | null {
  if (pageCount === null || !header.pageCountValid) return null;
  const isExact = databaseBytes === header.pageCount * header.pageSizeBytes;
  if (pageCount >= header.pageCount && (pageCount === header.pageCount || !isExact)) return null;
  return {
    kind: "another",
    evidence: `the database has ${header.pageCount} pages, and this WAL, which does not change that, belongs to one of ${pageCount}`,
  };
}
