/**
 * The last Bun whose SQLite has the WAL-reset bug, from the package registry: the daemon does not start on it, and beside
 * applications that run it nothing is lost.
 */
import { afterAll, expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeWatchedFolder } from "../integration/firstLaw/watchedFolder.ts";
import { spawnProcess, type TestProcess } from "../support/childProcess.ts";
import { daemonEnvironment, mainPath } from "../support/daemonProcess.ts";
import { testName, unavailable } from "../support/requirements.ts";
import { makeTempDirectory } from "../support/tempDirectory.ts";
import { missingRows, verifyRows } from "../support/verifyRows.ts";
import { waitFor } from "../support/waitFor.ts";
import { watchForLeftWal } from "../support/walCounts.ts";

const affectedBun = "1.3.11";
const affectedSqlite = "3.51.2";
const installMaxMs = 120_000;
const testTimeoutMs = 60_000;

const home = makeTempDirectory();
const bun = join(home.path, "node_modules/bun/bin/bun.exe");

/** Null when it is there, else why the tests are skipped. */
async function installBun(): Promise<string | null> {
  writeFileSync(home.file("package.json"), JSON.stringify({ private: true, allowScripts: { bun: true } }));
  await using install = spawnProcess({
    command: ["npm", "install", "--no-audit", "--no-fund", `bun@${affectedBun}`],
    environment: process.env,
    workingDirectory: home.path,
  });
  const timer = setTimeout(() => install.signal("SIGKILL"), installMaxMs);
  const code = await install.exited;
  clearTimeout(timer);
  return code === 0 && existsSync(bun) ? null : unavailable(`bun@${affectedBun} cannot be installed`);
}

const skipReason = await installBun();
afterAll(() => home.remove());

test.skipIf(skipReason !== null)(
  testName("the daemon refuses to start on an affected SQLite of its own", skipReason),
  async () => {
    using directory = makeTempDirectory();
    const environment = { KVDB_SQLITE_FILE: directory.file("a.db"), NODE_ENV: "development" };
    await using child = spawnProcess({
      command: [bun, "--no-env-file", mainPath, "run"],
      environment: daemonEnvironment({ stateDirectory: directory.path, environment }),
      workingDirectory: directory.path,
    });
    expect(await child.exited).toBe(70);
    expect(child.stderr()).toContain(`this SQLite (${affectedSqlite}) has the WAL-reset bug`);
    expect(existsSync(directory.file("a.db"))).toBe(false);
  },
  testTimeoutMs,
);

/** Two connections in one process: one commits, the other commits and checkpoints by itself whenever it can. */
const application = `
const { Database } = require("bun:sqlite");
const [path, firstRow] = [process.argv[1], Number(process.argv[2])];
const open = () => {
  const db = new Database(path, { create: true });
  db.exec("PRAGMA busy_timeout = 5000");
  db.exec("PRAGMA journal_mode = WAL");
  db.exec("PRAGMA synchronous = NORMAL");
  db.exec("PRAGMA wal_autocheckpoint = 0");
  return db;
};
const writer = open();
writer.exec("CREATE TABLE IF NOT EXISTS written(id INTEGER PRIMARY KEY, payload BLOB)");
const other = open();
console.log("ready");
let row = firstRow;
const step = () => {
  for (const db of [writer, other]) {
    db.prepare("INSERT INTO written VALUES (?, randomblob(1500))").run(row);
    console.log("row " + row);
    row += 1;
  }
  if (row % 7 === 0) other.exec("PRAGMA wal_checkpoint(PASSIVE)");
  setTimeout(step, row % 3);
};
process.stdin.on("data", () => process.exit(0));
step();
`;

function startApplication(path: string, firstRow: number, acknowledged: number[]): TestProcess {
  return spawnProcess({
    command: [bun, "--no-env-file", "-e", application, path, String(firstRow)],
    environment: process.env,
    onLine: (line) => {
      if (line.startsWith("row ")) acknowledged.push(Number(line.slice(4)));
    },
  });
}

test.skipIf(skipReason !== null)(
  testName(
    "beside two of them that checkpoint too, pressed by the daemon, no row is lost and the file stays whole",
    skipReason,
  ),
  async () => {
    using folder = makeWatchedFolder();
    const acknowledged: number[] = [];
    await using first = startApplication(folder.path, 1, acknowledged);
    await first.waitForLine(/^row /);
    await using second = startApplication(folder.path, 1_000_000, acknowledged);
    await second.waitForLine(/^row /);
    await using daemon = await folder.startDaemon({
      settings: { busyTimeout: "5s" },
      checkpointIntervalMs: 50,
    });
    const line = await daemon.waitForLog("affected sqlite version", { database: "kv" });
    expect(line.version).toBe(affectedSqlite);
    const truncated = { database: "kv", trigger: "periodic", outcome: "truncated" };
    await waitFor(
      "forty resets by the daemon",
      async () => ((await daemon.metrics()).value("sqlite_wal_checkpoints_total", truncated) ?? 0) >= 40,
      { deadlineMs: 40_000 },
    );
    for (const application of [first, second]) {
      application.send("stop\n");
      expect({ code: await application.exited, stderr: application.stderr() }).toEqual({
        code: 0,
        stderr: "",
      });
    }
    expect(await daemon.stop()).toBe(0);
    const found = await verifyRows(folder.path);
    expect(found.integrityMessages).toEqual(["ok"]);
    expect(missingRows(acknowledged, found)).toEqual([]);
  },
  testTimeoutMs,
);

test.skipIf(skipReason !== null)(
  testName("where they leave checkpoints to the daemon no complete WAL is ever left to them", skipReason),
  async () => {
    using folder = makeWatchedFolder();
    const acknowledged: number[] = [];
    await using application = spawnProcess({
      command: [bun, "--no-env-file", "-e", withoutCheckpoints(), folder.path, "1"],
      environment: process.env,
      onLine: (line) => {
        if (line.startsWith("row ")) acknowledged.push(Number(line.slice(4)));
      },
    });
    await application.waitForLine(/^row /);
    const watch = watchForLeftWal(folder.path);
    await using daemon = await folder.startDaemon({
      settings: { busyTimeout: "5s" },
      checkpointIntervalMs: 50,
    });
    const truncated = { database: "kv", trigger: "periodic", outcome: "truncated" };
    await waitFor(
      "ten resets by the daemon",
      async () => ((await daemon.metrics()).value("sqlite_wal_checkpoints_total", truncated) ?? 0) >= 10,
      { deadlineMs: 30_000 },
    );
    const { leftCount } = await watch.end();
    application.send("stop\n");
    expect(await application.exited).toBe(0);
    expect(leftCount).toBe(0);
    expect(missingRows(acknowledged, await verifyRows(folder.path))).toEqual([]);
  },
  testTimeoutMs,
);

function withoutCheckpoints(): string {
  return application.replace(/ {2}if \(row % 7 === 0\).*\n/, "");
}
