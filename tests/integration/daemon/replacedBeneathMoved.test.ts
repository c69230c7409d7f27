/** A database that is moved while it is open, and files beside it that its application may not write. */
import { expect, test } from "bun:test";
import { chownSync, existsSync, renameSync } from "node:fs";
import { unavailable } from "../../support/requirements.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { verifyRows } from "../../support/verifyRows.ts";
import { startSqlProcess } from "../observe/sqlProcess.ts";
import {
  dataPath,
  makeDatabase,
  startWatching,
  testTimeoutMs,
  waitForCheck,
  waitUntilReady,
} from "./watched.ts";

test(
  "moved while it is open: said with who has it open and what to do, and doing it loses nothing",
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "k.db");
    makeDatabase(path, { rowCount: 10 });
    await using application = startSqlProcess();
    await application.run(path, "INSERT INTO written(payload) VALUES (randomblob(10))");
    await using daemon = await startWatching(directory, { databases: [{ name: "k", path }] });
    await waitUntilReady(daemon, "k");
    const movedTo = dataPath(directory, "moved.db");
    renameSync(path, movedTo);
    const reason = await waitForCheck(daemon, "k", "file", "failed", "it was moved or removed");
    expect(reason).toContain(`process ${application.pid} (`);
    const line = await daemon.waitForLog("database missing");
    expect(line.holders).toMatchObject([{ pid: application.pid }]);
    expect(String(line.advice)).toContain(`${path}-wal`);
    // It goes on in the file that was moved, and its commits are in the WAL that stayed.
    await application.run(path, "INSERT INTO written(payload) VALUES (randomblob(10))");
    expect(existsSync(`${path}-wal`)).toBe(true);
    await application.kill();
    renameSync(movedTo, path);
    await waitForCheck(daemon, "k", "guards", "ok");
    await waitUntilReady(daemon, "k");
    expect(await daemon.stop()).toBe(0);
    const found = await verifyRows(path);
    expect(found.integrityMessages).toEqual(["ok"]);
    expect(found.rows.size).toBe(12);
  },
  testTimeoutMs,
);

const asRoot = process.getuid?.() === 0 ? null : unavailable("not root: files cannot be given away");

test.skipIf(asRoot !== null)(
  "a WAL of root's beside another user's database is said, with the chown that mends it",
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "k.db");
    makeDatabase(path, { rowCount: 10 });
    await using application = startSqlProcess();
    await application.run(path, "INSERT INTO written(payload) VALUES (randomblob(10))");
    chownSync(path, 12_345, 12_345);
    await using daemon = await startWatching(directory, { databases: [{ name: "k", path }] });
    const reason = await waitForCheck(daemon, "k", "sidecars", "degraded", "may be kept out");
    expect(reason).toContain(`chown 12345:12345 ${path}-wal ${path}-shm`);
    await waitUntilReady(daemon, "k");
    for (const suffix of ["-wal", "-shm"]) chownSync(path + suffix, 12_345, 12_345);
    await waitForCheck(daemon, "k", "sidecars", "ok");
  },
  testTimeoutMs,
);
