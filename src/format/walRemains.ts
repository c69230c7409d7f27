/**
 * What stands in a `-wal` file behind the end that recovery finds (format/walScan.ts) and carries the salts of its header:
 * frames of this very round that nobody will read again.
 *
 * By walFrames(), sqlite3WalUndo(), sqlite3WalSavepointUndo(), walRewriteChecksums() and walIndexRecover() in SQLite
 * src/wal.c these are the ways known here in which such frames come to be:
 *
 *   - A transaction that spilled its cache and was rolled back, or rolled back to a savepoint, stays in the file; a later,
 *     shorter one is written over its beginning. No frame of it is a commit frame: that is written last, and with salts of
 *     zero while earlier frames of the transaction wait for their new checksums.
 *   - A commit that was written and never published in the WAL-index: its sync failed, or its process was killed in
 *     between while others stayed connected. A later, shorter one is written over its beginning. It ends in one commit
 *     frame, or in copies of it that pad a sector (psow=0): same page number, same size, same content.
 *   - Commits that were published, so acknowledged: the frame at the end was changed, or a power cut kept later pages of
 *     the file and not that one (synchronous NORMAL and OFF), now or before an earlier recovery, whose writers went on in
 *     the same round.
 *   - Commits that were published behind a frame without salts. Once a transaction writes over a frame of its own, what it
 *     appends has salts of zero until its commit sums it again from that frame on (iReCksum). ROLLBACK TO a savepoint takes
 *     back mxFrame and, up to some version, leaves iReCksum where it was: the commit then begins too far behind, and the
 *     frames before stay without salts. Nobody reads them so, but recovery ends there, with all that was committed since,
 *     synced or not. Seen with 3.40.1, and not with 3.54.1 (tests/crash/unsaltedFrames.test.ts).
 *
 * The last is told from the others by the checksum chain. A writer goes on from the checksum that the WAL-index names:
 * so a commit frame, from whose checksum the next frame goes on with another transaction, had been published. Of the very
 * last commit that cannot be known. So `publishedCommitCount` is a lower bound, and commit frames alone prove nothing.
 *
 * Frames of an earlier round have other salts and are passed over: a hole in the new round shows them, for the file is
 * written over from its beginning. So they do not end the search.
 *
 * Invariants: no bytes make it throw; memory is one page; only frames with the salts of the header are summed.
 */
import { addToWalChecksum, newWalChecksum } from "./walChecksum.ts";
import { type WalHeader, walFrameHeaderBytes } from "./walHeader.ts";

export interface WalRemains {
  /** Whole frames with the salts of the header, from the one that ends the WAL on. */
  readonly frameCount: number;
  /** How many of them are commit frames. */
  readonly commitFrameCount: number;
  /** Commits among them that other connections had seen, at least. */
  readonly publishedCommitCount: number;
}

export interface WalRemainsCount {
  /** The next whole frame of the file, its header at `offset`. */
  add(view: DataView, offset: number): void;
  result(): WalRemains;
}

export function createWalRemains({
  salt1,
  salt2,
  bigEndianChecksums,
  pageSizeBytes,
}: WalHeader): WalRemainsCount {
  let frameCount = 0;
  let commitFrameCount = 0;
  let publishedCommitCount = 0;
  /** Whether the frame just before was of this round. `sums` and the commit below are of that one. */
  let follows = false;
  const sums = newWalChecksum();
  let commitPageCount = 0;
  let commitPageNumber = 0;
  let commitPage: Uint8Array | null = null;

  const goesOn = (view: DataView, offset: number): boolean => {
    addToWalChecksum(sums, view, offset, 8, !bigEndianChecksums);
    addToWalChecksum(sums, view, offset + walFrameHeaderBytes, pageSizeBytes, !bigEndianChecksums);
    return sums[0] === view.getInt32(offset + 16) && sums[1] === view.getInt32(offset + 20);
  };
  const isPadding = (view: DataView, offset: number, page: Uint8Array): boolean =>
    view.getUint32(offset) === commitPageNumber &&
    view.getUint32(offset + 4) === commitPageCount &&
    commitPage !== null &&
    Buffer.compare(commitPage, page) === 0;

  return {
    add(view, offset) {
      const isOfThisRound = view.getUint32(offset + 8) === salt1 && view.getUint32(offset + 12) === salt2;
      if (isOfThisRound) {
        const page = new Uint8Array(
          view.buffer,
          view.byteOffset + offset + walFrameHeaderBytes,
          pageSizeBytes,
        );
        frameCount += 1;
        if (follows && commitPageCount > 0 && goesOn(view, offset) && !isPadding(view, offset, page))
          publishedCommitCount += 1;
        sums[0] = view.getInt32(offset + 16);
        sums[1] = view.getInt32(offset + 20);
        commitPageNumber = view.getUint32(offset);
        commitPageCount = view.getUint32(offset + 4);
        if (commitPageCount > 0) {
          commitFrameCount += 1;
          commitPage ??= new Uint8Array(pageSizeBytes);
          commitPage.set(page);
        }
      }
      follows = isOfThisRound;
    },
    result: () => ({ frameCount, commitFrameCount, publishedCommitCount }),
  };
}
