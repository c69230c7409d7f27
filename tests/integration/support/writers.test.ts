/** The writers that other tests stand on keep their own promises: an acknowledged row is a committed row. */
import { expect, test } from "bun:test";
import { readFileSync, statSync } from "node:fs";
import { requireTool, testName } from "../../support/requirements.ts";
import { slowFsyncEnvironment } from "../../support/slowFsync.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { missingRows, verifyRows } from "../../support/verifyRows.ts";
import { waitFor } from "../../support/waitFor.ts";
import { startBunWriter } from "../../support/writers/startBunWriter.ts";
import { startCliWriter } from "../../support/writers/startCliWriter.ts";

const withoutSqlite3 = requireTool("sqlite3");
const withoutGcc = requireTool("gcc");

test("a bun writer that is killed has every acknowledged row in the database", async () => {
  using directory = makeTempDirectory();
  const path = directory.file("a b?#%.db");
  await using writer = await startBunWriter({ path });
  await writer.waitForRows(50);
  await writer.kill();
  const found = await verifyRows(path);
  expect(writer.acknowledged.length).toBeGreaterThanOrEqual(50);
  expect(missingRows(writer.acknowledged, found)).toEqual([]);
  expect(found.integrityMessages).toEqual(["ok"]);
  expect(found.journalMode).toBe("wal");
});

test("a bun writer stops when told and writes the number of rows it was asked for", async () => {
  using directory = makeTempDirectory();
  const path = directory.file("kv.db");
  await using writer = await startBunWriter({ path, rowCount: 7, firstRow: 100, journalMode: "DELETE" });
  await writer.waitForRows(7);
  await writer.stop();
  const found = await verifyRows(path);
  expect([...found.rows]).toEqual([100, 101, 102, 103, 104, 105, 106]);
  expect(found.journalMode).toBe("delete");
});

test("a bun writer with busy timeout 0 reports SQLITE_BUSY while another holds the write lock", async () => {
  using directory = makeTempDirectory();
  const path = directory.file("kv.db");
  await using holder = await startBunWriter({ path, mode: "holdWriter" });
  await using writer = await startBunWriter({ path, journalMode: null }, { waitUntilReady: false });
  await waitFor("SQLITE_BUSY", () => writer.errors.some((error) => error.code.startsWith("SQLITE_BUSY")));
  await holder.release();
  await writer.waitForMoreRows(1);
});

test("unix-none takes no lock and EXCLUSIVE locks the SHARED range", async () => {
  using directory = makeTempDirectory();
  const unlocked = directory.file("none.db");
  const exclusive = directory.file("exclusive.db");
  await using none = await startBunWriter({ path: unlocked, vfs: "unix-none", lockingMode: "EXCLUSIVE" });
  await using owner = await startBunWriter({ path: exclusive, lockingMode: "EXCLUSIVE" });
  await none.waitForMoreRows(1);
  await owner.waitForMoreRows(1);
  const locks = readFileSync("/proc/locks", "utf8").split("\n");
  const locksOn = (path: string) => locks.filter((line) => line.includes(`:${statSync(path).ino} `));
  expect(locksOn(unlocked)).toEqual([]);
  expect(locksOn(exclusive).some((line) => line.includes(" WRITE "))).toBe(true);
});

test.skipIf(withoutSqlite3 !== null)(
  testName("a sqlite3 command line writer that is killed has every acknowledged row", withoutSqlite3),
  async () => {
    using directory = makeTempDirectory();
    const path = directory.file("kv.db");
    await using writer = await startCliWriter({ path });
    await writer.waitForRows(50);
    await writer.kill();
    const found = await verifyRows(path);
    expect(missingRows(writer.acknowledged, found)).toEqual([]);
    expect(found.integrityMessages).toEqual(["ok"]);
  },
);

test.skipIf(withoutSqlite3 !== null)(
  testName("a sqlite3 command line writer tells an error from a row", withoutSqlite3),
  async () => {
    using directory = makeTempDirectory();
    const path = directory.file("kv.db");
    await using holder = await startBunWriter({ path, mode: "holdWriter" });
    await using writer = await startCliWriter({ path, journalMode: null, rowCount: 1 });
    await waitFor("SQLITE_BUSY", () => writer.errors.some((error) => error.code === "SQLITE_BUSY"));
    expect(writer.acknowledged).toEqual([]);
    await holder.release();
    await writer.waitForRows(1);
    await writer.stop();
    expect([...(await verifyRows(path)).rows]).toEqual([1]);
  },
);

test.skipIf(withoutGcc !== null)(testName("the slow disk delays every sync", withoutGcc), async () => {
  using directory = makeTempDirectory();
  const environment = slowFsyncEnvironment(directory, 30);
  const startedAtMs = performance.now();
  await using writer = await startBunWriter(
    { path: directory.file("kv.db"), rowCount: 5, synchronous: "FULL" },
    { environment },
  );
  await writer.waitForRows(5);
  expect(performance.now() - startedAtMs).toBeGreaterThan(5 * 30);
});
