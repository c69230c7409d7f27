/**
 * The first law beside applications that open and close a connection for each row, with busy timeout 0: every
 * close is a last close, every open may be the first, and the daemon comes and goes in between.
 */
import { expect, test } from "bun:test";
import { requireTool, testName } from "../../support/requirements.ts";
import {
  expectUnharmed,
  firstOpenCollisionsMax,
  lifeTimeoutMs,
  liveBesideDaemon,
  logged,
} from "./besideDaemon.ts";
import { startOpeningWriter, startToolPerRow } from "./startOpeningWriter.ts";
import { makeWatchedFolder } from "./watchedFolder.ts";

const withoutSqlite3 = requireTool("sqlite3");

test(
  "a bun:sqlite application that opens its WAL database for each row loses no row, and hardly ever meets our opening",
  async () => {
    using folder = makeWatchedFolder();
    await using writer = startOpeningWriter({ path: folder.path, journalMode: "WAL", pauseMs: 3 });
    const life = await liveBesideDaemon(folder, writer, {
      until: (daemon) => logged(daemon, ["demand integrity_check passed", "demand quick_check passed"], 12),
    });
    await expectUnharmed(folder, writer, firstOpenCollisionsMax);
    // A -wal that vanished between two looks is no missing permission.
    expect(life.log.filter((line) => line.msg === "guard refused")).toEqual([]);
    // A last close is met as an exclusive lock of a moment: that is waited out, and lowers nothing for good.
    expect(life.log.filter((line) => line.msg === "mode lowered")).toEqual([]);
  },
  lifeTimeoutMs,
);

test.skipIf(withoutSqlite3 !== null)(
  testName(
    "a new sqlite3 process for each row loses no row in WAL mode, and hardly ever meets our opening",
    withoutSqlite3,
  ),
  async () => {
    using folder = makeWatchedFolder();
    await using writer = startToolPerRow(
      { path: folder.path, journalMode: "WAL" },
      folder.directory.file("stop"),
    );
    const life = await liveBesideDaemon(folder, writer, {
      until: (daemon) => logged(daemon, ["demand integrity_check passed", "demand quick_check passed"], 12),
    });
    await expectUnharmed(folder, writer, firstOpenCollisionsMax);
    expect(life.log.filter((line) => line.msg === "guard refused")).toEqual([]);
  },
  lifeTimeoutMs,
);

test.skipIf(withoutSqlite3 !== null)(
  testName(
    "a new sqlite3 process for each row sees no error and loses no row in rollback mode",
    withoutSqlite3,
  ),
  async () => {
    using folder = makeWatchedFolder();
    await using writer = startToolPerRow(
      { path: folder.path, journalMode: "DELETE" },
      folder.directory.file("stop"),
    );
    const life = await liveBesideDaemon(folder, writer, {
      until: (daemon) => daemon.waitForLog("startup of every database ended"),
      meanwhile: () => writer.waitForMoreRows(100),
    });
    await expectUnharmed(folder, writer);
    expect(life.pressedCount).toBe(0);
    expect(life.status.readiness.checks.find((check) => check.name === "profile")).toMatchObject({
      state: "failed",
      reason: expect.stringContaining("journal_mode is a rollback journal, wanted is WAL"),
    });
  },
  lifeTimeoutMs,
);
