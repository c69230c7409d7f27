/** What an earlier life left: told, looked at before anything writes, recovered, and every commit is there. */
import { expect, test } from "bun:test";
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { spawnProcess } from "../../support/childProcess.ts";
import { requireTool, testName } from "../../support/requirements.ts";
import { makeTempDirectory, type TempDirectory } from "../../support/tempDirectory.ts";
import { missingRows, verifyRows } from "../../support/verifyRows.ts";
import { waitFor } from "../../support/waitFor.ts";
import { startBunWriter } from "../../support/writers/startBunWriter.ts";
import { fileBytes } from "./fileBytes.ts";
import {
  actPhrases,
  dataPath,
  makeDatabaseWithResidue,
  makeKv,
  startOnFile,
  startWatching,
  stateDirectory,
  statusOf,
  testTimeoutMs,
} from "./watched.ts";

interface Report {
  readonly found: { readonly wal: Readonly<Record<string, unknown>>; readonly journal: unknown };
  readonly recovery: unknown;
}

function reportPath(directory: TempDirectory, name: string): string {
  return join(stateDirectory(directory), "residue", `${name}.json`);
}

function readReport(directory: TempDirectory, name: string): Report {
  return JSON.parse(readFileSync(reportPath(directory, name), "utf8"));
}

/** It is written again when recovery has ended, and nobody waits for that. */
function waitForRecovery(directory: TempDirectory, name: string): Promise<Report> {
  return waitFor("the report to tell of recovery", () => {
    const report = readReport(directory, name);
    return report.recovery === null ? null : report;
  });
}

test.concurrent(
  "a writer was killed: residue, evidence before any write, recovery, check, and every row is there",
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    const writer = await startBunWriter({ path, autocheckpoint: 0 });
    await writer.waitForRows(100);
    await writer.kill();
    await using daemon = await startOnFile(directory, path, {
      KVDB_SQLITE_INTEGRITY_CHECK_ON_STARTUP: "FULL",
    });
    const ended = await daemon.waitForLog("startup ended");
    expect(ended).toMatchObject({ database: "kv", ready: true });
    expect(actPhrases(daemon, { database: "kv" })).toEqual([
      "restart verdict",
      "startup detected WAL residue",
      "evidence quick_check passed",
      "startup profile verified",
      "startup-recovery checkpoint completed",
      "startup integrity_check passed",
      "startup ended",
    ]);
    const said = await daemon.waitForLog("startup detected WAL residue");
    const recovered = await daemon.waitForLog("startup-recovery checkpoint completed");
    expect(said.commitCount).toBeGreaterThanOrEqual(100);
    expect(recovered.copiedFrameCount).toBe(said.walFrameCount);
    expect(recovered.residue).toEqual({ verdict: "agrees", remarks: [] });
    const report = await waitForRecovery(directory, "kv");
    expect(report.found.wal.committedFrameCount).toBe(said.walFrameCount);
    expect(report.recovery).toMatchObject({ verdict: "agrees", copiedFrameCount: said.walFrameCount });
    expect((await statusOf(daemon, "kv")).residueReport?.recovery?.verdict).toBe("agrees");
    expect(statSync(reportPath(directory, "kv")).mode & 0o777).toBe(0o600);
    const metrics = await daemon.metrics();
    expect(metrics.value("sqlite_startup_recoveries_total")).toBe(1);
    expect(metrics.value("sqlite_startup_recovered_frames")).toBeGreaterThanOrEqual(100);
    expect(await daemon.stop()).toBe(0);
    const found = await verifyRows(path);
    expect(found.integrityMessages).toEqual(["ok"]);
    expect(missingRows(writer.acknowledged, found)).toEqual([]);
  },
  testTimeoutMs,
);

const sqlite3Skip = requireTool("sqlite3");

test.concurrent.skipIf(sqlite3Skip !== null)(
  testName("a hot rollback journal: told, rolled back by SQLite, and the transaction never was", sqlite3Skip),
  async () => {
    using directory = makeTempDirectory();
    const path = makeKv(directory, { journalMode: "DELETE", rowCount: 3_000 });
    await using holder = spawnProcess({ command: ["sqlite3", "-batch", path] });
    // More pages than the cache has: they go to the database before the commit.
    holder.send("PRAGMA cache_size = 5;\nBEGIN;\nDELETE FROM written WHERE id > 10;\n.print holding\n");
    await holder.waitForLine("holding");
    await holder.kill();
    const journalBytes = statSync(`${path}-journal`).size;
    expect(journalBytes).toBeGreaterThan(0);
    await using daemon = await startOnFile(directory, path);
    const residue = await daemon.waitForLog("startup detected WAL residue");
    expect(residue.journalFileBytes).toBe(journalBytes);
    expect(residue.expectation).toContain("the rollback journal takes");
    expect(await daemon.waitForLog("startup ended")).toMatchObject({ ready: true });
    expect(await daemon.stop()).toBe(0);
    const found = await verifyRows(path);
    expect(found).toMatchObject({ integrityMessages: ["ok"], journalMode: "wal" });
    expect(found.rows.size).toBe(3_000);
  },
  testTimeoutMs,
);

test.concurrent(
  "mode observe: residue is left as it is, byte for byte, and readiness says that nothing was proven",
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    makeDatabaseWithResidue(path);
    const before = fileBytes(directory.file("data"));
    await using daemon = await startWatching(directory, {
      databases: [{ name: "kv", path, mode: "observe", checkpoint: { schedule: "100ms" } }],
    });
    await daemon.waitForLog("startup ended");
    const observedAt = async () =>
      (await daemon.metrics()).value("sqlite_last_observation_timestamp_seconds") ?? 0;
    const firstSeconds = await observedAt();
    await waitFor("several intervals to pass", async () => (await observedAt()) > firstSeconds + 0.4);
    const { readiness, walFileBytes } = await statusOf(daemon, "kv");
    expect(walFileBytes).toBe(statSync(`${path}-wal`).size);
    expect(readReport(directory, "kv")).toMatchObject({
      found: { wal: { header: "header", commitCount: 1 }, journal: null },
      recovery: null,
    });
    expect(readiness.checks.find((check) => check.name === "integrity")).toMatchObject({
      state: "degraded",
      reason: expect.stringContaining("not proven"),
    });
    expect(await daemon.stop()).toBe(0);
    expect(fileBytes(directory.file("data"))).toEqual(before);
  },
  testTimeoutMs,
);

test.concurrent(
  "a report that cannot be written is said, and keeps nobody waiting",
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    makeDatabaseWithResidue(path);
    const inTheWay = join(stateDirectory(directory), "residue");
    writeFileSync(inTheWay, "");
    await using daemon = await startOnFile(directory, path);
    expect(await daemon.waitForLog("startup ended")).toMatchObject({ ready: true });
    expect(await daemon.waitForLog("residue report not written")).toMatchObject({
      database: "kv",
      path: inTheWay,
    });
    rmSync(inTheWay);
    expect((await statusOf(daemon, "kv")).residueReport?.recovery?.verdict).toBe("agrees");
  },
  testTimeoutMs,
);
