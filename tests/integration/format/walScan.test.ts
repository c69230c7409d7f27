/** The scan against real SQLite: the same WAL, the same recovery. */
import { describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { seededRandom } from "../../crash/seededRandom.ts";
import { requireTool, testName } from "../../support/requirements.ts";
import { scanWal } from "../../support/scanWal.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { resummed } from "../../support/walBytes.ts";
import { layOut, type RealWal, recoverWithSqlite, type WalHistory, writeRealWal } from "./realWal.ts";

const pageSizes = [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536] as const;
const endings = [
  { name: "in a new WAL", startsOver: false, endsUncommitted: false },
  { name: "with an uncommitted tail", startsOver: false, endsUncommitted: true },
  { name: "before an older generation", startsOver: true, endsUncommitted: false },
  { name: "before an uncommitted tail and an older generation", startsOver: true, endsUncommitted: true },
] as const;

/** Another at each run; printed, so that a failure can be repeated. */
const seed = Number(process.env.WALWARDEN_TEST_SEED ?? crypto.getRandomValues(new Uint32Array(1))[0]);
console.log(`tests/integration/format/walScan.test.ts: seed ${seed} (WALWARDEN_TEST_SEED)`);

function realWal(directory: string, change: Partial<WalHistory>): RealWal {
  const history = { seed, pageSizeBytes: 4096, startsOver: false, endsUncommitted: false, ...change };
  return writeRealWal(`${directory}/made-${JSON.stringify(history).replaceAll(/\W/g, "")}.db`, history);
}

describe.each([...pageSizes])("page size %d", (pageSizeBytes) => {
  test.each([...endings])("counts what the application committed, $name", (ending) => {
    using directory = makeTempDirectory();
    const { database, wal, commitCount, pageCount } = realWal(directory.path, { pageSizeBytes, ...ending });
    const scan = scanWal(wal);
    expect(scan).toMatchObject({
      header: { kind: "header", header: { pageSizeBytes, bigEndianChecksums: false } },
      commitCount,
      pageCount,
    });
    expect(scan.validFrameCount > scan.mxFrame).toBe(ending.endsUncommitted);
    expect(scan).toMatchObject(recoverWithSqlite(directory.file("copy.db"), database, wal));
  });

  test("wherever the file is cut or changed, it is taken as SQLite takes it", () => {
    using directory = makeTempDirectory();
    const random = seededRandom(seed + pageSizeBytes);
    const reasons = new Set<string>();
    for (const ending of endings) {
      const { database, wal } = realWal(directory.path, { pageSizeBytes, ...ending });
      for (let turn = 0; turn < 12; turn += 1) {
        const damaged = wal.slice(0, turn % 2 === 0 ? random.integer(33, wal.byteLength) : wal.byteLength);
        // Bytes of a frame's header as often as any others: there is where the rules are.
        const frame = random.integer(0, Math.floor((damaged.byteLength - 33) / (pageSizeBytes + 24)));
        const inFrame = turn % 3 === 0 ? random.integer(0, pageSizeBytes + 23) : random.integer(0, 23);
        const offset = 32 + frame * (pageSizeBytes + 24) + inFrame;
        if (turn % 4 !== 0 && offset < damaged.byteLength) damaged[offset] = random.integer(0, 255);
        const scan = scanWal(damaged);
        reasons.add(scan.stop.reason);
        expect({ mxFrame: scan.mxFrame, pageCount: scan.pageCount ?? 0 }).toEqual(
          recoverWithSqlite(directory.file("copy.db"), database, damaged),
        );
      }
    }
    expect(reasons.size).toBeGreaterThan(1);
  }, 30_000);

  test("checksums in the other byte order: the same frames, for the scan and for SQLite", () => {
    using directory = makeTempDirectory();
    const { database, wal } = realWal(directory.path, { pageSizeBytes, startsOver: true });
    const scan = scanWal(wal);
    const other = resummed(wal, true, scan.validFrameCount);
    const otherScan = scanWal(other);
    expect(otherScan.header).toMatchObject({ header: { bigEndianChecksums: true } });
    const { mxFrame, commitCount, pageCount, validFrameCount, pageOne, trailingBytes } = scan;
    expect(otherScan).toMatchObject({
      mxFrame,
      commitCount,
      pageCount,
      validFrameCount,
      pageOne,
      trailingBytes,
    });
    expect(recoverWithSqlite(directory.file("copy.db"), database, other)).toMatchObject({ mxFrame });
  });
});

test("a WAL that starts over shows the frames of the generation before behind its own", () => {
  using directory = makeTempDirectory();
  const { wal } = realWal(directory.path, { startsOver: true });
  const { stop, header, trailingBytes } = scanWal(wal);
  if (header.kind !== "header" || stop.reason !== "saltMismatch") throw new Error(JSON.stringify(stop));
  expect((header.header.salt1 - stop.salt1) >>> 0).toBe(1);
  expect(header.header.checkpointSequence).toBe(1);
  expect(trailingBytes).toBeGreaterThan(4096);
});

test("the database's header is carried by the WAL once a checkpoint has put it there", () => {
  using directory = makeTempDirectory();
  const { database, wal } = realWal(directory.path, {});
  layOut(directory.file("copy.db"), database, wal);
  const databaseHeader = database.subarray(0, 100);
  expect(scanWal(wal, { databaseHeader }).carriesDatabaseHeader).toBe(false);
  const pageOne = [...pagesOf(wal)].findLast(({ pageNumber }) => pageNumber === 1);
  expect(scanWal(wal, { databaseHeader: pageOne?.page.subarray(0, 100) }).carriesDatabaseHeader).toBe(true);
});

function* pagesOf(wal: Uint8Array): Generator<{ pageNumber: number; page: Uint8Array }> {
  const view = new DataView(wal.buffer, wal.byteOffset, wal.byteLength);
  for (let offset = 32; offset + 4120 <= wal.byteLength; offset += 4120)
    yield { pageNumber: view.getUint32(offset), page: wal.subarray(offset + 24, offset + 4120) };
}

const skipReason = requireTool("sqlite3");

test.skipIf(skipReason !== null)(
  testName("the sqlite3 tool of the system checkpoints as many frames as the scan counts", skipReason),
  () => {
    using directory = makeTempDirectory();
    const path = directory.file("copy.db");
    for (const bigEndian of [false, true]) {
      for (const pageSizeBytes of pageSizes) {
        const { database, wal } = realWal(directory.path, {
          pageSizeBytes,
          startsOver: bigEndian,
          endsUncommitted: true,
          seed: seed + (bigEndian ? 1 : 0),
        });
        const { mxFrame, validFrameCount, pageCount } = scanWal(wal);
        layOut(path, database, bigEndian ? resummed(wal, true, validFrameCount) : wal);
        const answer = execFileSync("sqlite3", [path, "PRAGMA wal_checkpoint; PRAGMA page_count"], {
          encoding: "utf8",
        });
        expect(answer).toBe(`0|${mxFrame}|${mxFrame}\n${pageCount}\n`);
      }
    }
  },
);
