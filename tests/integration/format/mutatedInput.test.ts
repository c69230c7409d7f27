/**
 * More than 200,000 inputs that no SQLite and no kernel would write, for every parser: each answer is one of those that
 * the parser declares, none takes long, and memory does not grow.
 */
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { parseDatabaseHeader } from "../../../src/format/databaseHeader.ts";
import {
  journalPartAt,
  journalTailBytes,
  parseJournalHeader,
  parseSuperJournalName,
} from "../../../src/format/rollbackJournal.ts";
import { parseWalFrameHeader } from "../../../src/format/walFrame.ts";
import { parseWalHeader } from "../../../src/format/walHeader.ts";
import { parseWalIndex } from "../../../src/format/walIndex.ts";
import type { WalScan } from "../../../src/format/walScan.ts";
import { type SeededRandom, seededRandom } from "../../crash/seededRandom.ts";
import { scanWal } from "../../support/scanWal.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { checksumOf, handmadeWal, resummed } from "../../support/walBytes.ts";
import { type Case, oneOf, textCases } from "./mutatedTexts.ts";
import { mutatedBytes } from "./mutations.ts";

const seed = Number(process.env.WALWARDEN_TEST_SEED ?? 20260117);
console.log(`tests/integration/format/mutatedInput.test.ts: seed ${seed} (WALWARDEN_TEST_SEED)`);

const walHeaderKinds = [
  "header",
  "empty",
  "tooShort",
  "zeroes",
  "badMagic",
  "unsupportedVersion",
  "badPageSize",
  "checksumMismatch",
];
const stopReasons = [
  "badHeader",
  "endOfFile",
  "tornFrame",
  "saltMismatch",
  "zeroPageNumber",
  "checksumMismatch",
];

/** What is wrong with a scan; null: nothing. */
function scanProblem(scan: WalScan, sizeBytes: number): string | null {
  const { header, validFrameCount, mxFrame, commitCount, pageCount, stop, trailingBytes } = scan;
  if (!walHeaderKinds.includes(header.kind)) return `header ${header.kind}`;
  if (!stopReasons.includes(stop.reason)) return `stop ${stop.reason}`;
  if (mxFrame > validFrameCount || commitCount > mxFrame) return "more committed than valid";
  if ((pageCount === null) !== (mxFrame === 0) || pageCount === 0) return "a page count without a commit";
  if (trailingBytes < 0 || trailingBytes > sizeBytes)
    return `${trailingBytes} trailing bytes of ${sizeBytes}`;
  if (stop.frame !== (header.kind === "header" ? validFrameCount + 1 : 0)) return `stop at ${stop.frame}`;
  return null;
}

function journalProblem(bytes: Uint8Array): string | null {
  const result = parseJournalHeader(bytes, bytes.byteLength);
  const name = parseSuperJournalName(bytes.subarray(Math.max(0, bytes.byteLength - journalTailBytes)));
  if (name !== null && (name === "" || name.includes("\0"))) return "a name that is none";
  if (result.kind !== "header") {
    const known = ["empty", "zeroed", "tooShort", "badMagic", "badSectorSize", "badPageSize"];
    return known.includes(result.kind) ? null : `header ${result.kind}`;
  }
  let recordCount = 0;
  for (let offset = 0; ; ) {
    const part = journalPartAt(bytes.subarray(offset), offset, bytes.byteLength, result.header, 512);
    recordCount += part?.recordCount ?? 0;
    if (recordCount > bytes.byteLength / 520) return `${recordCount} records`;
    if (part === null || part.nextOffsetBytes === null) return null;
    if (part.nextOffsetBytes <= offset) return "a part that does not go on";
    offset = part.nextOffsetBytes;
  }
}

function cases(directory: string): readonly Case[] {
  const { wal, databaseHeader } = wellFormedWal();
  const { index, journal } = realIndexAndJournal(directory);
  expect(parseDatabaseHeader(databaseHeader).kind).toBe("header");
  expect(scanWal(wal)).toMatchObject({ mxFrame: 8, commitCount: 4, stop: { reason: "saltMismatch" } });
  expect(parseWalIndex(index).kind).toBe("index");
  expect(parseJournalHeader(journal, journal.byteLength).kind).toBe("header");
  return [
    {
      name: "database header",
      inputCount: 30_000,
      run: (random) =>
        oneOf(
          parseDatabaseHeader(mutatedBytes(databaseHeader, random)).kind,
          "header",
          "empty",
          "tooShort",
          "notADatabase",
          "malformed",
        ),
    },
    {
      name: "WAL header",
      inputCount: 30_000,
      run: (random) =>
        oneOf(parseWalHeader(mutatedBytes(wal.subarray(0, 32), random)).kind, ...walHeaderKinds),
    },
    {
      name: "frame header",
      inputCount: 20_000,
      run: (random) =>
        oneOf(parseWalFrameHeader(mutatedBytes(wal.subarray(32, 56), random)).kind, "frame", "tooShort"),
    },
    {
      name: "WAL",
      inputCount: 45_000,
      run: (random) => {
        const bytes = mutatedBytes(wal, random);
        return scanProblem(
          scanWal(bytes, { databaseHeader: databaseHeader, markFrame: 3 }),
          bytes.byteLength,
        );
      },
    },
    {
      // The checksums hold, so that what they usually hide is read.
      name: "WAL with sums that hold",
      inputCount: 5_000,
      run: (random) => {
        const bytes = mutatedBytes(wal.subarray(0, 32 + 3 * 536), random);
        const whole = new Uint8Array(Math.max(bytes.byteLength, 32));
        whole.set(bytes);
        new DataView(whole.buffer).setUint32(8, 512);
        const frameCount = Math.min(3, Math.floor((whole.byteLength - 32) / 536));
        const summed = resummed(whole, random.choice(true, false), frameCount);
        return scanProblem(scanWal(summed), summed.byteLength);
      },
    },
    {
      name: "WAL-index",
      inputCount: 30_000,
      run: (random) =>
        oneOf(
          parseWalIndex(mutatedIndex(index, random)).kind,
          "index",
          "tooShort",
          "copiesDiffer",
          "checksumMismatch",
          "notInitialized",
          "unsupportedVersion",
        ),
    },
    {
      name: "rollback journal",
      inputCount: 30_000,
      run: (random) => journalProblem(mutatedBytes(journal, random)),
    },
    ...textCases(),
  ];
}

