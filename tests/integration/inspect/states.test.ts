/** What an inspection tells of databases as they really lie there, held against what SQLite then makes of them. */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { copyFileSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { whyExposureUnmeasured } from "../../support/fileSystem.ts";
import { startLitestreamStandIn } from "../../support/litestreamStandIn.ts";
import { requireTool, testName } from "../../support/requirements.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { verifyRows } from "../../support/verifyRows.ts";
import { startBunWriter } from "../../support/writers/startBunWriter.ts";
import {
  dataPath,
  makeDatabase,
  makeDatabaseWithResidue,
  startWatching,
  stateDirectory,
  testTimeoutMs,
  waitUntilReady,
} from "../daemon/watched.ts";
import { inspect, inspectDatabase, inspectWal } from "./inspectCommand.ts";

const toolSkip = requireTool("sqlite3");
/** Without it the daemon proves no commit. */
const unmeasured = whyExposureUnmeasured();

/** The files as they are at this moment, as a crash would leave them. */
function copyAsAfterCrash(from: string, to: string): void {
  for (const suffix of ["", "-wal"]) copyFileSync(from + suffix, to + suffix);
}

describe("left behind by a crash", () => {
  test.concurrent(
    "as many commits are told as SQLite then recovers, and what is torn is not counted",
    async () => {
      using directory = makeTempDirectory();
      const path = dataPath(directory, "kv.db");
      const crashed = dataPath(directory, "crashed.db");
      await using writer = await startBunWriter({ path, rowCount: 40, autocheckpoint: 0 });
      await writer.waitForRows(40);
      copyAsAfterCrash(path, crashed);
      // Half of the last frame is gone.
      truncateSync(`${crashed}-wal`, statSync(`${crashed}-wal`).size - 2_000);
      const { wal, residue, lineage, verdict, remarks } = await inspectDatabase(crashed);
      expect(wal).toMatchObject({ by: "scan", endsTorn: true, backfilledFrameCount: null });
      expect(residue?.left).toContain("that nobody is connected to");
      expect(lineage.kind).not.toBe("another");
      expect(verdict).toBe("fine");
      expect(remarks.map(({ text }) => text).join("\n")).toContain("the WAL ends torn");
      const { rows } = await verifyRows(crashed);
      // One commit made the table, each other one a row.
      expect(rows.size).toBe((wal?.commitCount ?? 0) - 1);
      expect(rows.size).toBe(39);
    },
    testTimeoutMs,
  );

  test.concurrent(
    "asked by the name of its -wal the answer is the same",
    async () => {
      using directory = makeTempDirectory();
      const path = dataPath(directory, "kv.db");
      makeDatabaseWithResidue(path);
      const byDatabase = await inspectDatabase(path);
      const byWal = await inspectDatabase(`${path}-wal`);
      expect(byWal.resolvedPath).toBe(path);
      expect(byWal.wal).toEqual(byDatabase.wal);
    },
    testTimeoutMs,
  );

  test.concurrent(
    "a restore by cp over a database whose WAL stayed is wrong, and the way out is said",
    async () => {
      using directory = makeTempDirectory();
      const path = dataPath(directory, "kv.db");
      const backup = directory.file("backup.db");
      makeDatabase(path);
      copyFileSync(path, backup);
      await using writer = await startBunWriter({ path, firstRow: 1_000, autocheckpoint: 20, rowCount: 300 });
      await writer.waitForRows(300);
      await writer.kill();
      rmSync(`${path}-shm`, { force: true });
      copyFileSync(backup, path);
      const { exitCode, verdict, lineage, guards } = await inspectDatabase(path);
      expect({ exitCode, verdict }).toEqual({ exitCode: 1, verdict: "wrong" });
      expect(lineage.kind).toBe("another");
      expect(guards).toMatchObject([{ guard: "wal_of_another_file", verdict: "refuse" }]);
      expect((await inspect([path])).stdout).toMatch(/^wrong: wal_of_another_file: .*-shm away/m);
    },
    testTimeoutMs,
  );

  test.concurrent(
    "a hot rollback journal is told with what it restores, a zeroed one is cold",
    async () => {
      using directory = makeTempDirectory();
      const path = dataPath(directory, "kv.db");
      makeDatabase(path, { journalMode: "DELETE", rowCount: 200 });
      const crashed = dataPath(directory, "crashed.db");
      const database = new Database(path);
      // A small cache spills into the file within the transaction: so the journal was synced.
      database.exec("PRAGMA cache_size = 2; BEGIN; UPDATE written SET payload = randomblob(100)");
      copyFileSync(path, crashed);
      copyFileSync(`${path}-journal`, `${crashed}-journal`);
      database.exec("ROLLBACK");
      database.close(true);
      const { journal, residue, header } = await inspectDatabase(crashed);
      expect(header?.inWalMode).toBe(false);
      expect(journal).toMatchObject({ state: "hot", superJournal: null });
      expect(journal?.pageRecordCount ?? 0).toBeGreaterThan(2);
      expect(residue?.left).toContain("a rollback journal of");
      const bytes = readFileSync(`${crashed}-journal`);
      writeFileSync(`${crashed}-journal`, bytes.fill(0, 0, 28));
      expect((await inspectDatabase(crashed)).journal?.state).toBe("cold");
    },
    testTimeoutMs,
  );
});

test.concurrent.skipIf(unmeasured !== null)(
  testName(
    "beside a daemon's state directory it says what a restart would: intact, then proven commits lost",
    unmeasured,
  ),
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    const state = stateDirectory(directory);
    await using writer = await startBunWriter({ path, rowCount: 60, autocheckpoint: 0 });
    await writer.waitForRows(60);
    const noLedger = await inspect([path, "--state-directory", state]);
    expect(noLedger.stdout).toMatch(/^ledger +there is none$/m);
    await using daemon = await startWatching(directory, {
      databases: [{ name: "kv", path, mode: "observe" }],
    });
    await waitUntilReady(daemon, "kv");
    await daemon.stop();
    await writer.kill();
    rmSync(`${path}-shm`, { force: true });
    const intact = await inspect([path, "--state-directory", state]);
    expect(intact.stdout).toMatch(/^ledger +intact, noted .*, 6\d frames seen and 6\d proven$/m);
    expect(intact.exitCode).toBe(0);
    truncateSync(`${path}-wal`, 32 + 20 * (24 + 4096));
    const lost = await inspect([path, "--state-directory", state]);
    expect(lost.stdout).toMatch(/^wrong: by the ledger .*: proven-lost: /m);
    expect(lost.exitCode).toBe(1);
  },
  testTimeoutMs,
);

