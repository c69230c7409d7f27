/** How a WAL ends, by plain values; with real SQLite in tests/integration/format/walRemains.test.ts. */
import { describe, expect, test } from "bun:test";
import type { WalRemains } from "../../../src/format/walRemains.ts";
import type { WalScan, WalScanStop } from "../../../src/format/walScan.ts";
import { walEnding } from "../../../src/policy/walEnding.ts";
import { scanWal } from "../../support/scanWal.ts";
import { handmadeWal } from "../../support/walBytes.ts";

const empty = scanWal(handmadeWal({ pageSizeBytes: 512, salts: [7, 9], frames: [] }));

function aScan(stop: WalScanStop, remains: Partial<WalRemains> | null = {}): WalScan {
  const none = { frameCount: 0, commitFrameCount: 0, publishedCommitCount: 0 };
  return { ...empty, mxFrame: 10, validFrameCount: 10, stop, remains: remains && { ...none, ...remains } };
}

const mismatch = { reason: "checksumMismatch", frame: 11 } as const;
const earlier = { reason: "saltMismatch", frame: 11, salt1: 6, salt2: 1 } as const;
const hole = { reason: "saltMismatch", frame: 11, salt1: 0, salt2: 0 } as const;
const later = { reason: "saltMismatch", frame: 11, salt1: 8, salt2: 1 } as const;
const published = { frameCount: 9, commitFrameCount: 5, publishedCommitCount: 4 };

function ending(scan: WalScan, indexMxFrame: number | null = null, isQuiet = true) {
  return walEnding(scan, { isQuiet, indexMxFrame });
}

describe("damaged is what has published commits behind it", () => {
  test.each([mismatch, earlier, hole, { reason: "zeroPageNumber", frame: 11 } as const])(
    "whatever the frame shows: %j",
    (stop) => {
      expect(ending(aScan(stop, published))).toMatchObject({
        kind: "damaged",
        frame: 11,
        droppedCommitCountMin: 4,
        text: expect.stringContaining("at least 4 commits stand behind it and will not be recovered"),
        causes: expect.stringContaining(
          stop === hole
            ? "3.40.1 does, after ROLLBACK TO a savepoint"
            : "a power cut wrote frames out of order",
        ),
      });
    },
  );

  test("what a WAL-index of this round counts further than recovery will, in use too", () => {
    for (const isQuiet of [true, false]) {
      const { kind, text } = ending(aScan({ reason: "endOfFile", frame: 11 }), 14, isQuiet);
      expect(kind).toBe("damaged");
      expect(text).toContain("counts 14 committed frames, recovery will take 10");
    }
  });

  test("a round that came after the header's", () => {
    expect(ending(aScan(later))).toMatchObject({ kind: "damaged", droppedCommitCountMin: null });
    expect(ending(aScan(earlier))).toMatchObject({ kind: "whole" });
  });
});

describe("nothing is called damaged", () => {
  test("beside a process that may be writing it, but by the WAL-index", () => {
    for (const stop of [mismatch, later, hole]) {
      expect(ending(aScan(stop, published), null, false).kind).toBe("whole");
      expect(ending(aScan(stop, published), 10, false).kind).toBe("whole");
    }
  });

  test("where the WAL-index ends as recovery does: an earlier one dropped it", () => {
    const { kind, text } = ending(aScan(mismatch, published), 10);
    expect({ kind, text }).toMatchObject({
      kind: "whole",
      text: expect.stringContaining("earlier recovery"),
    });
  });

  test("for commit marks alone, nor for frames without any", () => {
    const marks = ending(aScan(mismatch, { frameCount: 9, commitFrameCount: 1 }));
    expect(marks).toMatchObject({ kind: "whole", text: expect.stringContaining("is not proven") });
    const none = ending(aScan(mismatch, { frameCount: 9 }));
    expect(none).toMatchObject({ kind: "whole", text: expect.stringContaining("rolled back or cut off") });
  });

  test("where the file changed meanwhile, and nothing is known of what stands behind", () => {
    expect(ending(aScan(mismatch, null)).kind).toBe("torn");
  });
});

test("a last frame that was written in part is torn", () => {
  expect(ending(aScan({ reason: "tornFrame", frame: 11, byteCount: 99 })).kind).toBe("torn");
  expect(ending(aScan(mismatch, { frameCount: 1, commitFrameCount: 1 })).kind).toBe("torn");
});
