import { expect, test } from "bun:test";
import { parseWalFrameHeader, walFrameOffsetBytes } from "../../../src/format/walFrame.ts";

test("reads every field of a frame header", () => {
  const bytes = Uint8Array.fromHex(
    "00000002" + "80000001" + "fedcba98" + "12345678" + "deadbeef" + "0badf00d",
  );
  expect(parseWalFrameHeader(bytes)).toEqual({
    kind: "frame",
    frame: {
      pageNumber: 2,
      commitPageCount: 0x80000001,
      salt1: 0xfedcba98,
      salt2: 0x12345678,
      checksum1: 0xdeadbeef,
      checksum2: 0x0badf00d,
    },
  });
});

test("a frame header that is cut short is none", () => {
  expect(parseWalFrameHeader(new Uint8Array(23))).toEqual({ kind: "tooShort", byteCount: 23 });
  expect(parseWalFrameHeader(new Uint8Array(0))).toEqual({ kind: "tooShort", byteCount: 0 });
});

test("frames follow the 32 bytes of the header, each 24 bytes longer than a page", () => {
  expect(walFrameOffsetBytes(1, 4096)).toBe(32);
  expect(walFrameOffsetBytes(3, 4096)).toBe(32 + 2 * 4120);
  expect(walFrameOffsetBytes(1_000_001, 65536)).toBe(32 + 1_000_000 * 65560);
});
