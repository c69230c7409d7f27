/** The ledger's file: what was written is read again, and nothing that stands in it can throw. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { LedgerEntry } from "../../../src/domain/ledger.ts";
import { ledgerLine, ledgerText, parseLedger } from "../../../src/policy/ledgerFile.ts";
import { entry, noted } from "./ledgerBuilders.ts";

const refusedWal = {
  walSalts: "5 6",
  evidence: "it goes with another file",
  ownerIdentity: "1:10",
  ownerHeaderHex: "ab".repeat(100),
  walInode: "11",
  databaseMark: null,
};
const fsyncError = {
  file: "wal",
  code: "EIO",
  atMs: 1_700_000_000_000,
  walIdentity: "5 6",
  databaseIdentity: "1:10",
} as const;
const entries: readonly LedgerEntry[] = [
  entry({ path: '/data/with "quotes" and ä.db', restoreWindowEndsAtMs: 1_800_000_000_000 }),
  entry({ header: null, wal: null, databaseExposed: null, bootId: null }),
  entry({ fsyncError }),
  entry({ refusedWal, walFile: "11/4152/1.5/-", headerFrame: null }),
  entry({
    refusedWal: {
      ...refusedWal,
      ownerIdentity: null,
      ownerHeaderHex: null,
      walInode: null,
      databaseMark: "1:2/3/4",
    },
  }),
  entry({ fsyncError: { ...fsyncError, file: "database", walIdentity: null, databaseIdentity: null } }),
  entry({
    wal: noted({
      seenCommitCount: null,
      seenFrameChecksum: null,
      provenCommitCount: null,
      provenFrameChecksum: null,
    }),
  }),
];
const text = ledgerText(entries.map(ledgerLine));

function changed(change: object): string {
  return JSON.stringify({ ...JSON.parse(text), ...change });
}

function withEntry(change: object): string {
  return changed({ databases: [{ ...entry(), ...change }] });
}

describe("the ledger's file", () => {
  test("is read as it was written", () => {
    expect(parseLedger(text)).toEqual({ kind: "ledger", entries });
    expect(parseLedger(ledgerText([]))).toEqual({ kind: "ledger", entries: [] });
  });

  test("of an earlier version, which noted no failed syncs, is read as one without any", () => {
    const { fsyncError: _none, ...earlier } = entry();
    const reading = parseLedger(changed({ databases: [earlier] }));
    expect(reading).toEqual({ kind: "ledger", entries: [entry()] });
  });

  test("of an earlier version, which noted no time of the last write, is read as one without any", () => {
    const { databaseModifiedAtMs: _none, ...earlier } = entry();
    const reading = parseLedger(changed({ databases: [earlier] }));
    expect(reading).toEqual({ kind: "ledger", entries: [entry({ databaseModifiedAtMs: null })] });
    // Of before 1970, as some file systems give it.
    const old = entry({ databaseModifiedAtMs: -1_500.75 });
    expect(parseLedger(ledgerText([ledgerLine(old)]))).toEqual({ kind: "ledger", entries: [old] });
  });

  test("has a line for each database", () => {
    expect(text.trimEnd().split("\n")).toHaveLength(entries.length + 2);
  });

  test.each([
    ["", "no JSON"],
    [text.slice(0, -20), "no JSON"],
    ["\0".repeat(4096), "no JSON"],
    ["[]", "no object"],
    [changed({ format: "another" }), "no ledger"],
    [changed({ version: 2 }), "version is 2"],
    [changed({ databases: {} }), "no list"],
    [changed({ databases: [7] }), "database 0: no object"],
    [withEntry({ path: "" }), "path: not a text"],
    [withEntry({ inode: "ten" }), "inode: not a number in digits"],
    [text.replace('"databaseBytes":40960', '"databaseBytes":-0'), "databaseBytes: not a whole number"],
    [withEntry({ databaseBytes: -1 }), "databaseBytes: not a whole number"],
    [withEntry({ databaseModifiedAtMs: "now" }), "databaseModifiedAtMs: not a time"],
    [
      text.replace(/"databaseModifiedAtMs":[^,]*/, '"databaseModifiedAtMs":1e999'),
      "databaseModifiedAtMs: not a time",
    ],
    [withEntry({ databaseExposed: 1 }), "databaseExposed: not true or false"],
    [withEntry({ wal: noted({ salt1: 2 ** 32 }) }), "salt1: not a number of 32 bits"],
    [withEntry({ wal: noted({ seenFrameChecksum: "xyz" }) }), "8 bytes in hexadecimal"],
    [withEntry({ wal: noted({ provenFrame: 101 }) }), "beyond seenFrame"],
    [withEntry({ fsyncError: { ...fsyncError, file: "shm" } }), "file: not wal or database"],
    [withEntry({ fsyncError: { ...fsyncError, walIdentity: "5" } }), "walIdentity: not two numbers"],
    [withEntry({ refusedWal: { ...refusedWal, walSalts: "5" } }), "walSalts: not two numbers"],
    [withEntry({ refusedWal: { ...refusedWal, ownerHeaderHex: "00" } }), "ownerHeaderHex: not 100 bytes"],
    [withEntry({ fsyncError: { ...fsyncError, databaseIdentity: 7 } }), "databaseIdentity: not a text"],
    [withEntry({ header: {} }), "changeCounter: not a whole number"],
  ])("is not believed in part: %#", (broken, reason) => {
    const reading = parseLedger(broken);
    expect(reading).toMatchObject({ kind: "unreadable" });
    expect(reading.kind === "unreadable" && reading.reason).toContain(reason);
  });

  test("never throws, whatever stands in it", () => {
    fc.assert(
      fc.property(fc.nat(text.length), fc.nat(text.length), fc.string(), (from, count, put) => {
        const mutated = text.slice(0, from) + put + text.slice(from + count);
        expect(["ledger", "unreadable"]).toContain(parseLedger(mutated).kind);
      }),
      { seed: 3, numRuns: 5_000 },
    );
    fc.assert(
      fc.property(fc.json(), (json) => {
        expect(parseLedger(json).kind).toBe("unreadable");
      }),
      { seed: 3, numRuns: 1_000 },
    );
  });
});
