/**
 * Beside applications whose SQLite has the WAL-reset bug the daemon says so, and never leaves a complete WAL for others
 * to start over: it resets the WAL itself, or leaves it alone.
 */
import { expect, test } from "bun:test";
import { affectedToolVersion, requireAffectedTool, startTool } from "../../support/affectedTool.ts";
import type { Daemon } from "../../support/daemonProcess.ts";
import { testName } from "../../support/requirements.ts";
import { missingRows, verifyRows } from "../../support/verifyRows.ts";
import { waitFor } from "../../support/waitFor.ts";
import { isCompleteWal, readWalCounts, watchForLeftWal } from "../../support/walCounts.ts";
import { startBunWriter } from "../../support/writers/startBunWriter.ts";
import { startCliWriter } from "../../support/writers/startCliWriter.ts";
import { statusOf } from "../daemon/watched.ts";
import { makeWatchedFolder } from "./watchedFolder.ts";

const skipReason = requireAffectedTool();
const kv = { database: "kv" };
const testTimeoutMs = 60_000;
const setUp = ["PRAGMA journal_mode = WAL", "PRAGMA wal_autocheckpoint = 0"];
const createTable = "CREATE TABLE IF NOT EXISTS written(id INTEGER PRIMARY KEY, payload BLOB)";
const insert = "INSERT INTO written(payload) VALUES (randomblob(3000))";

async function waitForGauge(daemon: Daemon, value: number | undefined): Promise<void> {
  await waitFor(`sqlite_writer_wal_reset_bug to be ${value}`, async () => {
    const metrics = await daemon.metrics();
    return metrics.value("sqlite_writer_wal_reset_bug", kv) === value;
  });
}

test.skipIf(skipReason !== null)(
  testName("log, status and metric name an affected process, and only that one", skipReason),
  async () => {
    using folder = makeWatchedFolder();
    await using daemon = await folder.startDaemon();
    await using writer = await startBunWriter({ path: folder.path, rowCount: 3 });
    await writer.waitForRows(3);
    await waitForGauge(daemon, 0);
    await using tool = startTool(folder.path);
    await tool.run("SELECT count(*) FROM written");
    const line = await daemon.waitForLog("affected sqlite version", kv);
    const version = affectedToolVersion();
    expect(line).toMatchObject({ level: "warn", holders: [{ pid: tool.pid, comm: "sqlite3" }], version });
    expect(String(line.advice)).toContain("wal_autocheckpoint = 0");
    await waitForGauge(daemon, 1);
    const status = await statusOf(daemon, "kv");
    expect(status.walResetBug).toBe(1);
    const found = status.sqliteProcesses.map(({ pid, affected }) => ({ pid, affected }));
    expect(found).toContainEqual({ pid: tool.pid, affected: true });
    expect(found).toContainEqual({ pid: writer.pid, affected: false });
    expect(status.walResetRisk).toContain(`sqlite3 (${tool.pid})`);
    tool.process.endInput();
    await tool.process.exited;
    await waitForGauge(daemon, 0);
    await writer.stop();
    await waitForGauge(daemon, undefined);
    expect(daemon.log.filter(({ msg }) => msg === "affected sqlite version")).toHaveLength(1);
  },
  testTimeoutMs,
);

test.skipIf(skipReason !== null)(
  testName(
    "a busy application that declares nothing keeps its WAL, and the round says why it was skipped",
    skipReason,
  ),
  async () => {
    using folder = makeWatchedFolder();
    const options = { path: folder.path, autocheckpoint: 0, pauseMs: 2 };
    await using first = await startCliWriter(options);
    await first.waitForRows(5);
    await using second = await startCliWriter({ ...options, busyTimeoutMs: 5_000, firstRow: 1_000_000 });
    await second.waitForRows(5);
    await using daemon = await folder.startDaemon();
    const reason = await waitFor("a skipped round", async () => {
      const { checkpoint } = await statusOf(daemon, "kv");
      return checkpoint?.trigger === "periodic" && checkpoint.outcome === "skipped"
        ? checkpoint.reason
        : null;
    });
    expect(reason).toContain("WAL-reset bug");
    expect(reason).toContain("busy timeout is not declared");
    expect(readWalCounts(folder.path)?.nBackfill).toBe(0);
    await Promise.all([first.stop(), second.stop()]);
  },
  testTimeoutMs,
);

test.skipIf(skipReason !== null)(
  testName("where they wait for locks the WAL is reset again and again, and never left complete", skipReason),
  async () => {
    using folder = makeWatchedFolder();
    const options = { path: folder.path, autocheckpoint: 0, pauseMs: 3, busyTimeoutMs: 5_000 };
    await using first = await startCliWriter(options);
    await first.waitForRows(5);
    await using second = await startCliWriter({ ...options, firstRow: 1_000_000 });
    await second.waitForRows(5);
    await using daemon = await folder.startDaemon({ settings: { busyTimeout: "5s" } });
    const watch = watchForLeftWal(folder.path);
    const truncated = { ...kv, trigger: "periodic", outcome: "truncated" };
    await waitFor(
      "five truncations",
      async () => ((await daemon.metrics()).value("sqlite_wal_checkpoints_total", truncated) ?? 0) >= 5,
      { deadlineMs: 40_000 },
    );
    const { leftCount } = await watch.end();
    await Promise.all([first.stop(), second.stop()]);
    expect(await daemon.stop()).toBe(0);
    const errors = [...first.errors, ...second.errors];
    const rounds = leftCount === 0 ? [] : daemon.log.filter(({ msg }) => / checkpoint |worker/.test(msg));
    expect({ leftCount, errors, rounds }).toEqual({ leftCount: 0, errors: [], rounds: [] });
    const found = await verifyRows(folder.path);
    expect(found.integrityMessages).toEqual(["ok"]);
    expect(missingRows([...first.acknowledged, ...second.acknowledged], found)).toEqual([]);
  },
  testTimeoutMs,
);

test.skipIf(skipReason !== null)(
  testName("beside one affected connection alone PASSIVE goes on as ever", skipReason),
  async () => {
    using folder = makeWatchedFolder();
    await using tool = startTool(folder.path);
    await tool.run(...setUp, createTable, insert, insert);
    await using daemon = await folder.startDaemon();
    await waitFor("every frame to be copied", () => isCompleteWal(readWalCounts(folder.path)), {
      deadlineMs: 15_000,
    });
    expect((await statusOf(daemon, "kv")).walResetRisk).toBe("");
    expect(daemon.log.filter(({ msg }) => msg === "affected sqlite version")).toHaveLength(1);
  },
  testTimeoutMs,
);
