/**
 * Frames behind the end of a WAL, made by real SQLite in each of the ways that format/walRemains.ts reasons out: what was
 * lost is told as lost, and nothing that was never committed.
 */
import { constants, Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { WalScan } from "../../../src/format/walScan.ts";
import { walEnding } from "../../../src/policy/walEnding.ts";
import { scanWal } from "../../support/scanWal.ts";
import { makeTempDirectory, type TempDirectory } from "../../support/tempDirectory.ts";
import { resummed } from "../../support/walBytes.ts";
import { layOut, recoverWithSqlite } from "./realWal.ts";

const frameBytes = 24 + 4096;
const frameStart = (frame: number): number => 32 + (frame - 1) * frameBytes;

/** Each value is a page of its own or more, so that every commit writes several frames. */
const valueBytes = 6_000;

interface Files {
  readonly database: Uint8Array;
  readonly wal: Uint8Array;
}

function open(path: string): Database {
  const database = new Database(path);
  database.fileControl(constants.SQLITE_FCNTL_PERSIST_WAL, 1);
  database.exec("PRAGMA page_size = 4096; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0");
  database.exec("PRAGMA synchronous = OFF; PRAGMA cache_size = 5");
  database.exec("CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, value BLOB)");
  return database;
}

function insert(database: Database, count = 1, bytes = valueBytes): void {
  for (let turn = 0; turn < count; turn += 1)
    database.exec(`INSERT INTO t(value) VALUES (randomblob(${bytes}))`);
}

function copyOf(path: string): Files {
  // A Buffer's slice() would be the same bytes.
  return { database: new Uint8Array(readFileSync(path)), wal: new Uint8Array(readFileSync(`${path}-wal`)) };
}

/** The table in one commit, and so many rows in as many more. */
function commits(directory: TempDirectory, count: number): Files {
  const path = directory.file("made.db");
  const database = open(path);
  insert(database, count);
  const files = copyOf(path);
  database.close();
  return files;
}

function withByte(wal: Uint8Array, offset: number): Uint8Array {
  const copy = wal.slice();
  copy[offset] = (copy[offset] ?? 0) ^ 0xff;
  return copy;
}

function overlaid(longer: Uint8Array, shorter: Uint8Array): Uint8Array {
  const merged = longer.slice();
  merged.set(shorter);
  return merged;
}

function endingOf(scan: WalScan, indexMxFrame: number | null = null) {
  return walEnding(scan, { isQuiet: true, indexMxFrame });
}

/** The commits behind each frame, by the frames' own marks. */
function commitFramesFrom(wal: Uint8Array, frame: number): number {
  const view = new DataView(wal.buffer, wal.byteOffset, wal.byteLength);
  let count = 0;
  for (let offset = frameStart(frame); offset + frameBytes <= wal.byteLength; offset += frameBytes)
    if (view.getUint32(offset + 4) > 0) count += 1;
  return count;
}

describe("commits that were published and stand behind a frame that does not hold", () => {
  const faults: readonly (readonly [string, (wal: Uint8Array, frame: number) => Uint8Array])[] = [
    ["a byte of its page", (wal, frame) => withByte(wal, frameStart(frame) + 2_000)],
    ["its checksum", (wal, frame) => withByte(wal, frameStart(frame) + 18)],
    ["its salts", (wal, frame) => withByte(wal, frameStart(frame) + 9)],
    ["its commit mark", (wal, frame) => withByte(wal, frameStart(frame) + 7)],
    [
      "all of it, as a power cut leaves it that kept later pages only",
      (wal, frame) => wal.slice().fill(0, frameStart(frame), frameStart(frame + 1)),
    ],
  ];

  test.each([...faults])("are counted, never too many, whatever changed: %s", (_what, change) => {
    using directory = makeTempDirectory();
    const { database, wal } = commits(directory, 20);
    const all = scanWal(wal);
    expect(all.remains).toEqual({ frameCount: 0, commitFrameCount: 0, publishedCommitCount: 0 });
    for (let frame = 1; frame < all.mxFrame - 4; frame += 3) {
      const damaged = change(wal, frame);
      const scan = scanWal(damaged);
      const ending = endingOf(scan);
      if (ending.kind !== "damaged") throw new Error(`frame ${frame}: ${ending.kind}: ${ending.text}`);
      expect(ending.frame).toBe(frame);
      const lostCommitCount = all.commitCount - scan.commitCount;
      // The last one's acknowledgement is not proven by what is in the file, nor that of the changed frame.
      expect(ending.droppedCommitCountMin ?? 0).toBeLessThanOrEqual(lostCommitCount);
      expect(ending.droppedCommitCountMin ?? 0).toBeGreaterThanOrEqual(lostCommitCount - 2);
      expect(recoverWithSqlite(directory.file("copy.db"), database, damaged).mxFrame).toBe(scan.mxFrame);
    }
  });

  test("in a round whose hole shows frames of the round before, too", () => {
    using directory = makeTempDirectory();
    const path = directory.file("made.db");
    const writer = open(path);
    insert(writer, 20);
    const { wal: before } = copyOf(path);
    writer.exec("PRAGMA wal_checkpoint(RESTART)");
    insert(writer, 10);
    const { wal } = copyOf(path);
    writer.close();
    expect(endingOf(scanWal(wal)).kind).toBe("whole");
    const hole = wal.slice();
    hole.set(before.subarray(frameStart(6), frameStart(8)), frameStart(6));
    const scan = scanWal(hole);
    expect(scan.stop).toMatchObject({ reason: "saltMismatch", frame: 6 });
    expect(endingOf(scan)).toMatchObject({ kind: "damaged", frame: 6 });
    expect(scan.remains?.publishedCommitCount).toBe(
      commitFramesFrom(wal.slice(0, frameStart(scanWal(wal).mxFrame + 1)), 8) - 1,
    );
  });

  test("that an earlier recovery dropped already are no damage where the WAL-index ends there too", () => {
    using directory = makeTempDirectory();
    const { database, wal } = commits(directory, 20);
    const damaged = withByte(wal, frameStart(30) + 100);
    const path = directory.file("again.db");
    layOut(path, database, damaged);
    const writer = open(path);
    insert(writer, 1, 10);
    const after = copyOf(path);
    writer.close();
    const scan = scanWal(after.wal);
    expect(scan.stop.reason).toBe("checksumMismatch");
    expect(scan.remains?.publishedCommitCount ?? 0).toBeGreaterThan(3);
    expect(endingOf(scan, scan.mxFrame).kind).toBe("whole");
    expect(endingOf(scan, scan.mxFrame).text).toContain("an earlier recovery dropped");
    expect(endingOf(scan)).toMatchObject({
      causes: expect.stringContaining("one before an earlier recovery"),
    });
  });

  test("a leftover WAL-index of the same round tells of the very last commit", () => {
    using directory = makeTempDirectory();
    const { wal } = commits(directory, 5);
    const { mxFrame } = scanWal(wal);
    const scan = scanWal(withByte(wal, frameStart(mxFrame) + 50));
    expect(endingOf(scan)).toMatchObject({ kind: "torn" });
    expect(endingOf(scan, mxFrame)).toMatchObject({ kind: "damaged", droppedCommitCountMin: 1 });
  });
});

describe("what was never committed is not told as damage", () => {
  test("frames of the round before", () => {
    using directory = makeTempDirectory();
    const path = directory.file("made.db");
    const writer = open(path);
    insert(writer, 20);
    for (let round = 0; round < 3; round += 1) {
      writer.exec("PRAGMA wal_checkpoint(RESTART)");
      insert(writer, 4 - round);
      const scan = scanWal(copyOf(path).wal);
      expect(scan.remains?.frameCount).toBe(0);
      expect(endingOf(scan)).toMatchObject({ kind: "whole" });
    }
    writer.close();
  });

  test("a transaction that spilled and was rolled back, with a shorter one over its beginning", () => {
    using directory = makeTempDirectory();
    const path = directory.file("made.db");
    const writer = open(path);
    insert(writer, 3);
    writer.exec("BEGIN");
    insert(writer, 40);
    writer.exec("ROLLBACK");
    insert(writer, 1, 10);
    const scan = scanWal(copyOf(path).wal);
    writer.close();
    expect(scan.stop.reason).toBe("checksumMismatch");
    expect(scan.remains?.frameCount ?? 0).toBeGreaterThan(10);
    expect(scan.remains?.commitFrameCount).toBe(0);
    expect(endingOf(scan)).toMatchObject({ kind: "whole" });
    expect(endingOf(scan).text).toContain("rolled back or cut off");
  });

  test("a savepoint that spilled and was rolled back, in a transaction that was committed", () => {
    using directory = makeTempDirectory();
    const path = directory.file("made.db");
    const writer = open(path);
    insert(writer, 3);
    // Frames of the transaction itself are written over in place too, and summed again at its end.
    writer.exec("BEGIN");
    insert(writer, 20);
    writer.exec("SAVEPOINT s");
    insert(writer, 60);
    writer.exec("UPDATE t SET value = randomblob(5000) WHERE id % 3 = 0");
    writer.exec("ROLLBACK TO s; RELEASE s; UPDATE t SET value = randomblob(10) WHERE id < 9; COMMIT");
    insert(writer, 1, 10);
    const scan = scanWal(copyOf(path).wal);
    writer.close();
    expect(scan.remains?.frameCount ?? 0).toBeGreaterThan(10);
    expect(scan.remains?.commitFrameCount).toBe(0);
    expect(endingOf(scan)).toMatchObject({ kind: "whole" });
  });

  test("commits that were written and never published, each with a shorter one over its beginning", () => {
    using directory = makeTempDirectory();
    const { database, wal } = commits(directory, 5);
    // Both go on from the same commit in the same round, as after a kill between write and publication.
    const ends = [60, 30, 1].map((rowCount, index) => {
      const path = directory.file(`end${index}.db`);
      layOut(path, database, wal);
      const writer = open(path);
      writer.exec("BEGIN");
      insert(writer, rowCount);
      writer.exec("COMMIT");
      const files = copyOf(path);
      writer.close();
      return files.wal;
    });
    const [longest = wal, longer = wal, shorter = wal] = ends;
    const scan = scanWal(overlaid(overlaid(longest, longer), shorter));
    expect(scan.mxFrame).toBe(scanWal(shorter).mxFrame);
    expect(scan.remains).toMatchObject({ commitFrameCount: 2, publishedCommitCount: 0 });
    expect(endingOf(scan)).toMatchObject({ kind: "whole" });
    expect(endingOf(scan).text).toContain("not proven");
  });

  test("copies of a commit frame that pad a sector count as one commit with it", () => {
    using directory = makeTempDirectory();
    const { wal } = commits(directory, 5);
    const { mxFrame } = scanWal(wal);
    const padded = new Uint8Array(wal.byteLength + 2 * frameBytes);
    padded.set(wal);
    const last = wal.slice(frameStart(mxFrame), frameStart(mxFrame + 1));
    padded.set(last, frameStart(mxFrame + 1));
    padded.set(last, frameStart(mxFrame + 2));
    const bytes = resummed(padded, false, mxFrame + 2);
    expect(scanWal(bytes).validFrameCount).toBe(mxFrame + 2);
    // The frame before the commit frame does not hold: the commit and its copies stand behind it.
    const scan = scanWal(withByte(bytes, frameStart(mxFrame - 1) + 300));
    expect(scan.remains).toMatchObject({ commitFrameCount: 3, publishedCommitCount: 0 });
  });
});

test("a later round than that of the header, as a copy of a live file or a lost header leaves it, is damage", () => {
  using directory = makeTempDirectory();
  const path = directory.file("made.db");
  const writer = open(path);
  insert(writer, 10);
  const { wal: before } = copyOf(path);
  writer.exec("PRAGMA wal_checkpoint(RESTART)");
  insert(writer, 4);
  const { wal } = copyOf(path);
  writer.close();
  const mixed = wal.slice();
  mixed.set(before.subarray(0, 32));
  const ending = endingOf(scanWal(mixed));
  expect(ending).toMatchObject({ kind: "damaged", frame: 1, droppedCommitCountMin: null });
  expect(ending.text).toContain("a later round");
});
