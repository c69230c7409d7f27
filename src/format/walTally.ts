/**
 * What a scan of a WAL counts. Frames become part of the database with the next commit frame, so each figure exists
 * twice: over all valid frames, and as it was at the last commit.
 *
 * Sources: sqlite.org/fileformat2.html, "The Database Header" (the change counter at byte 24 of page 1); format/walFrame.ts.
 */

import { createPagesBehind } from "./pagesBehind.ts";

/** The frames of page 1 up to mxFrame, by the change counter at byte 24 of the page. */
export interface PageOneFrames {
  readonly frameCount: number;
  readonly firstChangeCounter: number;
  readonly lastChangeCounter: number;
  readonly lowestChangeCounter: number;
  readonly highestChangeCounter: number;
}

/** A commit frame: which page it holds, and the checksum of all the WAL up to it. */
export interface CommitEnd {
  readonly frame: number;
  readonly pageNumber: number;
  readonly checksum1: number;
  readonly checksum2: number;
}

/** As of the last commit. */
export interface WalTallyResult {
  readonly mxFrame: number;
  readonly commitCount: number;
  readonly pageCount: number | null;
  readonly pageOne: PageOneFrames | null;
  readonly carriesDatabaseHeader: boolean | null;
  readonly markedCommitCount: number | null;
  readonly lastCommit: CommitEnd | null;
  /**
   * Pages behind the end of the database file, up to `pageCount`, that committed frames hold. Null: not asked for, or too
   * far behind to be counted.
   */
  readonly pagesBehindCount: number | null;
  /** Different pages up to `pageCount` that committed frames hold; null as above. */
  readonly heldPageCount: number | null;
  /** Smallest size in pages that a commit gives the database; null: there is no commit. */
  readonly lowestPageCount: number | null;
}

export interface WalTallyOptions {
  /** The first bytes of the database, as many as shall be compared. */
  readonly databaseHeader?: Uint8Array | undefined;
  readonly markFrame?: number | undefined;
  /** Size of the database file in pages, for `pagesBehindCount`. Costs one bit of memory for each page behind it. */
  readonly filePageCount?: number | undefined;
}

export interface WalTally {
  /** The next valid frame, its header at `offset`. */
  add(frame: number, view: DataView, offset: number): void;
  result(): WalTallyResult;
}

const frameHeaderBytes = 24;
const changeCounterOffset = 24;

export function createWalTally({ databaseHeader, markFrame, filePageCount }: WalTallyOptions): WalTally {
  const pagesBehind = filePageCount === undefined ? null : createPagesBehind(filePageCount);
  const pagesHeld = filePageCount === undefined ? null : createPagesBehind(0);
  let lowestPageCount: number | null = null;
  let commitCount = 0;
  let pageCount: number | null = null;
  let lastCommit: CommitEnd | null = null;
  let markedCommitCount = 0;
  let validPageOne: PageOneFrames | null = null;
  let committedPageOne: PageOneFrames | null = null;
  let validCarries = false;
  let committedCarries = false;

  return {
    add(frame, view, offset) {
      const pageNumber = view.getUint32(offset);
      pagesBehind?.add(pageNumber);
      pagesHeld?.add(pageNumber);
      if (pageNumber === 1) {
        const pageOffset = offset + frameHeaderBytes;
        validPageOne = withPageOne(validPageOne, view.getUint32(pageOffset + changeCounterOffset));
        validCarries ||= databaseHeader !== undefined && beginsWith(view, pageOffset, databaseHeader);
      }
      const commitPageCount = view.getUint32(offset + 4);
      if (commitPageCount === 0) return;
      pagesBehind?.commit();
      pagesHeld?.commit();
      lowestPageCount = Math.min(lowestPageCount ?? commitPageCount, commitPageCount);
      commitCount += 1;
      pageCount = commitPageCount;
      committedPageOne = validPageOne;
      committedCarries = validCarries;
      if (markFrame !== undefined && frame <= markFrame) markedCommitCount = commitCount;
      lastCommit = {
        frame,
        pageNumber,
        checksum1: view.getUint32(offset + 16),
        checksum2: view.getUint32(offset + 20),
      };
    },
    result: () => ({
      mxFrame: lastCommit?.frame ?? 0,
      commitCount,
      pageCount,
      pageOne: committedPageOne,
      carriesDatabaseHeader: databaseHeader === undefined ? null : committedCarries,
      markedCommitCount: markFrame === undefined ? null : markedCommitCount,
      lastCommit,
      pagesBehindCount: pagesBehind?.countUpTo(pageCount ?? 0) ?? null,
      heldPageCount: pagesHeld?.countUpTo(pageCount ?? 0) ?? null,
      lowestPageCount,
    }),
  };
}

function withPageOne(before: PageOneFrames | null, changeCounter: number): PageOneFrames {
  return {
    frameCount: (before?.frameCount ?? 0) + 1,
    firstChangeCounter: before?.firstChangeCounter ?? changeCounter,
    lastChangeCounter: changeCounter,
    lowestChangeCounter: Math.min(before?.lowestChangeCounter ?? changeCounter, changeCounter),
    highestChangeCounter: Math.max(before?.highestChangeCounter ?? changeCounter, changeCounter),
  };
}

function beginsWith(view: DataView, offset: number, bytes: Uint8Array): boolean {
  return bytes.every((byte, index) => view.getUint8(offset + index) === byte);
}