test.concurrent.skipIf(unmeasured !== null)(
  testName("what is dirty in a large WAL that nobody is connected to is told up to its end", unmeasured),
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    await using writer = await startBunWriter({
      path,
      synchronous: "OFF",
      autocheckpoint: 0,
      rowBytes: 1_000_000,
      rowCount: 60,
    });
    await writer.waitForRows(60);
    await writer.kill();
    const { wal, exposure } = await inspectDatabase(path);
    if (exposure.kind !== "exposed") throw new Error(`${exposure.kind}: ${exposure.reason}`);
    // The kernel may have begun to write; the tail is the last that it comes to.
    expect(wal?.commitCount ?? 0).toBeGreaterThanOrEqual(60);
    expect(exposure.dirtyBytes ?? 0).toBeGreaterThan(40_000_000);
    if (exposure.fromFrame === 1) expect(exposure.commitCount).toBe(wal?.commitCount ?? 0);
  },
  testTimeoutMs,
);

describe("a WAL alone", () => {
  test.concurrent(
    "is told by a scan, whatever it is called, with a warning about its use",
    async () => {
      using directory = makeTempDirectory();
      const path = dataPath(directory, "kv.db");
      makeDatabaseWithResidue(path);
      const { wal: beside } = await inspectDatabase(path);
      for (const name of ["evidence.bin", "gone.db-wal"]) {
        const lone = directory.file(name);
        copyFileSync(`${path}-wal`, lone);
        const { exitCode, wal, remarks } = await inspectWal(lone);
        expect(exitCode).toBe(0);
        expect(wal).toMatchObject({ by: "scan", path: lone, salts: beside?.salts ?? "" });
        expect([wal.frameCount, wal.commitCount]).toEqual([
          beside?.frameCount ?? 0,
          beside?.commitCount ?? 0,
        ]);
        expect(remarks.at(-1)?.text).toContain("beside another one it corrupts it");
      }
    },
    testTimeoutMs,
  );

  test.concurrent(
    "with a header that does not stand is wrong: recovery takes nothing of it",
    async () => {
      using directory = makeTempDirectory();
      const path = dataPath(directory, "kv.db");
      makeDatabaseWithResidue(path);
      const lone = directory.file("damaged.db-wal");
      const bytes = readFileSync(`${path}-wal`);
      bytes[20] = (bytes[20] ?? 0) ^ 0xff;
      writeFileSync(lone, bytes);
      const { exitCode, wal, remarks } = await inspectWal(lone);
      expect({ exitCode, header: wal.header }).toEqual({ exitCode: 1, header: "checksumMismatch" });
      expect(remarks[0]).toMatchObject({ severity: "wrong" });
    },
    testTimeoutMs,
  );
});

