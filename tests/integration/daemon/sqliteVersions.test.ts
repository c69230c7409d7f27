/** Which SQLite a process runs, by real processes with real ones: the library, a static executable, a deleted file. */
import { expect, test } from "bun:test";
import { copyFileSync, rmSync, writeFileSync } from "node:fs";
import { SqliteVersions } from "../../../src/daemon/sqliteVersions.ts";
import { realClock } from "../../../src/host/clock.ts";
import { type Os, realOs } from "../../../src/host/os.ts";
import { createObserver } from "../../../src/observe/observer.ts";
import { affectedToolVersion, requireAffectedTool, startTool } from "../../support/affectedTool.ts";
import { spawnProcess } from "../../support/childProcess.ts";
import { requireTool, testName } from "../../support/requirements.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { startApplication } from "./watched.ts";

const withoutTool = requireAffectedTool();
const withoutPython = requireTool("python3");

function lookerWith(change: Partial<Os> = {}) {
  const os: Os = { ...realOs, ...change };
  const clock = realClock;
  const versions = new SqliteVersions({ os, clock });
  const observer = createObserver({ os: realOs, clock, ownPids: () => new Set([process.pid]) });
  return async (path: string) => {
    const sweep = await observer.gatherSweep();
    return versions.look(sweep.observe(path, { anew: true }));
  };
}

test("bun, which has SQLite in its executable, is known by version and not affected", async () => {
  using directory = makeTempDirectory();
  const path = directory.file("a.db");
  await using writer = await startApplication(path, { rowCount: 3 });
  const { version } = new (await import("bun:sqlite")).Database(":memory:")
    .query<{ version: string }, []>("SELECT sqlite_version() AS version")
    .get() ?? { version: "" };
  expect(await lookerWith()(path)).toMatchObject([
    { pid: writer.pid, version, affected: false, reason: "", file: expect.stringContaining("bun") },
  ]);
});

test.skipIf(withoutTool !== null)(
  testName(
    "the system's sqlite3 is known by its library, affected, with each of its connections",
    withoutTool,
  ),
  async () => {
    using directory = makeTempDirectory();
    const path = directory.file("a.db");
    await using tool = startTool(path);
    await tool.run("PRAGMA journal_mode = WAL", "CREATE TABLE t(a)", "INSERT INTO t VALUES (1)");
    const look = lookerWith();
    const [process] = await look(path);
    expect(process).toMatchObject({
      pid: tool.pid,
      version: affectedToolVersion(),
      affected: true,
      reason: "",
      connectionCount: 1,
    });
    expect(process?.file).toContain("libsqlite3");
    expect(process?.sourceId).toMatch(/^20\d\d-\d\d-\d\d /);
    // What was seen once counts for the process's life: the second connection may come back at any time.
    await tool.run(`ATTACH '${path}' AS again`, "SELECT count(*) FROM again.t");
    const later = lookerWith();
    expect((await later(path))[0]?.connectionCount).toBe(2);
    await tool.run("DETACH again");
    expect((await later(path))[0]?.connectionCount).toBe(2);
  },
);

test.skipIf(withoutPython !== null)(
  testName("Python's module of that name is no SQLite, the library behind it is", withoutPython),
  async () => {
    using directory = makeTempDirectory();
    const path = directory.file("a.db");
    const script = directory.file("connect.py");
    writeFileSync(
      script,
      "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1])\nc.execute('PRAGMA journal_mode = WAL')\n" +
        "c.execute('CREATE TABLE t(a)')\nc.commit()\nprint(sqlite3.sqlite_version, flush=True)\nsys.stdin.read()\n",
    );
    await using child = spawnProcess({ command: ["python3", script, path], environment: process.env });
    const version = await child.waitForLine(/^3\./);
    const [found] = await lookerWith()(path);
    expect(found).toMatchObject({ pid: child.pid, version });
  },
);

test.skipIf(withoutTool !== null)(
  testName("an executable that was deleted since is still read", withoutTool),
  async () => {
    using directory = makeTempDirectory();
    const path = directory.file("a.db");
    const copy = directory.file("renamed");
    copyFileSync(process.execPath, copy);
    await using child = spawnProcess({
      command: [
        copy,
        "--no-env-file",
        "-e",
        `const db = new (require("bun:sqlite").Database)(${JSON.stringify(path)});` +
          'db.exec("PRAGMA journal_mode = WAL; CREATE TABLE t(a)"); console.log("ready"); process.stdin.resume();',
      ],
      environment: process.env,
    });
    await child.waitForLine("ready");
    rmSync(copy);
    expect(await lookerWith()(path)).toMatchObject([{ pid: child.pid, affected: false, reason: "" }]);
  },
);

test("a process that hides its files is not known, with the reason, and its connections neither", async () => {
  using directory = makeTempDirectory();
  const path = directory.file("a.db");
  await using writer = await startApplication(path, { rowCount: 3 });
  const forbidden = (name: string): never => {
    throw Object.assign(new Error(name), { code: "EACCES", errno: -13 });
  };
  const look = lookerWith({
    readProcLink: (link) => (link.endsWith("/exe") ? forbidden(link) : realOs.readProcLink(link)),
    readProcDirectory: (name) => (name.endsWith("/fd") ? forbidden(name) : realOs.readProcDirectory(name)),
  });
  const [found] = await look(path);
  expect(found).toMatchObject({ pid: writer.pid, version: null, affected: null, connectionCount: null });
  expect(found?.reason).toContain("CAP_SYS_PTRACE");
});

test("files are searched once for all databases of a process, and once in its life", async () => {
  using directory = makeTempDirectory();
  const paths = ["a.db", "b.db"].map((name) => directory.file(name));
  await using applications = new AsyncDisposableStack();
  for (const path of paths) applications.use(await startApplication(path, { rowCount: 3 }));
  let mapsReadCount = 0;
  const look = lookerWith({
    readProc: (name) => {
      if (name.endsWith("/maps")) mapsReadCount += 1;
      return realOs.readProc(name);
    },
  });
  const beganMs = performance.now();
  await Promise.all(paths.map(look));
  const firstMs = performance.now() - beganMs;
  for (let count = 1; count <= 20; count += 1) await Promise.all(paths.map(look));
  expect(mapsReadCount).toBe(2);
  expect(firstMs).toBeLessThan(5_000);
});
