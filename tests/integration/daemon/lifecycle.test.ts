/** From the start to steady work: the sequence of each database, then checkpoints and checks on schedule. */
import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { spawnDaemon, startDaemon } from "../../support/daemonProcess.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { missingRows, verifyRows } from "../../support/verifyRows.ts";
import { waitFor } from "../../support/waitFor.ts";
import { startBunWriter } from "../../support/writers/startBunWriter.ts";
import { stopWorkerOn } from "./processTree.ts";
import {
  act,
  actPhrases,
  dataPath,
  makeDatabase,
  makeKv,
  phrases,
  startOnFile,
  startReady,
  startWatching,
  stateDirectory,
  statusOf,
  testTimeoutMs,
  waitForCheck,
  waitUntilReady,
  writeConfig,
} from "./watched.ts";

/** For a daemon that must be asked before it says where it listens. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== "object" || address === null) throw new Error("no port was given");
  return address.port;
}

describe("startup", () => {
  test.concurrent(
    "a small database: profile, check, ready, in that order, and everything said",
    async () => {
      using directory = makeTempDirectory();
      const path = makeKv(directory);
      await using daemon = await startOnFile(directory, path);
      const verified = await daemon.waitForLog("startup profile verified");
      expect(verified).toMatchObject({ database: "kv", journal_mode: "wal", synchronous: "EXTRA" });
      await daemon.waitForLog("startup of every database ended");
      expect(actPhrases(daemon)).toEqual([
        "daemon started",
        "restart verdict",
        "startup profile verified",
        "startup quick_check passed",
        "startup ended",
        "startup of every database ended",
      ]);
      expect((await daemon.get("/health/startup")).status).toBe(200);
      expect((await daemon.get("/health/ready")).status).toBe(200);
      const { checks } = (await statusOf(daemon, "kv")).readiness;
      expect(checks.map(({ name }) => name)).toContain("integrity");
      expect(checks.filter(({ state }) => state !== "ok")).toEqual([]);
      expect(await daemon.stop()).toBe(0);
    },
    testTimeoutMs,
  );

  test.concurrent(
    "a rollback-mode database that nobody has open is set to WAL",
    async () => {
      using directory = makeTempDirectory();
      const path = makeKv(directory, { journalMode: "DELETE" });
      await using daemon = await startOnFile(directory, path);
      const verified = await daemon.waitForLog("startup profile verified");
      expect(verified).toMatchObject({ journalModeBefore: "delete", journalModeChanged: true });
      expect((await waitUntilReady(daemon, "kv")).journalMode).toBe("wal");
    },
    testTimeoutMs,
  );

  test.concurrent(
    "development: a database that is not there is created in the working directory",
    async () => {
      using directory = makeTempDirectory();
      const state = stateDirectory(directory);
      await using daemon = await startDaemon({
        stateDirectory: state,
        workingDirectory: state,
        environment: { NODE_ENV: "development" },
      });
      await waitUntilReady(daemon, "kv");
      expect(statSync(`${state}/kv.db`).size).toBeGreaterThan(0);
    },
    testTimeoutMs,
  );
});

describe("a database that is not there", () => {
  test.concurrent(
    "wait: not ready, startup has its verdict all the same, and it is picked up when it appears",
    async () => {
      using directory = makeTempDirectory();
      const path = dataPath(directory, "kv.db");
      const databases = [{ name: "kv", path }];
      await using daemon = await startWatching(directory, { databases });
      expect(await waitForCheck(daemon, "kv", "file", "failed")).toContain(`${path} does not exist`);
      await daemon.waitForLog("startup of every database ended");
      expect((await daemon.get("/health/startup")).status).toBe(200);
      expect((await daemon.get("/health/ready")).status).toBe(503);
      expect((await daemon.get("/health/live")).status).toBe(200);
      expect(existsSync(path)).toBe(false);
      await using writer = await startBunWriter({ path, pauseMs: 5 });
      await writer.waitForRows(1);
      await daemon.waitForLog("database appeared");
      await waitUntilReady(daemon, "kv");
      expect((await daemon.get("/health/ready")).status).toBe(200);
      expect(writer.errors).toEqual([]);
    },
    testTimeoutMs,
  );

  test.concurrent(
    "create makes it, pass is content without it",
    async () => {
      using directory = makeTempDirectory();
      const made = dataPath(directory, "made.db");
      const passed = dataPath(directory, "passed.db");
      await using daemon = await startWatching(directory, {
        databases: [
          { name: "made", path: made, whenMissing: "create" },
          { name: "passed", path: passed, whenMissing: "pass" },
        ],
      });
      await waitUntilReady(daemon, "made");
      await daemon.waitForLog("startup of every database ended");
      expect((await daemon.get("/health/ready")).status).toBe(200);
      expect(await waitForCheck(daemon, "passed", "file", "ok")).toContain("accepted");
      expect(existsSync(passed)).toBe(false);
      makeDatabase(passed);
      await waitUntilReady(daemon, "passed");
    },
    testTimeoutMs,
  );
});

describe("the file changes under the daemon", () => {
  test.concurrent(
    "replaced by another file: noticed, and the startup sequence runs again",
    async () => {
      using directory = makeTempDirectory();
      const path = makeKv(directory);
      await using daemon = await startWatching(directory, { databases: [{ name: "kv", path }] });
      await daemon.waitForLog("startup of every database ended");
      makeDatabase(`${path}.new`, { rowCount: 500 });
      const fromIndex = daemon.log.length;
      for (const suffix of ["-wal", "-shm"]) rmSync(path + suffix, { force: true });
      renameSync(`${path}.new`, path);
      await daemon.waitForLog("database replaced");
      const ended = await daemon.waitForLog("startup ended", { fromIndex });
      expect(ended.ready).toBe(true);
      expect(actPhrases(daemon, { fromIndex })).toEqual([
        "database replaced",
        "restart verdict",
        "startup profile verified",
        "startup quick_check passed",
        "startup ended",
      ]);
      expect((await statusOf(daemon, "kv")).databaseBytes).toBe(statSync(path).size);
    },
    testTimeoutMs,
  );

  test.concurrent(
    "replaced while a check of the old one runs: whoever asked is told, and nothing is proven of the new one",
    async () => {
      using directory = makeTempDirectory();
      const path = makeKv(directory, { rowCount: 60_000, rowBytes: 400 });
      await using daemon = await startReady(directory, path, { integrity: { startup: "OFF" } });
      const asked = act(daemon, "kv", "integrity-check?check=full");
      const worker = await stopWorkerOn(daemon, path);
      makeDatabase(`${path}.new`);
      for (const suffix of ["-wal", "-shm"]) rmSync(path + suffix, { force: true });
      renameSync(`${path}.new`, path);
      await daemon.waitForLog("database replaced");
      expect(await asked).toMatchObject({
        status: 409,
        body: { message: expect.stringContaining("replaced") },
      });
      process.kill(worker, "SIGCONT");
      // There is one worker for checks: once this one has ended the one before it has, too.
      await waitUntilReady(daemon, "kv");
      expect((await act(daemon, "kv", "integrity-check")).body).toMatchObject({ verdict: "ok" });
      const { integrity } = await statusOf(daemon, "kv");
      expect(integrity.map((status) => status.check)).toEqual(["quick_check"]);
    },
    testTimeoutMs,
  );

  test.concurrent(
    "removed and put back: not ready meanwhile, ready again, and nothing is made in its place",
    async () => {
      using directory = makeTempDirectory();
      const path = makeKv(directory);
      await using daemon = await startReady(directory, path);
      renameSync(path, `${path}.away`);
      await waitForCheck(daemon, "kv", "file", "failed");
      expect((await daemon.get("/health/ready")).status).toBe(503);
      expect(existsSync(path)).toBe(false);
      renameSync(`${path}.away`, path);
      await waitUntilReady(daemon, "kv");
    },
    testTimeoutMs,
  );
});

describe("on schedule", () => {
  test.concurrent(
    "every second: what a busy writer leaves is checkpointed, and an idle WAL is small",
    async () => {
      using directory = makeTempDirectory();
      const path = dataPath(directory, "kv.db");
      const rowCount = 500;
      await using writer = await startBunWriter({
        path,
        autocheckpoint: 0,
        busyTimeoutMs: 10_000,
        pauseMs: 5,
        rowCount,
      });
      await using daemon = await startOnFile(directory, path, {
        KVDB_SQLITE_WAL_CHECKPOINT_INTERVAL_MS: "1000",
        KVDB_SQLITE_BUSY_TIMEOUT_MS: "10000",
      });
      const walBytes = () => statSync(`${path}-wal`).size;
      await daemon.waitForLog("periodic-checkpoint completed");
      await writer.waitForRows(rowCount);
      await waitFor("the WAL of an idle writer to be truncated", () => walBytes() === 0, {
        deadlineMs: 15_000,
      });
      // The file is short before the checkpoint that cut it has ended.
      await waitFor("the end of that checkpoint", () =>
        daemon.log.some(({ outcome }) => outcome === "truncated"),
      );
      const metrics = await daemon.metrics();
      expect(metrics.sum("sqlite_wal_checkpoints_total", { trigger: "periodic" })).toBeGreaterThanOrEqual(1);
      expect(metrics.sum("sqlite_wal_checkpoints_total", { outcome: "truncated" })).toBeGreaterThanOrEqual(1);
      expect(writer.errors).toEqual([]);
      await writer.stop();
      expect(await daemon.stop()).toBe(0);
      expect(missingRows(writer.acknowledged, await verifyRows(path))).toEqual([]);
    },
    testTimeoutMs,
  );

  test.concurrent(
    "cron expressions with seconds drive checkpoints and both checks",
    async () => {
      using directory = makeTempDirectory();
      const path = makeKv(directory);
      const cron = "*/1 * * * * *";
      await using daemon = await startWatching(directory, {
        defaults: {
          checkpoint: { schedule: cron },
          integrity: { quickSchedule: cron, fullSchedule: cron },
        },
        databases: [{ name: "kv", path }],
      });
      await daemon.waitForLog("periodic-checkpoint completed");
      await daemon.waitForLog("scheduled quick_check passed");
      await daemon.waitForLog("scheduled integrity_check passed");
      const metrics = await daemon.metrics();
      expect(metrics.value("sqlite_integrity_ok", { check: "integrity_check" })).toBe(1);
    },
    testTimeoutMs,
  );
});

