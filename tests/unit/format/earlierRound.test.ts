import { describe, expect, test } from "bun:test";
import { createEarlierRound } from "../../../src/format/earlierRound.ts";
import { addToWalChecksum, newWalChecksum } from "../../../src/format/walChecksum.ts";
import type { WalHeader } from "../../../src/format/walHeader.ts";

const pageSizeBytes = 512;
const header: WalHeader = {
  bigEndianChecksums: false,
  pageSizeBytes,
  checkpointSequence: 3,
  salt1: 100,
  salt2: 7,
};

interface Frame {
  readonly page: number;
  /** Pages after the commit; absent: no commit. */
  readonly commit?: number;
  readonly salt1?: number;
  /** It does not go on from the one before. */
  readonly breaks?: boolean;
}

/** Page number -> frame, of a file with these frames of which the first `mxFrame` are this round's. */
function found(mxFrame: number, frames: readonly Frame[], partialFrameBytes = 0): Record<number, number> {
  const round = createEarlierRound(header, mxFrame);
  const sums = newWalChecksum();
  for (const [index, { page, commit = 0, salt1 = 99, breaks = false }] of frames.entries()) {
    const bytes = new Uint8Array(24 + pageSizeBytes).fill(index + 1, 24);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, page);
    view.setUint32(4, commit);
    view.setUint32(8, salt1);
    view.setUint32(12, salt1 === header.salt1 ? 7 : 6);
    if (breaks) sums.fill(1);
    addToWalChecksum(sums, view, 0, 8, true);
    addToWalChecksum(sums, view, 24, pageSizeBytes, true);
    view.setInt32(16, sums[0] ?? 0);
    view.setInt32(20, sums[1] ?? 0);
    round.add(index + 1, bytes);
  }
  return Object.fromEntries(round.result(partialFrameBytes));
}

const ours = { page: 9, commit: 20, salt1: 100 };
const first = { page: 8, commit: 20 };
const last = { page: 7, commit: 20 };

describe("of the frames that an earlier round left", () => {
  test("those count that were committed before the last commit, each page by its newest", () => {
    expect(found(1, [ours, first, { page: 2 }, { page: 3 }, { page: 2, commit: 20 }, last])).toEqual({
      2: 5,
      3: 4,
    });
  });

  test("none counts where the file was cut off within that round: what is gone may have written its pages again", () => {
    const committed = [ours, first, { page: 2, commit: 20 }, last];
    expect(found(1, committed)).toEqual({ 2: 3 });
    expect(found(1, committed, 136)).toEqual({});
    expect(found(1, [...committed, { page: 6 }])).toEqual({});
  });

  test("a cut behind that round, in frames of an older one, changes nothing", () => {
    const committed = [ours, first, { page: 2, commit: 20 }, last];
    expect(found(1, [...committed, { page: 6, salt1: 98 }], 136)).toEqual({ 2: 3 });
  });

  test("the last commit may never have been known to others, also when it fills its sector", () => {
    expect(found(1, [ours, first, { page: 2, commit: 20 }])).toEqual({});
    expect(found(1, [ours, first, { page: 3 }, last, last])).toEqual({});
  });

  test("a page that was committed twice in a row is as it was committed last", () => {
    const twice = { page: 2, commit: 20 };
    expect(found(1, [ours, first, twice, twice, last])).toEqual({ 2: 4 });
  });

  test("pages that this WAL holds, or that stand again behind, do not count", () => {
    const two = { page: 2, commit: 20 };
    expect(found(1, [{ ...ours, page: 2 }, first, two, last])).toEqual({});
    expect(found(1, [ours, first, two, last, { page: 2 }])).toEqual({});
    expect(found(1, [ours, first, two, last, { page: 2, breaks: true }])).toEqual({});
    expect(found(1, [ours, first, two, last, { page: 2, salt1: 98 }])).toEqual({});
    expect(found(1, [ours, first, two, last, { page: 5, breaks: true }])).toEqual({ 2: 3 });
  });

  test("nothing counts before a frame of this round, or of another round than the one just before", () => {
    const two = { page: 2, commit: 20 };
    expect(found(1, [ours, first, two, last, { ...ours, page: 12 }, first])).toEqual({});
    expect(found(1, [ours, { ...ours, page: 2 }, first, two, last])).toEqual({});
    const older = (frame: Frame) => ({ ...frame, salt1: 98 });
    expect(found(1, [ours, older(first), older(two), older(last)])).toEqual({});
  });

  test("a page that the database was too small for since does not count", () => {
    expect(found(1, [{ ...ours, commit: 5 }, first, { page: 6 }, { page: 5, commit: 20 }, last])).toEqual({
      5: 4,
    });
    expect(found(1, [ours, first, { page: 6 }, { page: 5, commit: 20 }, { ...last, commit: 5 }])).toEqual({
      5: 4,
    });
  });
});
