import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { walChecksum } from "../../../src/format/walChecksum.ts";
import { parseWalHeader, walHeaderBytes } from "../../../src/format/walHeader.ts";

interface Fields {
  readonly bigEndian?: boolean;
  readonly version?: number;
  readonly pageSizeBytes?: number;
}

function headerBytes({
  bigEndian = false,
  version = 3007000,
  pageSizeBytes = 4096,
}: Fields = {}): Uint8Array {
  const bytes = new Uint8Array(walHeaderBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bigEndian ? 0x377f0683 : 0x377f0682);
  view.setUint32(4, version);
  view.setUint32(8, pageSizeBytes);
  view.setUint32(12, 3);
  view.setUint32(16, 0xfedcba98);
  view.setUint32(20, 0x12345678);
  const [checksum1, checksum2] = walChecksum(view, 24, !bigEndian);
  view.setUint32(24, checksum1);
  view.setUint32(28, checksum2);
  return bytes;
}

/** The first 32 bytes of a -wal that the sqlite3 command line tool 3.40.1 wrote. */
const real = "377f0682002de21800001000000000003548a8e71d4567f3bc8f4b4867de680a";

describe("parseWalHeader", () => {
  test.each([false, true])("reads every field, checksums big-endian: %p", (bigEndian) => {
    expect(parseWalHeader(headerBytes({ bigEndian }))).toEqual({
      kind: "header",
      header: {
        bigEndianChecksums: bigEndian,
        pageSizeBytes: 4096,
        checkpointSequence: 3,
        salt1: 0xfedcba98,
        salt2: 0x12345678,
      },
    });
  });

  test("agrees with SQLite about the checksum of a header that SQLite wrote", () => {
    expect(parseWalHeader(Uint8Array.fromHex(real))).toMatchObject({ kind: "header" });
  });

  test("says why there is no header", () => {
    expect(parseWalHeader(new Uint8Array(0))).toEqual({ kind: "empty" });
    expect(parseWalHeader(headerBytes().subarray(0, 31))).toEqual({ kind: "tooShort", byteCount: 31 });
    expect(parseWalHeader(new Uint8Array(32))).toEqual({ kind: "zeroes" });
    expect(parseWalHeader(new Uint8Array(32).fill(1))).toEqual({ kind: "badMagic" });
    expect(parseWalHeader(headerBytes({ pageSizeBytes: 1000 }))).toEqual({
      kind: "badPageSize",
      value: 1000,
    });
    expect(parseWalHeader(headerBytes({ pageSizeBytes: 131072 }))).toEqual({
      kind: "badPageSize",
      value: 131072,
    });
    expect(parseWalHeader(headerBytes({ version: 3008000 }))).toEqual({
      kind: "unsupportedVersion",
      version: 3008000,
    });
  });

  test("a change of any bit of the header is noticed", () => {
    fc.assert(
      fc.property(fc.nat(walHeaderBytes * 8 - 1), fc.boolean(), (bit, bigEndian) => {
        const bytes = headerBytes({ bigEndian });
        bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(parseWalHeader(bytes).kind).not.toBe("header");
      }),
    );
  });

  test("no bytes make it throw", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        expect(parseWalHeader(bytes).kind).toBeString();
      }),
    );
  });
});
