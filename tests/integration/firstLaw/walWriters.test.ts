/** The first law in WAL mode: writers that keep their connection, with busy timeout 0. */
import { expect, test } from "bun:test";
import { requireTool, testName } from "../../support/requirements.ts";
import { startBunWriter } from "../../support/writers/startBunWriter.ts";
import { startCliWriter } from "../../support/writers/startCliWriter.ts";
import { expectUnharmed, lifeTimeoutMs, liveBesideDaemon, logged, pressedHard } from "./besideDaemon.ts";
import { makeWatchedFolder } from "./watchedFolder.ts";

const withoutSqlite3 = requireTool("sqlite3");

test(
  "a bun:sqlite writer with busy timeout 0 that never pauses sees no error and loses no row",
  async () => {
    using folder = makeWatchedFolder();
    await using writer = await startBunWriter({ path: folder.path });
    const life = await liveBesideDaemon(folder, writer, { until: pressedHard });
    await expectUnharmed(folder, writer);
    expect(life.status).toMatchObject({ mode: "enforce", journalMode: "wal" });
    expect(life.status.writeLockPermission).toContain("busy timeout is not declared");
  },
  lifeTimeoutMs,
);

test(
  "a bun:sqlite writer with busy timeout 0 that pauses sees no error, and its WAL is copied whole",
  async () => {
    using folder = makeWatchedFolder();
    await using writer = await startBunWriter({ path: folder.path, pauseMs: 15 });
    await liveBesideDaemon(folder, writer, {
      until: async (daemon) => {
        await pressedHard(daemon);
        await logged(daemon, ["periodic-checkpoint completed", "demand checkpoint completed"], 2);
      },
    });
    await expectUnharmed(folder, writer);
  },
  lifeTimeoutMs,
);

test(
  "a writer with busy timeout 0 that leaves all checkpoints to the daemon sees no error",
  async () => {
    using folder = makeWatchedFolder();
    await using writer = await startBunWriter({ path: folder.path, autocheckpoint: 0, pauseMs: 2 });
    await liveBesideDaemon(folder, writer, { until: pressedHard });
    await expectUnharmed(folder, writer);
  },
  lifeTimeoutMs,
);

test.skipIf(withoutSqlite3 !== null)(
  testName(
    "a sqlite3 command line writer with busy timeout 0 sees no error and loses no row",
    withoutSqlite3,
  ),
  async () => {
    using folder = makeWatchedFolder();
    await using writer = await startCliWriter({ path: folder.path });
    await liveBesideDaemon(folder, writer, { until: pressedHard });
    await expectUnharmed(folder, writer);
  },
  lifeTimeoutMs,
);

test(
  "a writer that declared its busy timeout waits out short holds without an error, and its WAL starts over",
  async () => {
    using folder = makeWatchedFolder();
    await using writer = await startBunWriter({ path: folder.path, busyTimeoutMs: 5_000, autocheckpoint: 0 });
    const life = await liveBesideDaemon(folder, writer, {
      settings: {
        busyTimeout: "5s",
        checkpoint: { schedule: "200ms", sizeTarget: "64KiB" },
      },
      until: async (daemon) => {
        await pressedHard(daemon);
        await daemon.waitForLog("periodic-checkpoint completed", { deadlineMs: 30_000 });
      },
    });
    await expectUnharmed(folder, writer);
    expect(life.log.some((line) => line.outcome === "reset" || line.outcome === "truncated")).toBe(true);
  },
  lifeTimeoutMs,
);
