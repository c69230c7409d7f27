import { describe, expect, test } from "bun:test";
import type { WalHeader } from "../../../src/format/walHeader.ts";
import { walResetCount } from "../../../src/policy/walResets.ts";

const header = (checkpointSequence: number, salt1: number, salt2: number): WalHeader => ({
  bigEndianChecksums: false,
  pageSizeBytes: 4096,
  checkpointSequence,
  salt1,
  salt2,
});

describe("resets between two looks at a WAL", () => {
  test("the same salts are the same WAL", () => {
    expect(walResetCount(header(3, 100, 7), header(3, 100, 7))).toBe(0);
  });

  test("resets that fell between two looks are counted by the checkpoint sequence", () => {
    expect(walResetCount(header(3, 100, 7), header(8, 105, 9))).toBe(5);
  });

  test("the sequence and salt-1 go on past 2^32", () => {
    expect(walResetCount(header(0xffffffff, 0xfffffffe, 7), header(1, 0, 9))).toBe(2);
  });

  test("a WAL that was deleted and made anew counts once, whatever its sequence says", () => {
    expect(walResetCount(header(40, 100, 7), header(0, 0x9abcdef0, 9))).toBe(1);
    expect(walResetCount(header(4, 100, 7), header(9, 0x9abcdef0, 9))).toBe(1);
  });
});