test.concurrent(
  "checkpoints that are due without a pause, beside a writer without a pause, never end the daemon",
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    await using writer = await startBunWriter({ path, autocheckpoint: 0, pauseMs: 1, busyTimeoutMs: 5_000 });
    await writer.waitForRows(5);
    await using daemon = await startReady(directory, path, { checkpoint: { schedule: "1ms" } });
    await waitFor(
      "some hundred checkpoints",
      async () => {
        const { samples } = await daemon.metrics();
        const counts = samples.filter(({ name }) => name === "sqlite_wal_checkpoints_total");
        return counts.reduce((sum, { value }) => sum + value, 0) > 200;
      },
      { deadlineMs: 20_000 },
    );
    expect(daemon.process.exitCode()).toBeNull();
    expect(phrases(daemon)).not.toContain("internal error");
    await writer.stop();
    expect(writer.errors).toEqual([]);
  },
  testTimeoutMs,
);

test.concurrent(
  "as long as it is not known which databases there are nobody is told that the startup has ended",
  async () => {
    using directory = makeTempDirectory();
    const path = makeKv(directory);
    for (let index = 0; index < 1_500; index += 1)
      mkdirSync(directory.file(`many/${index}`), { recursive: true });
    const config = writeConfig(directory, {
      databases: [{ name: "kv", path }, { glob: directory.file("many/**/*.db") }],
    });
    const port = await freePort();
    await using child = spawnDaemon({
      stateDirectory: stateDirectory(directory),
      environment: { WALWARDEN_LISTEN: `127.0.0.1:${port}` },
      arguments: ["--config", config],
    });
    const first = await waitFor(
      "the first answer",
      () => fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => null),
      { deadlineMs: 15_000, intervalMs: 1 },
    );
    const body = (await first.json()) as { databases: readonly { database: string }[] };
    expect(body.databases.map(({ database }) => database)).toEqual(["kv"]);
    expect(child.exitCode()).toBeNull();
  },
  testTimeoutMs,
);
