import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createWalScanner } from "../../../src/format/walScan.ts";
import { scanWal } from "../../support/scanWal.ts";
import { type HandmadeFrame, handmadeWal, resummed } from "../../support/walBytes.ts";

const pageSizeBytes = 512;
const frameBytes = 24 + pageSizeBytes;

function page(fill: number, changeCounter = 0): Uint8Array {
  const bytes = new Uint8Array(pageSizeBytes).fill(fill);
  new DataView(bytes.buffer).setUint32(24, changeCounter);
  return bytes;
}

function frame(pageNumber: number, commitPageCount: number, changeCounter = 0): HandmadeFrame {
  return { pageNumber, commitPageCount, page: page(pageNumber, changeCounter) };
}

/** Two commits of five pages, of six in the end, and a frame that was not committed. */
const frames = [frame(1, 0, 8), frame(2, 5), frame(3, 0), frame(1, 0, 9), frame(4, 6), frame(1, 0, 10)];

function changed(bytes: Uint8Array, offset: number, value: number): Uint8Array {
  const copy = bytes.slice();
  copy[offset] = value;
  return copy;
}

const frameStart = (number: number): number => 32 + (number - 1) * frameBytes;

describe.each([false, true])("scanWal, checksums big-endian: %p", (bigEndian) => {
  const wal = handmadeWal({ pageSizeBytes, bigEndian, frames });

  test("counts what is valid, and what of it was committed", () => {
    expect(scanWal(wal)).toMatchObject({
      header: { kind: "header", header: { bigEndianChecksums: bigEndian, pageSizeBytes } },
      validFrameCount: 6,
      mxFrame: 5,
      commitCount: 2,
      pageCount: 6,
      stop: { reason: "endOfFile", frame: 7 },
      trailingBytes: 0,
      carriesDatabaseHeader: null,
      markedCommitCount: null,
    });
  });

  test("a byte of a frame that changed ends the WAL before it, whatever comes behind", () => {
    for (const offset of [frameStart(3), frameStart(3) + 4, frameStart(3) + 20, frameStart(3) + 500]) {
      expect(scanWal(changed(wal, offset, 0xee))).toMatchObject({
        validFrameCount: 2,
        mxFrame: 2,
        commitCount: 1,
        pageCount: 5,
        stop: { reason: "checksumMismatch", frame: 3 },
        trailingBytes: 4 * frameBytes,
      });
    }
  });
});

