import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  type JournalHeader,
  journalHeaderBytes,
  journalPartAt,
  journalTailBytes,
  parseJournalHeader,
  parseSuperJournalName,
} from "../../../src/format/rollbackJournal.ts";

const magic = Uint8Array.fromHex("d9d505f920a163d7");

function header(change: {
  recordCount?: number;
  pageCount?: number;
  sectorBytes?: number;
  pageSizeBytes?: number;
}): Uint8Array {
  const bytes = new Uint8Array(journalHeaderBytes);
  const view = new DataView(bytes.buffer);
  bytes.set(magic);
  view.setUint32(8, change.recordCount ?? 3);
  view.setUint32(12, 0xcafe);
  view.setUint32(16, change.pageCount ?? 40);
  view.setUint32(20, change.sectorBytes ?? 512);
  view.setUint32(24, change.pageSizeBytes ?? 1024);
  return bytes;
}

function superJournal(name: string): Uint8Array {
  const nameBytes = Buffer.from(name);
  const bytes = new Uint8Array(4 + nameBytes.length + 16);
  const view = new DataView(bytes.buffer);
  bytes.set(nameBytes, 4);
  view.setUint32(4 + nameBytes.length, nameBytes.length);
  view.setInt32(
    8 + nameBytes.length,
    [...new Int8Array(nameBytes)].reduce((sum, byte) => sum + byte, 0),
  );
  bytes.set(magic, 12 + nameBytes.length);
  return bytes;
}

describe("parseJournalHeader", () => {
  test("reads every field", () => {
    expect(parseJournalHeader(header({}), 10_000)).toEqual({
      kind: "header",
      header: { announcedRecordCount: 3, initialPageCount: 40, sectorBytes: 512, pageSizeBytes: 1024 },
    });
  });

  test("a journal that was written without syncing goes on to the end of the file", () => {
    expect(parseJournalHeader(header({ recordCount: 0xffffffff }), 10_000)).toMatchObject({
      header: { announcedRecordCount: null },
    });
  });

  test("a journal from before 3.5.8 does not say its page size", () => {
    expect(parseJournalHeader(header({ pageSizeBytes: 0 }), 10_000)).toMatchObject({
      header: { pageSizeBytes: null },
    });
  });

  test("says why there is nothing to roll back", () => {
    expect(parseJournalHeader(new Uint8Array(0), 0)).toEqual({ kind: "empty" });
    expect(parseJournalHeader(new Uint8Array(28), 9000)).toEqual({ kind: "zeroed" });
    expect(parseJournalHeader(new Uint8Array(1), 1)).toEqual({ kind: "zeroed" });
    expect(parseJournalHeader(header({}).subarray(0, 27), 27)).toEqual({ kind: "tooShort", byteCount: 27 });
    expect(parseJournalHeader(header({}), 511)).toEqual({ kind: "tooShort", byteCount: 511 });
    expect(parseJournalHeader(new Uint8Array(28).fill(1), 9000)).toEqual({ kind: "badMagic" });
    expect(parseJournalHeader(header({ sectorBytes: 16 }), 9000)).toEqual({
      kind: "badSectorSize",
      value: 16,
    });
    expect(parseJournalHeader(header({ sectorBytes: 0x80000000 }), 9000)).toMatchObject({
      kind: "badSectorSize",
    });
    expect(parseJournalHeader(header({ pageSizeBytes: 1000 }), 9000)).toEqual({
      kind: "badPageSize",
      value: 1000,
    });
  });
});

describe("journalPartAt", () => {
  const first: JournalHeader = {
    announcedRecordCount: 3,
    initialPageCount: 40,
    sectorBytes: 512,
    pageSizeBytes: 1024,
  };
  const records3Bytes = 3 * (1024 + 8);
  /** 512 + 3096 = 3608, which the sector size rounds up. */
  const secondOffset = 4096;

  test("the next part begins at the sector behind the records", () => {
    expect(journalPartAt(header({}), 0, 100_000, first, 1024)).toEqual({
      recordCount: 3,
      nextOffsetBytes: secondOffset,
    });
  });

  test("nothing follows where the file has no room for another header", () => {
    const end = 512 + records3Bytes;
    expect(journalPartAt(header({}), 0, end, first, 1024)).toEqual({ recordCount: 3, nextOffsetBytes: null });
    expect(journalPartAt(header({}), 0, secondOffset + 511, first, 1024)?.nextOffsetBytes).toBeNull();
    expect(journalPartAt(header({}), 0, secondOffset + 512, first, 1024)?.nextOffsetBytes).toBe(secondOffset);
  });

  test("records that the file does not hold are not counted", () => {
    expect(journalPartAt(header({}), 0, 512 + records3Bytes - 1, first, 1024)).toEqual({
      recordCount: 2,
      nextOffsetBytes: null,
    });
    const unsynced = header({ recordCount: 0xffffffff });
    expect(journalPartAt(unsynced, 0, 512 + 10 * 1032 + 5, first, 1024)).toEqual({
      recordCount: 10,
      nextOffsetBytes: null,
    });
  });

  test("what is no header ends the journal", () => {
    expect(journalPartAt(new Uint8Array(28), secondOffset, 100_000, first, 1024)).toBeNull();
    expect(journalPartAt(header({}).subarray(0, 20), secondOffset, 100_000, first, 1024)).toBeNull();
    expect(journalPartAt(header({}), secondOffset, secondOffset + 100, first, 1024)).toBeNull();
  });
});

describe("parseSuperJournalName", () => {
  test("reads the name at the end, whatever it consists of", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 }).filter((name) => !name.includes("\0")),
        fc.uint8Array({ maxLength: 600 }),
        (name, before) => {
          const file = new Uint8Array(Buffer.concat([before, superJournal(name)]));
          expect(parseSuperJournalName(file.subarray(-journalTailBytes))).toBe(name);
        },
      ),
    );
  });

  test("a name that begins with a byte order mark keeps it: another path is another file", () => {
    expect(parseSuperJournalName(superJournal("\ufeffkv.db-mj1"))).toBe("\ufeffkv.db-mj1");
  });

  test("a name whose sum, length or magic does not hold is none", () => {
    const good = superJournal("/data/kv.db-mj1A2B3C4D5");
    expect(parseSuperJournalName(good)).toBe("/data/kv.db-mj1A2B3C4D5");
    for (const offsetFromEnd of [1, 8, 9, 12, 13, 16, 17, 30]) {
      const bad = good.slice();
      bad[bad.length - offsetFromEnd] = (bad[bad.length - offsetFromEnd] ?? 0) ^ 0x11;
      expect(parseSuperJournalName(bad)).toBeNull();
    }
  });

  test("a name longer than SQLite reads is none, and so is a file too short for one", () => {
    expect(parseSuperJournalName(superJournal(`/${"x".repeat(511)}`))).toHaveLength(512);
    expect(parseSuperJournalName(superJournal(`/${"x".repeat(512)}`))).toBeNull();
    expect(parseSuperJournalName(magic)).toBeNull();
    expect(parseSuperJournalName(new Uint8Array(0))).toBeNull();
  });
});