/** Twelve frames, the last four of an older generation, and the header of a database that they belong to. */
function wellFormedWal(): { wal: Uint8Array; databaseHeader: Uint8Array } {
  const pageSizeBytes = 512;
  const databaseHeader = new Uint8Array(100);
  databaseHeader.set(Buffer.from("SQLite format 3\0"));
  databaseHeader.set([2, 0, 2, 2, 0, 64, 32, 32, 0, 0, 0, 9, 0, 0, 0, 6], 16);
  databaseHeader.set([0, 0, 0, 4], 44);
  databaseHeader.set([0, 0, 0, 1], 56);
  databaseHeader.set([0, 0, 0, 9, 0, 46, 0x9b, 0x31], 92);
  const frames = Array.from({ length: 12 }, (_none, index) => {
    const page = new Uint8Array(pageSizeBytes).fill(index);
    if (index % 3 === 0) page.set(databaseHeader);
    return { pageNumber: 1 + (index % 3), commitPageCount: index % 2 === 1 ? 6 : 0, page };
  });
  const wal = handmadeWal({ pageSizeBytes, frames, salts: [0x1111, 0x2222] });
  wal.set(handmadeWal({ pageSizeBytes, frames: frames.slice(0, 8), salts: [0x1112, 0x3333] }));
  return { wal, databaseHeader };
}

/**
 * The header of a -shm that is in use, and the beginning of a journal that was synced, with a super-journal's name at
 * its end. What is random in them is made the same in every run.
 */
function realIndexAndJournal(directory: string): { index: Uint8Array; journal: Uint8Array } {
  const path = `${directory}/index.db`;
  const application = new Database(path);
  application.exec("PRAGMA journal_mode = WAL; CREATE TABLE t(a); INSERT INTO t VALUES (1)");
  const index = new Uint8Array(readFileSync(`${path}-shm`).subarray(0, 136));
  application.close();
  index.fill(7, 24, 40);
  sumIndex(index);

  const rollback = new Database(`${directory}/rollback.db`);
  rollback.exec("PRAGMA page_size = 512; PRAGMA journal_mode = DELETE; PRAGMA cache_size = 2");
  rollback.exec("CREATE TABLE t(a); INSERT INTO t VALUES (zeroblob(9000))");
  rollback.exec("BEGIN; UPDATE t SET a = zeroblob(9001); INSERT INTO t VALUES (zeroblob(20000))");
  const journal = readFileSync(`${directory}/rollback.db-journal`).subarray(0, 8192);
  rollback.exec("ROLLBACK");
  rollback.close();
  journal.fill(7, 12, 16);
  return {
    index,
    journal: new Uint8Array(Buffer.concat([journal, superJournal("/data/kv.db-mj1A2B3C4D5")])),
  };
}

/** The checksum of the first copy, and the second copy, as whoever wrote the first would have made them. */
function sumIndex(index: Uint8Array): void {
  const sums = checksumOf(index.subarray(0, 40), new Uint8Array(Uint16Array.of(1).buffer)[0] !== 1);
  index.set(new Uint8Array(Uint32Array.from(sums, Number).buffer), 40);
  index.copyWithin(48, 0, 48);
}

/** As often as not copies and checksum hold, so that what they usually hide is read. */
function mutatedIndex(index: Uint8Array, random: SeededRandom): Uint8Array {
  const bytes = mutatedBytes(index, random);
  if (bytes.byteLength === index.byteLength && random.choice(true, false)) sumIndex(bytes);
  return bytes;
}

function superJournal(name: string): Uint8Array {
  const bytes = new Uint8Array(name.length + 16);
  const view = new DataView(bytes.buffer);
  bytes.set(Buffer.from(name));
  view.setUint32(name.length, name.length);
  view.setUint32(
    name.length + 4,
    [...Buffer.from(name)].reduce((sum, byte) => sum + byte, 0),
  );
  bytes.set(Uint8Array.fromHex("d9d505f920a163d7"), name.length + 8);
  return bytes;
}

test("no input makes a parser throw, hang or keep memory, and each answer is a known one", () => {
  using directory = makeTempDirectory();
  const random = seededRandom(seed);
  const all = cases(directory.path);
  expect(all.reduce((sum, { inputCount }) => sum + inputCount, 0)).toBeGreaterThanOrEqual(200_000);
  Bun.gc(true);
  const heapBeforeBytes = process.memoryUsage().heapUsed;
  let longestMs = 0;
  for (const { name, inputCount, run } of all) {
    for (let input = 0; input < inputCount; input += 1) {
      const startedAtMs = performance.now();
      const problem = run(random);
      longestMs = Math.max(longestMs, performance.now() - startedAtMs);
      if (problem !== null) throw new Error(`${name}, input ${input} of seed ${seed}: ${problem}`);
    }
  }
  Bun.gc(true);
  const grownBytes = process.memoryUsage().heapUsed - heapBeforeBytes;
  expect(longestMs).toBeLessThan(1000);
  expect(grownBytes).toBeLessThan(32 * 2 ** 20);
}, 60_000);