describe("scanWal", () => {
  const wal = handmadeWal({ pageSizeBytes, frames });

  test("says where a frame of another generation begins, and its salts", () => {
    const older = handmadeWal({ pageSizeBytes, frames, salts: [0x89abcdee, 0x77] });
    const both = older.slice();
    both.set(wal.subarray(0, frameStart(3)));
    expect(scanWal(both)).toMatchObject({
      validFrameCount: 2,
      stop: { reason: "saltMismatch", frame: 3, salt1: 0x89abcdee, salt2: 0x77 },
      trailingBytes: 4 * frameBytes,
    });
  });

  test("takes salts before page number, and page number before checksum, as SQLite does", () => {
    const zeroPage = changed(wal, frameStart(2) + 3, 0);
    expect(scanWal(zeroPage).stop).toEqual({ reason: "zeroPageNumber", frame: 2 });
    const zeroes = wal.slice();
    zeroes.fill(0, frameStart(2));
    expect(scanWal(zeroes).stop).toEqual({ reason: "saltMismatch", frame: 2, salt1: 0, salt2: 0 });
  });

  test("a file that ends within a frame of its own generation is torn there", () => {
    expect(scanWal(wal.subarray(0, frameStart(6) + 100))).toMatchObject({
      validFrameCount: 5,
      stop: { reason: "tornFrame", frame: 6, byteCount: 100 },
      trailingBytes: 100,
    });
    expect(scanWal(wal.subarray(0, frameStart(6) + 9)).stop).toMatchObject({ reason: "tornFrame" });
  });

  test("a file that was cut within a frame of an earlier generation is not called torn", () => {
    const salts = [
      [0x89abcdee, 0x01234567],
      [0x89abcdef, 0x01234568],
    ] as const;
    for (const [salt1, salt2] of salts) {
      const older = handmadeWal({ pageSizeBytes, frames, salts: [salt1, salt2] });
      const both = older.slice(0, frameStart(6) + 100);
      both.set(wal.subarray(0, frameStart(6)));
      expect(scanWal(both).stop).toEqual({ reason: "saltMismatch", frame: 6, salt1, salt2 });
    }
  });

  test("a header alone is a WAL without a frame", () => {
    expect(scanWal(wal.subarray(0, 32))).toMatchObject({
      header: { kind: "header" },
      validFrameCount: 0,
      mxFrame: 0,
      pageCount: null,
      pageOne: null,
      lastCommit: null,
      stop: { reason: "endOfFile", frame: 1 },
      trailingBytes: 0,
    });
  });

  test("a bad header is said as it is, and nothing behind it counts", () => {
    const cases = [
      [new Uint8Array(0), { kind: "empty" }],
      [wal.subarray(0, 31), { kind: "tooShort", byteCount: 31 }],
      [new Uint8Array(5000), { kind: "zeroes" }],
      [changed(wal, 0, 1), { kind: "badMagic" }],
      [changed(wal, 16, 1), { kind: "checksumMismatch" }],
    ] as const;
    for (const [bytes, header] of cases) {
      expect(scanWal(bytes)).toMatchObject({
        header,
        validFrameCount: 0,
        mxFrame: 0,
        stop: { reason: "badHeader", frame: 0 },
        trailingBytes: bytes.byteLength,
      });
    }
  });

  test("of a future version, of another byte order, or of another page size: no frame is taken for valid", () => {
    const future = wal.slice();
    new DataView(future.buffer).setUint32(4, 3008000);
    expect(scanWal(resummed(future, false, 6))).toMatchObject({
      header: { kind: "unsupportedVersion", version: 3008000 },
      validFrameCount: 0,
    });
    const swapped = wal.slice();
    for (let offset = 0; offset < swapped.byteLength; offset += 4)
      swapped.subarray(offset, offset + 4).reverse();
    expect(scanWal(swapped)).toMatchObject({ header: { kind: "badMagic" }, validFrameCount: 0 });
    const otherPageSize = wal.slice();
    new DataView(otherPageSize.buffer).setUint32(8, 1024);
    expect(scanWal(resummed(otherPageSize, false, 0))).toMatchObject({
      header: { kind: "header", header: { pageSizeBytes: 1024 } },
      validFrameCount: 0,
      stop: { reason: "checksumMismatch", frame: 1 },
    });
  });

  test("counts page-1 frames by their change counters, committed ones only", () => {
    expect(scanWal(wal).pageOne).toEqual({
      frameCount: 2,
      firstChangeCounter: 8,
      lastChangeCounter: 9,
      lowestChangeCounter: 8,
      highestChangeCounter: 9,
    });
    expect(scanWal(wal.subarray(0, frameStart(2))).pageOne).toBeNull();
  });

  test("knows whether a committed page 1 begins with the database's header", () => {
    const carries = (databaseHeader: Uint8Array) => scanWal(wal, { databaseHeader }).carriesDatabaseHeader;
    expect(carries(page(1, 9).subarray(0, 100))).toBe(true);
    expect(carries(page(1, 8).subarray(0, 100))).toBe(true);
    expect(carries(page(1, 10).subarray(0, 100))).toBe(false);
    expect(carries(page(1, 7).subarray(0, 100))).toBe(false);
    expect(carries(page(2).subarray(0, 100))).toBe(false);
  });

  test("counts the commits up to a marked frame", () => {
    const marked = (markFrame: number) => scanWal(wal, { markFrame }).markedCommitCount;
    expect([0, 1, 2, 4, 5, 6, 1000].map(marked)).toEqual([0, 0, 1, 1, 2, 2, 2]);
  });

  test("counts the pages behind the end of the file that were committed", () => {
    const grown = handmadeWal({
      pageSizeBytes,
      frames: [frame(2, 0), frame(4, 0), frame(4, 4), frame(9, 9), frame(6, 0), frame(5, 7), frame(7, 0)],
    });
    const behind = (filePageCount: number) => scanWal(grown, { filePageCount }).pagesBehindCount;
    // Up to page 7: 2, 4, 5 and 6. Page 9 was cut off again, and the last frame, of page 7, was not committed.
    expect([0, 1, 2, 4, 6, 7, 100].map(behind)).toEqual([4, 4, 3, 2, 0, 0, 0]);
    expect(scanWal(grown).pagesBehindCount).toBeNull();
  });

  test("pages that lie absurdly far behind cost no memory and are not counted", () => {
    const far = handmadeWal({ pageSizeBytes, frames: [frame(2, 0), frame(0xffffffff, 0xffffffff)] });
    expect(scanWal(far, { filePageCount: 1 })).toMatchObject({ mxFrame: 2, pagesBehindCount: null });
  });

  test("names the last commit by its page and its checksum", () => {
    const view = new DataView(wal.buffer);
    expect(scanWal(wal).lastCommit).toEqual({
      frame: 5,
      pageNumber: 4,
      checksum1: view.getUint32(frameStart(5) + 16),
      checksum2: view.getUint32(frameStart(5) + 20),
    });
  });

  test("what is fed in pieces of any size, at any place in a buffer, is scanned as one", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(700), { minLength: 1, maxLength: 20 }),
        fc.nat(7),
        fc.nat(wal.byteLength),
        fc.boolean(),
        (sizes, shift, sizeBytes, bigEndian) => {
          const whole = handmadeWal({ pageSizeBytes, bigEndian, frames }).subarray(0, sizeBytes);
          const options = { databaseHeader: page(1, 9).subarray(0, 100), markFrame: 3 };
          const scanner = createWalScanner(options);
          const buffer = new Uint8Array(shift + 701);
          for (let offset = 0, turn = 0; offset < whole.byteLength; turn += 1) {
            const piece = whole.subarray(offset, offset + 1 + (sizes[turn % sizes.length] ?? 0));
            // The buffer is used again for every piece: what the scanner needs of it, it has to keep.
            buffer.set(piece, shift);
            scanner.feed(buffer.subarray(shift, shift + piece.byteLength));
            buffer.fill(0xaa);
            offset += piece.byteLength;
          }
          expect(scanner.result()).toEqual(scanWal(whole, options));
        },
      ),
    );
  });

  test("behind a header that does not stand nothing more needs to be fed", () => {
    const scanner = createWalScanner();
    scanner.feed(changed(wal, 0, 1).subarray(0, 40));
    expect(scanner.ended).toBe(true);
    scanner.feed(wal);
    expect(scanner.result(wal.byteLength)).toMatchObject({
      validFrameCount: 0,
      trailingBytes: wal.byteLength,
      remains: null,
    });
  });

  test("behind the end the search for frames of this round ends too, in a file of any size", () => {
    const scanner = createWalScanner();
    scanner.feed(changed(wal, frameStart(3), 1).subarray(0, frameStart(4)));
    const old = new Uint8Array(2 ** 20).fill(0xaa);
    for (let megabytes = 0; megabytes < 257; megabytes += 1) scanner.feed(old);
    expect(scanner.ended).toBe(true);
    expect(scanner.result().remains).toEqual({
      frameCount: 1,
      commitFrameCount: 0,
      publishedCommitCount: 0,
    });
  });
});
