/** What a power cut would cost, announced beside real writers. Real power cuts are in tests/crash/powerCut. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { ExposureStatus } from "../../../src/domain/status.ts";
import type { WithIsoTimes } from "../../../src/report/statusJson.ts";
import type { Daemon } from "../../support/daemonProcess.ts";
import { whyExposureUnmeasured } from "../../support/fileSystem.ts";
import { testName } from "../../support/requirements.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { waitFor } from "../../support/waitFor.ts";
import { startBunWriter } from "../../support/writers/startBunWriter.ts";
import type { WriterOptions } from "../../support/writers/writerOptions.ts";
import {
  makeDatabase,
  startReady,
  startWatching,
  statusOf,
  testTimeoutMs,
  waitUntilReady,
} from "./watched.ts";

type Exposure = WithIsoTimes<ExposureStatus>;

const skipReason = whyExposureUnmeasured();
const measured = test.skipIf(skipReason !== null);

interface Scene extends AsyncDisposable {
  readonly daemon: Daemon;
  exposure(): Promise<Exposure>;
  write(options: Partial<WriterOptions>): ReturnType<typeof startBunWriter>;
}

/** A daemon with the heartbeat of production beside one database. */
async function watch(exposureMax: string): Promise<Scene> {
  const directory = makeTempDirectory();
  const path = directory.file("kv.db");
  makeDatabase(path, { rowCount: 0 });
  const daemon = await startWatching(directory, {
    observeInterval: "1s",
    databases: [{ name: "kv", path, exposureMax, checkpoint: { schedule: "off" } }],
  });
  await waitUntilReady(daemon, "kv");
  return {
    daemon,
    exposure: async () => (await statusOf(daemon, "kv")).exposure,
    write: (options) => startBunWriter({ path, busyTimeoutMs: 5_000, ...options }),
    [Symbol.asyncDispose]: async () => {
      await daemon[Symbol.asyncDispose]();
      directory.remove();
    },
  };
}

async function waitForExposure(
  scene: Scene,
  what: string,
  matches: (exposure: Extract<Exposure, { kind: "known" }>) => boolean,
  deadlineMs = 8_000,
): Promise<Extract<Exposure, { kind: "known" }>> {
  let last: Exposure | null = null;
  return await waitFor(
    `exposure: ${what}`,
    async () => {
      const exposure = await scene.exposure();
      last = exposure;
      return exposure.kind === "known" && matches(exposure) ? exposure : null;
    },
    { deadlineMs, intervalMs: 50 },
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}; last seen: ${JSON.stringify(last)}`);
  });
}

describe(testName("a writer that does not sync", skipReason), () => {
  for (const synchronous of ["NORMAL", "OFF"] as const) {
    measured.concurrent(
      `synchronous ${synchronous}: its commits are announced within 3 s, with its pid, and none too few`,
      async () => {
        await using scene = await watch("off");
        await using writer = await scene.write({ synchronous, rowCount: 40, autocheckpoint: 0 });
        await writer.waitForRows(40);
        const seen = await waitForExposure(
          scene,
          "40 commits",
          (e) => (e.unsyncedCommitCount ?? 0) >= 40,
          3_000,
        );
        expect(seen.writers.map(({ pid }) => pid)).toEqual([writer.pid]);
        const line = await scene.daemon.waitForLog("exposure detected", { database: "kv" });
        expect(JSON.stringify(line.writers)).toContain(String(writer.pid));
        const metrics = await scene.daemon.metrics();
        expect(metrics.value("sqlite_wal_unsynced_commits", { database: "kv" })).toBeGreaterThanOrEqual(40);
      },
      testTimeoutMs,
    );
  }

  measured.concurrent(
    "with a bound its commits are synced: announced no longer, and none is dirty",
    async () => {
      await using scene = await watch("1s");
      await using writer = await scene.write({ synchronous: "NORMAL", rowCount: 40, autocheckpoint: 0 });
      await writer.waitForRows(40);
      await scene.daemon.waitForLog("exposure detected", { database: "kv" });
      await waitForExposure(scene, "nothing", (exposure) => exposure.since === null);
      const metrics = await scene.daemon.metrics();
      expect(metrics.value("sqlite_wal_syncs_total", { database: "kv", outcome: "ok" })).toBeGreaterThan(0);
    },
    testTimeoutMs,
  );

  measured.concurrent(
    "what a checkpoint with synchronous OFF moved into the database stays announced after the WAL has started over",
    async () => {
      await using scene = await watch("off");
      await using writer = await scene.write({ synchronous: "OFF", pauseMs: 5, autocheckpoint: 50 });
      await writer.waitForRows(300, 20_000);
      const seen = await waitForExposure(scene, "in the database", (exposure) => exposure.inDatabase);
      expect(seen.since).not.toBeNull();
      await writer.waitForMoreRows(100);
      await writer.stop();
      const after = await waitForExposure(scene, "still there", (exposure) => exposure.inDatabase);
      expect(after.unsyncedBytes).toBeGreaterThan(0);
    },
    testTimeoutMs,
  );
});

describe(testName("a writer that syncs", skipReason), () => {
  for (const synchronous of ["FULL", "EXTRA"] as const) {
    measured.concurrent(
      `synchronous ${synchronous}: nothing is ever announced, neither while it commits nor when it rests`,
      async () => {
        await using scene = await watch("off");
        const before = scene.daemon.log.length;
        await using writer = await scene.write({ synchronous, rowCount: 3_000 });
        await waitFor("all rows", () => writer.acknowledged.length >= 3_000, { deadlineMs: 25_000 });
        const settled = await waitForExposure(scene, "known", () => true);
        expect(settled).toMatchObject({ unsyncedCommitCount: 0, unsyncedBytes: 0, since: null });
        expect(scene.daemon.log.slice(before).map(({ msg }) => msg)).not.toContain("exposure detected");
      },
      testTimeoutMs,
    );
  }
});

measured.concurrent(
  "commits that were there before the daemon are announced when they are dirty, and synced when they are not",
  async () => {
    using directory = makeTempDirectory();
    const path = directory.file("kv.db");
    makeDatabase(path, { rowCount: 0 });
    await using writer = await startBunWriter({
      path,
      synchronous: "NORMAL",
      rowCount: 20,
      autocheckpoint: 0,
    });
    await writer.waitForRows(20);
    await using daemon = await startWatching(directory, {
      databases: [{ name: "kv", path, mode: "observe", exposureMax: "off" }],
    });
    const exposure = await waitFor("a figure", async () => {
      const { exposure: seen } = await statusOf(daemon, "kv");
      return seen.kind === "known" ? seen : null;
    });
    expect(exposure.unsyncedCommitCount).toBeGreaterThanOrEqual(20);
  },
  testTimeoutMs,
);

test.concurrent(
  "on tmpfs exposure is unobservable, with the reason, and its metrics are absent",
  async () => {
    expect(readFileSync("/proc/self/mountinfo", "utf8")).toMatch(/ \/dev\/shm .* - tmpfs /);
    using directory = makeTempDirectory("/dev/shm");
    const path = directory.file("kv.db");
    makeDatabase(path, { rowCount: 0 });
    await using daemon = await startReady(directory, path);
    const { exposure } = await statusOf(daemon, "kv");
    expect(exposure).toMatchObject({ kind: "unobservable", reason: expect.stringContaining("tmpfs") });
    const metrics = await daemon.metrics();
    expect(metrics.value("sqlite_wal_unsynced_commits", { database: "kv" })).toBeUndefined();
    expect(metrics.value("sqlite_observable", { database: "kv", what: "exposure" })).toBe(0);
  },
  testTimeoutMs,
);
