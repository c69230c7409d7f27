import { describe, expect, test } from "bun:test";
import { endianness } from "node:os";
import fc from "fast-check";
import { walChecksum } from "../../../src/format/walChecksum.ts";
import { parseWalIndex, walIndexHeaderBytes } from "../../../src/format/walIndex.ts";

const littleEndian = endianness() === "LE";

interface Fields {
  readonly version?: number;
  readonly isInit?: number;
  readonly szPage?: number;
}

function indexBytes({ version = 3007000, isInit = 1, szPage = 4096 }: Fields = {}): Uint8Array {
  const bytes = new Uint8Array(walIndexHeaderBytes);
  const view = new DataView(bytes.buffer);
  const words = [
    [0, version],
    [8, 11],
    [16, 42],
    [20, 9],
    [24, 77],
    [28, 78],
    [96, 40],
    [100, 0],
    [104, 42],
    [108, 41],
    [112, 0xffffffff],
    [116, 0xffffffff],
    [128, 41],
  ] as const;
  for (const [offset, value] of words) view.setUint32(offset, value, littleEndian);
  view.setUint8(12, isInit);
  view.setUint16(14, szPage, littleEndian);
  view.setUint32(32, 0xfedcba98);
  view.setUint32(36, 0x12345678);
  const [checksum1, checksum2] = walChecksum(view, 40, littleEndian);
  view.setUint32(40, checksum1, littleEndian);
  view.setUint32(44, checksum2, littleEndian);
  bytes.copyWithin(48, 0, 48);
  return bytes;
}

describe("parseWalIndex", () => {
  test("reads every field of WalIndexHdr and WalCkptInfo, the salts as in the WAL", () => {
    expect(parseWalIndex(indexBytes())).toEqual({
      kind: "index",
      index: {
        mxFrame: 42,
        nBackfill: 40,
        nBackfillAttempted: 41,
        readMarks: [0, 42, 41, 0xffffffff, 0xffffffff],
        pageSizeBytes: 4096,
        salt1: 0xfedcba98,
        salt2: 0x12345678,
        pageCount: 9,
        changeCounter: 11,
        frameChecksum1: 77,
        frameChecksum2: 78,
      },
    });
  });

  test.each([
    [512, 512],
    [32768, 32768],
    [1, 65536],
  ])("szPage %d is a page of %d bytes", (szPage, pageSizeBytes) => {
    const result = parseWalIndex(indexBytes({ szPage }));
    expect(result.kind === "index" && result.index.pageSizeBytes).toBe(pageSizeBytes);
  });

  test("says why there is no index", () => {
    expect(parseWalIndex(new Uint8Array(3))).toEqual({ kind: "tooShort", byteCount: 3 });
    expect(parseWalIndex(new Uint8Array(walIndexHeaderBytes))).toEqual({ kind: "notInitialized" });
    expect(parseWalIndex(indexBytes({ version: 3008000 }))).toEqual({
      kind: "unsupportedVersion",
      version: 3008000,
    });
  });

  test("a change of any bit of one copy is a header in the middle of a change", () => {
    fc.assert(
      fc.property(fc.nat(96 * 8 - 1), (bit) => {
        const bytes = indexBytes();
        bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(parseWalIndex(bytes)).toEqual({ kind: "copiesDiffer" });
      }),
    );
  });

  test("the same change of both copies is found by the checksum", () => {
    fc.assert(
      fc.property(fc.nat(47), fc.integer({ min: 1, max: 255 }), (offset, flipped) => {
        fc.pre(offset !== 12);
        const bytes = indexBytes();
        for (const at of [offset, offset + 48]) bytes[at] = (bytes[at] ?? 0) ^ flipped;
        expect(parseWalIndex(bytes)).toEqual({ kind: "checksumMismatch" });
      }),
    );
  });

  test("no bytes make it throw", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(parseWalIndex(bytes).kind).toBeString();
      }),
    );
  });
});