describe("live", () => {
  test.concurrent(
    "a reader that sits on a snapshot is named with its frame, and the writer beside it",
    async () => {
      using directory = makeTempDirectory();
      const path = dataPath(directory, "kv.db");
      await using writer = await startBunWriter({ path, rowCount: 10, autocheckpoint: 0 });
      await writer.waitForRows(10);
      await using reader = await startBunWriter({ path, mode: "holdReader" });
      await using second = await startBunWriter({ path, firstRow: 100, rowCount: 5, autocheckpoint: 0 });
      await second.waitForRows(5);
      const { processes, wal, remarks } = await inspectDatabase(path);
      expect(processes.connected?.map(({ pid }) => pid).sort()).toEqual(
        [writer.pid, reader.pid, second.pid].sort(),
      );
      const [reading] = processes.readers;
      expect(reading?.holder.pid).toBe(reader.pid);
      expect(reading?.frame ?? 0).toBeLessThan(wal?.frameCount ?? 0);
      expect(processes.holdingBack.map(({ pid }) => pid)).toEqual([reader.pid]);
      expect(remarks.map(({ text }) => text).join("\n")).toContain(`held back by ${reading?.holder.comm}`);
    },
    testTimeoutMs,
  );

  test.concurrent(
    "watched for longer than a moment, a pin is told with since when; one look says that it is one look",
    async () => {
      using directory = makeTempDirectory();
      const path = dataPath(directory, "kv.db");
      await using writer = await startBunWriter({ path, autocheckpoint: 0, pauseMs: 20 });
      await writer.waitForRows(10);
      await using reader = await startBunWriter({ path, mode: "holdReader" });
      await writer.waitForMoreRows(5);
      const { stdout } = await inspect([path, "--watch", "7s"]);
      expect(stdout).toMatch(
        new RegExp(`^pinned by +\\S+ \\(${reader.pid}.*at least since [5-9]s ago$`, "m"),
      );
      expect(stdout).toContain("note: the WAL is pinned: ");
      const once = await inspect([path]);
      expect(once.stdout).toContain("(by one look; --watch 30s tells more)");
      await writer.stop();
      expect(writer.errors).toEqual([]);
      expect((await inspect([path, "--watch", "5"])).exitCode).toBe(64);
    },
    testTimeoutMs,
  );

  test.concurrent.skipIf(toolSkip !== null)(
    testName("Litestream, and which SQLite each process runs, are told of", toolSkip),
    async () => {
      using directory = makeTempDirectory();
      const path = dataPath(directory, "kv.db");
      await using writer = await startBunWriter({ path, rowCount: 5 });
      await writer.waitForRows(5);
      await using litestream = await startLitestreamStandIn(directory, path);
      const { replicator, sqlite } = await inspectDatabase(path);
      expect(replicator).toMatchObject({
        name: "Litestream",
        evidence: "process",
        checkpointsLeftToIt: true,
      });
      expect(replicator?.holders.map(({ pid }) => pid)).toEqual([litestream.pid]);
      expect(sqlite.map(({ pid }) => pid).sort()).toEqual([writer.pid, litestream.pid].sort());
      const own = new Database(":memory:").query("SELECT sqlite_version() AS version").get();
      expect(sqlite.find(({ pid }) => pid === writer.pid)).toMatchObject({ ...Object(own), affected: false });
    },
    testTimeoutMs,
  );

  test.concurrent(
    "one in locking_mode=EXCLUSIVE is told of by its lock, and its WAL by a scan",
    async () => {
      using directory = makeTempDirectory();
      const path = dataPath(directory, "kv.db");
      await using writer = await startBunWriter({ path, lockingMode: "EXCLUSIVE", rowCount: 20 });
      await writer.waitForRows(20);
      const { processes, wal, walIndex, guards } = await inspectDatabase(path);
      expect(processes.exclusive?.pid).toBe(writer.pid);
      expect(walIndex).toBeNull();
      expect(wal).toMatchObject({ by: "scan" });
      expect(wal?.commitCount ?? 0).toBeGreaterThanOrEqual(20);
      expect(guards.map(({ guard }) => guard)).toContain("exclusive_lock");
    },
    testTimeoutMs,
  );

  test.concurrent(
    "an empty file is an empty database, and one at rest has nothing to remark",
    async () => {
      using directory = makeTempDirectory();
      const path = dataPath(directory, "empty.db");
      writeFileSync(path, "");
      const { exitCode, header, wal, remarks } = await inspectDatabase(path);
      expect({ exitCode, header, wal, remarks }).toEqual({
        exitCode: 0,
        header: null,
        wal: null,
        remarks: [],
      });
      const rest = dataPath(directory, "rest.db");
      makeDatabase(rest);
      const { stdout } = await inspect([rest]);
      expect(stdout).toContain(`${rest}: nothing wrong is seen\n`);
      expect(stdout).toContain("nobody has it open");
    },
    testTimeoutMs,
  );
});
