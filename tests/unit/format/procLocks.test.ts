import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { lockCoversByte, parseProcLocks } from "../../../src/format/procLocks.ts";

describe("parseProcLocks", () => {
  test("devices become decimal, EOF becomes Infinity, the inode stays as it is", () => {
    const text =
      "1: POSIX  ADVISORY  WRITE 5329 fe:1a:18446744073709551615 120 120\n" +
      "2: FLOCK  ADVISORY  READ  1042 00:1a:77 0 EOF\n" +
      "3: OFDLCK ADVISORY  READ  -1 08:02:9 128 128\n";
    expect(parseProcLocks(text)).toEqual([
      {
        mechanism: "POSIX",
        access: "WRITE",
        pid: 5329,
        device: "254:26",
        inode: "18446744073709551615",
        firstByte: 120,
        lastByte: 120,
      },
      {
        mechanism: "FLOCK",
        access: "READ",
        pid: 1042,
        device: "0:26",
        inode: "77",
        firstByte: 0,
        lastByte: Number.POSITIVE_INFINITY,
      },
      {
        mechanism: "OFDLCK",
        access: "READ",
        pid: -1,
        device: "8:2",
        inode: "9",
        firstByte: 128,
        lastByte: 128,
      },
    ]);
  });

  test("who waits holds nothing", () => {
    const text =
      "1: POSIX  ADVISORY  WRITE 10 08:02:9 120 120\n" +
      "1: -> POSIX  ADVISORY  WRITE 11 08:02:9 120 120\n" +
      "1:   -> POSIX  ADVISORY  WRITE 12 08:02:9 120 120\n";
    expect(parseProcLocks(text).map((lock) => lock.pid)).toEqual([10]);
  });

  test("a line that is not understood is left out, the others stay", () => {
    const text =
      "1: POSIX  ADVISORY  WRITE 10 <none>:0 120 120\n" +
      "something new\n" +
      "2: LEASE  ACTIVE    UNLCK 10 08:02:9 0 EOF\n" +
      `4: POSIX  ADVISORY  WRITE ${"1".repeat(400)} 08:02:9 120 120\n` +
      `5: POSIX  ADVISORY  WRITE 10 ${"f".repeat(400)}:02:9 120 120\n` +
      `6: POSIX  ADVISORY  WRITE 10 08:${"f".repeat(30)}:9 120 120\n` +
      `7: POSIX  ADVISORY  WRITE 10 08:02:${"9".repeat(40)} 120 120\n` +
      `8: POSIX  ADVISORY  WRITE 10 08:02:9 ${"9".repeat(400)} EOF\n` +
      "3: DELEG  BREAKING  READ  11 08:02:9 0 EOF\n";
    expect(parseProcLocks(text).map((lock) => lock.mechanism)).toEqual(["DELEG"]);
  });

  test("no text makes it throw", () => {
    const fragment = fc.constantFrom(
      " ",
      "\n",
      ":",
      "1: POSIX  ADVISORY  WRITE ",
      "-> ",
      "fe:00:1",
      "EOF",
      "x",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(fragment).map((parts) => parts.join("")),
        ),
        (text) => {
          expect(parseProcLocks(text)).toBeArray();
        },
      ),
    );
  });

  test("adjacent locks that the kernel merged cover each byte", () => {
    const [merged] = parseProcLocks("1: POSIX  ADVISORY  READ 10 08:02:9 127 128\n");
    expect(merged).toBeDefined();
    if (merged === undefined) return;
    expect([126, 127, 128, 129].map((byte) => lockCoversByte(merged, byte))).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });
});
