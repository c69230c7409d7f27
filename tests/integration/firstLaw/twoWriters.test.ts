/**
 * Two applications at work on one database, one on bun:sqlite and one on the command line tool, both with a
 * declared busy timeout: the metrics move as the catalogue says, and the WAL is reset on schedule.
 */
import { expect, test } from "bun:test";
import type { Daemon } from "../../support/daemonProcess.ts";
import type { MetricsRead } from "../../support/metricsText.ts";
import { requireTool, testName } from "../../support/requirements.ts";
import { waitFor } from "../../support/waitFor.ts";
import { startBunWriter } from "../../support/writers/startBunWriter.ts";
import { startCliWriter } from "../../support/writers/startCliWriter.ts";
import { expectUnharmed, lifeTimeoutMs } from "./besideDaemon.ts";
import { makeWatchedFolder } from "./watchedFolder.ts";

const withoutSqlite3 = requireTool("sqlite3");
const kv = { database: "kv" };
const busyTimeoutMs = 10_000;
const settings = {
  busyTimeout: `${busyTimeoutMs}ms`,
  checkpoint: { schedule: "200ms", sizeTarget: "64KiB" },
};

function metricsUntil(
  daemon: Daemon,
  what: string,
  holds: (metrics: MetricsRead) => boolean,
): Promise<MetricsRead> {
  const read = async () => {
    const metrics = await daemon.metrics();
    return holds(metrics) ? metrics : null;
  };
  return waitFor(what, read, { deadlineMs: 20_000 });
}

test.skipIf(withoutSqlite3 !== null)(
  testName("metrics move and the WAL is reset on schedule beside two writers", withoutSqlite3),
  async () => {
    using folder = makeWatchedFolder();
    const options = { path: folder.path, busyTimeoutMs, autocheckpoint: 0 };
    await using bunWriter = await startBunWriter({ ...options, pauseMs: 2 });
    await bunWriter.waitForMoreRows(5);
    await using tool = await startCliWriter({
      ...options,
      journalMode: null,
      firstRow: 1_000_000,
      pauseMs: 1,
    });
    await tool.waitForMoreRows(5);
    await using daemon = await folder.startDaemon({ settings });
    await daemon.waitForLog("startup of every database ended");

    const first = await metricsUntil(
      daemon,
      "both writers connected and frames in the WAL",
      (metrics) =>
        metrics.value("sqlite_wal_connections", kv) === 2 &&
        (metrics.value("sqlite_wal_frames", kv) ?? 0) > 0,
    );
    expect(first.value("sqlite_up", kv)).toBe(1);
    expect(first.value("sqlite_database_ready", kv)).toBe(1);
    expect(first.value("sqlite_pragma_compliant", { ...kv, pragma: "journal_mode" })).toBe(1);
    expect(first.value("sqlite_integrity_ok", { ...kv, check: "quick_check" })).toBe(1);
    expect(first.value("sqlite_wal_file_size_bytes", kv)).toBeGreaterThan(0);

    const periodic = { ...kv, trigger: "periodic" };
    const later = await metricsUntil(
      daemon,
      "two resets more",
      (metrics) =>
        metrics.sum("sqlite_wal_resets_total", kv) >= first.sum("sqlite_wal_resets_total", kv) + 2 &&
        metrics.sum("sqlite_wal_checkpoints_total", periodic) >=
          first.sum("sqlite_wal_checkpoints_total", periodic) + 2,
    );
    for (const name of ["sqlite_database_size_bytes", "sqlite_last_observation_timestamp_seconds"]) {
      expect(later.value(name, kv)).toBeGreaterThan(first.value(name, kv) ?? Number.POSITIVE_INFINITY);
    }
    const lastSuccess = "sqlite_wal_last_successful_checkpoint_timestamp_seconds";
    expect(later.value(lastSuccess, kv)).toBeGreaterThan(first.value(lastSuccess, kv) ?? 0);
    expect(later.value("sqlite_wal_checkpoint_writer_stall_seconds_count", kv)).toBeGreaterThan(0);

    await tool.stop();
    await bunWriter.stop();
    await metricsUntil(
      daemon,
      "nobody connected and nothing left in the WAL",
      (metrics) =>
        metrics.value("sqlite_wal_connections", kv) === 0 &&
        metrics.value("sqlite_wal_file_size_bytes", kv) === 0,
    );
    expect(await daemon.stop()).toBe(0);
    // A worker that overran its hold, on a machine that has other things to do, is killed; nothing else fails.
    const failures = daemon.log.filter(({ msg }) => msg.endsWith(" failed"));
    expect(failures.filter(({ reason }) => !String(reason).includes("deadline"))).toEqual([]);
    expect(tool.errors).toEqual([]);
    const acknowledged = [...bunWriter.acknowledged, ...tool.acknowledged];
    await expectUnharmed(folder, { ...bunWriter, acknowledged, errors: bunWriter.errors });
  },
  lifeTimeoutMs,
);
