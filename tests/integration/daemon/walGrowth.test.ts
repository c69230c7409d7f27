/** An application that leaves all checkpoints to the daemon: its WAL stays short between two rounds of the schedule. */
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { statSync } from "node:fs";
import { join } from "node:path";
import { spawnProcess } from "../../support/childProcess.ts";
import type { Daemon, LogLine } from "../../support/daemonProcess.ts";
import { makeTempDirectory, type TempDirectory } from "../../support/tempDirectory.ts";
import { waitFor } from "../../support/waitFor.ts";
import { startBunWriter } from "../../support/writers/startBunWriter.ts";
import { makeKv, startApplication, startWatching, testTimeoutMs, waitUntilReady } from "./watched.ts";

const longWait = { deadlineMs: 30_000, intervalMs: 20 };
const mib = 1024 * 1024;
const hourly = (path: string, sizeTarget: string) => ({
  observeInterval: "1s",
  defaults: { busyTimeout: "10s", checkpoint: { schedule: "1h", sizeTarget } },
  databases: [{ name: "kv", path }],
});

/** A daemon that has an hour to its next round, and what it logs from now on. */
async function startHourly(directory: TempDirectory, sizeTarget = "16MiB") {
  const path = makeKv(directory);
  const daemon = await startWatching(directory, hourly(path, sizeTarget));
  await waitUntilReady(daemon, "kv");
  return { path, daemon, from: daemon.log.length };
}

function ended(daemon: Daemon, outcome: string, from = 0): readonly LogLine[] {
  return daemon.log.slice(from).filter((line) => line.outcome === outcome && line.trigger !== "shutdown");
}

function walBytes(path: string): number {
  return statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
}

test.concurrent(
  "with an hour to the next round the WAL of a writer that never pauses starts over below its target, again and again",
  async () => {
    using directory = makeTempDirectory();
    // A fast disk takes 100 MB a second: a quarter of a second between two samples is no matter beside this target.
    const { path, daemon, from } = await startHourly(directory, "64MiB");
    await using _daemon = daemon;
    await using writer = await startApplication(path, { rowBytes: 1_000 });
    let walMaxBytes = 0;
    await waitFor(
      "five resets",
      () => {
        walMaxBytes = Math.max(walMaxBytes, walBytes(path));
        return ended(daemon, "reset", from).length >= 5;
      },
      longWait,
    );
    // Three and more times as much was written; a slow machine is given twice the target.
    expect(walMaxBytes).toBeLessThan(2 * 64 * mib);
    expect(walMaxBytes).toBeGreaterThan(mib);
    expect(writer.errors).toEqual([]);
  },
  testTimeoutMs,
);

test.concurrent(
  "beside readers that follow upon one another without a gap the WAL starts over, and no hold is longer than allowed",
  async () => {
    using directory = makeTempDirectory();
    const { path, daemon, from } = await startHourly(directory);
    await using _daemon = daemon;
    await using readers = new AsyncDisposableStack();
    await using writer = await startApplication(path, { rowBytes: 1_000 });
    for (let count = 0; count < 3; count += 1) {
      const script = join(import.meta.dir, "gaplessReader.ts");
      const reader = readers.use(
        spawnProcess({ command: [process.execPath, "--no-env-file", script, path, "10"] }),
      );
      await reader.waitForLine("reading");
    }
    await waitFor("three resets", () => ended(daemon, "reset", from).length >= 3, longWait);
    expect(writer.errors).toEqual([]);
    const holdsMs = daemon.log.slice(from).map((line) => Number(line.longestHoldMs ?? 0));
    // The configured maximum, and what a busy machine adds.
    expect(Math.max(...holdsMs)).toBeLessThan(200);
  },
  testTimeoutMs,
);

test.concurrent(
  "what a reader kept from being copied is copied as soon as the reader has gone, without waiting for the schedule",
  async () => {
    using directory = makeTempDirectory();
    const { path, daemon, from } = await startHourly(directory);
    await using _daemon = daemon;
    await using writer = await startApplication(path, { rowBytes: 8_000, pauseMs: 2 });
    await using reader = await startBunWriter({ path, mode: "holdReader" });
    await waitFor("a round in vain", () => ended(daemon, "incomplete", from).length > 0, longWait);
    // Somebody stays connected: whoever closes last copies it all.
    using application = new Database(path);
    application.query("SELECT count(*) FROM sqlite_schema").get();
    await writer.stop();
    const before = daemon.log.length;
    expect(ended(daemon, "complete", before)).toEqual([]);
    await reader.release();
    await waitFor(
      "all to be copied",
      () =>
        daemon.log
          .slice(before)
          .some((line) => ["complete", "reset", "truncated"].includes(String(line.outcome))),
      { deadlineMs: 5_000, intervalMs: 20 },
    );
  },
  testTimeoutMs,
);
