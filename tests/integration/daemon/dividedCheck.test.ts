/** A large check as operators see it: how far it has come, that it gives way, and that it lets the WAL go between its parts. */
import { Database } from "bun:sqlite";
import { afterAll, beforeAll, expect, test } from "bun:test";
import { closeSync, copyFileSync, fdatasyncSync, openSync, readSync } from "node:fs";
import { getPriority } from "node:os";
import { cachestat, dropCached } from "../../../src/host/pageCache.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { waitFor } from "../../support/waitFor.ts";
import { childrenOf } from "./processTree.ts";
import { act, dataPath, startApplication, startReady, statusOf, testTimeoutMs } from "./watched.ts";

const made = makeTempDirectory();
const madePath = made.file("large.db");
const tableCount = 4;

/** Above the size from which on checks are divided; every table has an index in random order. */
beforeAll(() => {
  const database = new Database(madePath, { readwrite: true, create: true });
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF");
  for (let at = 0; at < tableCount; at += 1) {
    database.exec(`CREATE TABLE t${at}(id INTEGER PRIMARY KEY, a BLOB, body BLOB); CREATE INDEX i${at} ON t${at}(a);
      WITH RECURSIVE n(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n WHERE v < 60000)
      INSERT INTO t${at} SELECT v, randomblob(16), zeroblob(300) FROM n`);
  }
  database.close(true);
});

afterAll(() => made[Symbol.dispose]());

const makeLarge = (path: string) => copyFileSync(madePath, path);

test(
  "a check on demand is divided, tells its progress in the status, and leaves none behind",
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    makeLarge(path);
    await using daemon = await startReady(directory, path, { integrity: { startup: "OFF" } });
    expect((await statusOf(daemon, "kv")).integrityProgress).toBeNull();
    const asked = act(daemon, "kv", "integrity-check?check=full");
    const progress = await waitFor("progress", async () => {
      const { integrityProgress } = await statusOf(daemon, "kv");
      return integrityProgress !== null && integrityProgress.partCount > 4 ? integrityProgress : null;
    });
    expect(progress).toMatchObject({ check: "integrity_check", trigger: "demand", pausedFor: "" });
    expect(progress.percent).toBeLessThan(100);
    expect(await asked).toMatchObject({
      status: 200,
      body: { verdict: "ok", findings: [], findingDetails: [] },
    });
    expect((await statusOf(daemon, "kv")).integrityProgress).toBeNull();
    expect(daemon.log.filter(({ msg }) => msg === "demand integrity_check passed")).toHaveLength(1);
  },
  testTimeoutMs,
);

test(
  "a check of the schedule runs at the lowest priority, one on demand does not",
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    makeLarge(path);
    await using daemon = await startReady(directory, path, {
      integrity: { startup: "OFF", fullSchedule: "1s" },
    });
    const priorities = () => childrenOf(daemon.pid).map((pid) => getPriority(pid));
    await waitFor("a worker that gives way", () => priorities().includes(19));
    expect(priorities().filter((priority) => priority === 0).length).toBeGreaterThan(0);
    await daemon.waitForLog("scheduled integrity_check passed");
  },
  testTimeoutMs,
);

test(
  "a check of the schedule leaves the page cache as it was: what the application had in it, and not much more",
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    makeLarge(path);
    const descriptor = openSync(path, "r+");
    const cachedPages = () => {
      const stat = cachestat(descriptor, 0, 0);
      return stat.ok ? stat.cached : Number.NaN;
    };
    fdatasyncSync(descriptor);
    dropCached(descriptor, 0, 0);
    if (cachedPages() !== 0) {
      console.log("skipped: this file system has no page cache to drop from, or cachestat is refused");
      closeSync(descriptor);
      return;
    }
    const ofApplication = Buffer.alloc(8 * 1024 * 1024);
    readSync(descriptor, ofApplication, 0, ofApplication.length, 32 * 1024 * 1024);
    const before = cachedPages();
    const kept = () => {
      const stat = cachestat(descriptor, 32 * 1024 * 1024, ofApplication.length);
      return stat.ok ? stat.cached : Number.NaN;
    };
    const keptBefore = kept();
    await using daemon = await startReady(directory, path, {
      integrity: { startup: "OFF", fullSchedule: "2s" },
    });
    await daemon.waitForLog("scheduled integrity_check passed");
    // The kernel moves pages of its own accord, once in a while.
    expect(kept()).toBeGreaterThan(keptBefore * 0.98);
    expect(cachedPages()).toBeLessThan(before + 1_000);
    closeSync(descriptor);
  },
  testTimeoutMs,
);

test(
  "while the WAL holds more than it may, the check waits between its parts, and a checkpoint empties the WAL",
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    makeLarge(path);
    await using daemon = await startReady(directory, path, {
      busyTimeout: "10s",
      checkpoint: { schedule: "1h", sizeTarget: "1GiB" },
      integrity: { startup: "OFF", walMax: "100KiB" },
    });
    await using application = await startApplication(path, { rowCount: 300, rowBytes: 2_000 });
    await application.waitForRows(300);
    const frames = async () => (await statusOf(daemon, "kv")).walFrameCount ?? 0;
    await waitFor("the WAL to be above the limit", async () => (await frames()) > 100);
    const asked = act(daemon, "kv", "integrity-check?check=full");
    const paused = await waitFor("the check to wait", async () => {
      const reason = (await statusOf(daemon, "kv")).integrityProgress?.pausedFor ?? "";
      return reason === "" ? null : { reason };
    });
    expect(paused.reason).toMatch(/^the WAL holds \d+ bytes, more than 102400$/);
    expect(await asked).toMatchObject({ status: 200, body: { verdict: "ok" } });
    const checkpoint = (await statusOf(daemon, "kv")).checkpoint;
    expect(checkpoint).toMatchObject({ trigger: "periodic" });
  },
  testTimeoutMs,
);
