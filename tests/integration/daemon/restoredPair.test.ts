/**
 * A restore of database and WAL together, as they were at an earlier moment: a snapshot of the disk, rsync, cp of both. The
 * two belong together, so the database is opened and nothing of them is lost.
 */
import { expect, test } from "bun:test";
import { copyFileSync, rmSync } from "node:fs";
import { startDaemon } from "../../support/daemonProcess.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { verifyRows } from "../../support/verifyRows.ts";
import { waitFor } from "../../support/waitFor.ts";
import { startSqlProcess } from "../observe/sqlProcess.ts";
import {
  dataPath,
  makeDatabase,
  stateDirectory,
  statusOf,
  testTimeoutMs,
  waitUntilReady,
  writeConfig,
} from "./watched.ts";

const insertRows = "INSERT INTO written(payload) SELECT randomblob(1000) FROM written LIMIT 30";

test(
  "database and WAL of before a checkpoint, put back together while the daemon is stopped, are opened: nobody is told to move that WAL away",
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "k.db");
    makeDatabase(path, { rowCount: 100, rowBytes: 1_000 });
    const startWatch = () =>
      startDaemon({
        stateDirectory: stateDirectory(directory),
        arguments: [
          "--config",
          writeConfig(directory, { databases: [{ name: "k", path, checkpoint: { schedule: "1h" } }] }),
        ],
      });
    await using application = startSqlProcess();
    await application.run(path, "PRAGMA wal_autocheckpoint = 0");
    await application.run(path, insertRows);
    await application.run(path, "PRAGMA user_version = 1");
    {
      await using daemon = await startWatch();
      await waitUntilReady(daemon, "k");
      await application.run(path, insertRows);
      for (const suffix of ["", "-wal"]) copyFileSync(path + suffix, directory.file(`backup${suffix}`));
      await application.run(path, "CREATE TABLE later(a)");
      await application.run(path, insertRows);
      const { observedAt } = await statusOf(daemon, "k");
      for (let look = 1, before = observedAt; look <= 3; look += 1)
        before = await waitFor("another look", async () => {
          const { observedAt: now } = await statusOf(daemon, "k");
          return now === before ? null : now;
        });
      // The shutdown checkpoint takes the header of the database further on, in the same WAL.
      await daemon.stop();
    }
    await application.kill();
    for (const suffix of ["", "-wal"]) copyFileSync(directory.file(`backup${suffix}`), path + suffix);
    rmSync(`${path}-shm`, { force: true });

    await using daemon = await startWatch();
    const { restartVerdict } = await waitUntilReady(daemon, "k");
    // What came after the snapshot is gone, by somebody's hand.
    expect(restartVerdict).toMatchObject({ kind: "proven-lost" });
    expect(restartVerdict?.reason).not.toContain("does not belong");
    await daemon.stop();
    const { rows, integrityMessages } = await verifyRows(path);
    expect(integrityMessages).toEqual(["ok"]);
    expect(rows.size).toBe(160);
  },
  testTimeoutMs,
);
