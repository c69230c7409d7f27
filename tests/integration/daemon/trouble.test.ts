/**
 * What the machine or the application puts in the way: said with path and operation, tried again with
 * pauses, ready again when it is mended, and no concern of the other databases.
 */
import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, chownSync, mkdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { spawnProcess, type TestProcess } from "../../support/childProcess.ts";
import { mainPath } from "../../support/daemonProcess.ts";
import { requireTool, testName } from "../../support/requirements.ts";
import { makeTempDirectory, type TempDirectory } from "../../support/tempDirectory.ts";
import { missingRows, verifyRows } from "../../support/verifyRows.ts";
import { startBunWriter } from "../../support/writers/startBunWriter.ts";
import {
  dataPath,
  makeDatabase,
  makeKv,
  startWatching,
  statusOf,
  testTimeoutMs,
  waitForCheck,
  waitUntilReady,
} from "./watched.ts";

const nobody = 65_534;
const asNobody = ["setpriv", `--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups"];

/** Privileges cannot be installed: without them the test is skipped, in CI too. */
function whyNotAsNobody(): string | null {
  if (process.getuid?.() !== 0) return "only root can become another user";
  if (Bun.which("setpriv") === null) return "setpriv not found in PATH";
  const tried = Bun.spawnSync([...asNobody, process.execPath, "--no-env-file", mainPath, "--version"]);
  return tried.exitCode === 0
    ? null
    : `another user cannot run the daemon: ${tried.stderr.toString().trim()}`;
}

const mountPoints: string[] = [];

function unmount(path: string): void {
  Bun.spawnSync(["umount", path]);
  mountPoints.splice(mountPoints.indexOf(path), 1);
}

afterAll(() => {
  for (const path of [...mountPoints]) unmount(path);
});

/** A small disk of its own. */
function mountTmpfs(path: string, sizeBytes: number): string | null {
  mkdirSync(path, { recursive: true });
  const mounted = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", `size=${sizeBytes}`, "walwarden-test", path]);
  if (mounted.exitCode !== 0) return mounted.stderr.toString().split("\n", 1)[0] ?? "";
  mountPoints.push(path);
  return null;
}

function whyNotMount(): string | null {
  using directory = makeTempDirectory();
  const path = directory.file("mount");
  const refused = mountTmpfs(path, 64 * 1024);
  if (refused !== null) return `no tmpfs can be mounted: ${refused}`;
  unmount(path);
  return null;
}

const nobodySkip = whyNotAsNobody();
const mountSkip = whyNotMount();

/** A test on a file system of 4 MiB, which is there for as long as the test. */
const onTmpfs = (test: (mount: string, directory: TempDirectory) => Promise<void>) => async () => {
  using directory = makeTempDirectory();
  const mount = directory.file("data");
  expect(mountTmpfs(mount, 4 * 1024 * 1024)).toBeNull();
  try {
    await test(mount, directory);
  } finally {
    unmount(mount);
  }
};

/** The directory and everything in it belongs to nobody, and can be reached. */
function giveToNobody(directory: TempDirectory, ...paths: readonly string[]): void {
  chmodSync(directory.path, 0o755);
  mkdirSync(directory.file("state"), { recursive: true });
  for (const path of [directory.file("state"), directory.file("data"), ...paths]) {
    chownSync(path, nobody, nobody);
  }
}

describe("permissions", () => {
  test.concurrent.skipIf(nobodySkip !== null)(
    testName("what the daemon may not do is said with the path, and ready again once it may", nobodySkip),
    async () => {
      using directory = makeTempDirectory();
      const names = ["unreadable", "readOnly", "foreign", "foreignWal", "lockedFolder"];
      const paths = new Map(names.map((name) => [name, join(directory.file("data"), name, "kv.db")]));
      for (const path of paths.values()) {
        makeDatabase(path);
        giveToNobody(directory, path, join(path, ".."));
      }
      const path = (name: string) => paths.get(name) ?? "";
      chmodSync(path("unreadable"), 0o000);
      chmodSync(path("readOnly"), 0o444);
      chownSync(path("foreign"), 0, 0);
      chmodSync(path("foreign"), 0o666);
      writeFileSync(`${path("foreignWal")}-wal`, "", { mode: 0o600 });
      chmodSync(join(path("lockedFolder"), ".."), 0o555);

      await using daemon = await startWatching(
        directory,
        { databases: [...paths].map(([name, of]) => ({ name, path: of })) },
        { commandPrefix: asNobody },
      );
      const reason = (name: string) => waitForCheck(daemon, name, "guards", "failed");
      expect(await reason("unreadable")).toContain(`${path("unreadable")}: EACCES`);
      expect(await reason("readOnly")).toContain(`cannot write ${path("readOnly")}: EACCES`);
      expect(await reason("foreign")).toContain(
        `${path("foreign")} belongs to user 0 and the daemon runs as user ${nobody}`,
      );
      expect(await reason("foreignWal")).toContain(`${path("foreignWal")}-wal`);
      expect(await reason("lockedFolder")).toContain(`create files beside ${path("lockedFolder")}`);
      expect((await daemon.get("/health/ready")).status).toBe(503);

      chmodSync(path("unreadable"), 0o600);
      chmodSync(path("readOnly"), 0o600);
      chownSync(path("foreign"), nobody, nobody);
      rmSync(`${path("foreignWal")}-wal`);
      chmodSync(join(path("lockedFolder"), ".."), 0o755);
      for (const name of names) await waitUntilReady(daemon, name);
      expect((await daemon.get("/health/ready")).status).toBe(200);
    },
    testTimeoutMs,
  );
});

describe("the disk", () => {
  test.concurrent.skipIf(mountSkip !== null)(
    testName("a read-only file system: said, nothing tried, and ready when it is remounted", mountSkip),
    onTmpfs(async (mount, directory) => {
      const path = join(mount, "kv.db");
      makeDatabase(path);
      const remount = (how: "ro" | "rw") => Bun.spawnSync(["mount", "-o", `remount,${how}`, mount]).exitCode;
      expect(remount("ro")).toBe(0);
      await using daemon = await startWatching(directory, { databases: [{ name: "kv", path }] });
      expect(await waitForCheck(daemon, "kv", "guards", "failed")).toContain(`${mount} is mounted read-only`);
      expect(remount("rw")).toBe(0);
      await waitUntilReady(daemon, "kv");
    }),
    testTimeoutMs,
  );

  test.concurrent.skipIf(mountSkip !== null)(
    testName("a full disk: checkpoints fail with path and code, and go on when there is room", mountSkip),
    onTmpfs(async (mount, directory) => {
      const path = join(mount, "kv.db");
      await using writer = await startBunWriter({
        path,
        autocheckpoint: 0,
        busyTimeoutMs: 10_000,
        rowCount: 300,
        rowBytes: 2_000,
      });
      await writer.waitForRows(300);
      const { bavail, bsize } = statfsSync(mount);
      const ballast = join(mount, "ballast");
      writeFileSync(ballast, new Uint8Array((bavail - 4) * bsize));
      await using daemon = await startWatching(directory, {
        defaults: { checkpoint: { schedule: "200ms" } },
        databases: [{ name: "kv", path }],
      });
      const failed = await daemon.waitForLog("periodic-checkpoint failed");
      expect(failed).toMatchObject({ database: "kv", outcome: "failed" });
      expect(failed.reason).toContain(path);
      expect(failed.reason).toContain("SQLITE_FULL");
      expect(await waitForCheck(daemon, "kv", "checkpoint", "failed")).toContain("SQLITE_FULL");
      expect((await statusOf(daemon, "kv")).freeBytes).toBeLessThan(64 * 1024);
      rmSync(ballast);
      await waitForCheck(daemon, "kv", "checkpoint", "ok");
      await waitUntilReady(daemon, "kv");
      await writer.stop();
      expect(await daemon.stop()).toBe(0);
      expect(writer.errors).toEqual([]);
      expect(missingRows(writer.acknowledged, await verifyRows(path))).toEqual([]);
    }),
    testTimeoutMs,
  );
});

/** Holds the database in a transaction of the sqlite3 command line tool. */
async function holdExclusively(path: string): Promise<TestProcess> {
  const holder = spawnProcess({ command: ["sqlite3", "-batch", path] });
  holder.send("BEGIN EXCLUSIVE;\n.print holding\n");
  await holder.waitForLine("holding");
  return holder;
}

const sqlite3Skip = requireTool("sqlite3");

describe("locked exclusively", () => {
  test.concurrent.skipIf(sqlite3Skip !== null)(
    testName(
      "the holder is named, the file is left alone, others are served; ready when it goes",
      sqlite3Skip,
    ),
    async () => {
      using directory = makeTempDirectory();
      const [rollback, wal, other] = ["rollback.db", "wal.db", "other.db"].map((name) =>
        dataPath(directory, name),
      ) as [string, string, string];
      makeDatabase(rollback, { journalMode: "DELETE" });
      makeDatabase(other);
      await using holder = await holdExclusively(rollback);
      await using application = await startBunWriter({
        path: wal,
        lockingMode: "EXCLUSIVE",
        rowCount: 10,
        autocheckpoint: 0,
      });
      await application.waitForRows(10);
      await using daemon = await startWatching(directory, {
        defaults: { checkpoint: { schedule: "300ms" } },
        databases: [
          { name: "rollback", path: rollback },
          { name: "wal", path: wal },
          { name: "other", path: other },
        ],
      });
      const words = (path: string, pid: number) => `${path} is locked exclusively by process ${pid} (`;
      await waitForCheck(daemon, "rollback", "startup", "failed", words(rollback, holder.pid));
      await waitForCheck(daemon, "rollback", "guards", "degraded", "exclusive_lock");
      // A lock that stays is no last close: after some seconds it is a verdict.
      await waitForCheck(daemon, "wal", "guards", "failed", words(wal, application.pid));
      await waitUntilReady(daemon, "other");
      await daemon.waitForLog("periodic-checkpoint completed", { database: "other" });
      expect((await daemon.get("/health/ready")).status).toBe(503);
      expect((await daemon.get("/health/live")).status).toBe(200);
      expect(daemon.log.some((line) => line.database === "wal" && line.msg.includes("profile"))).toBe(false);

      holder.send("COMMIT;\n.quit\n");
      await holder.exited;
      await application.stop();
      expect(application.errors).toEqual([]);
      expect(holder.stderr()).toBe("");
      await waitUntilReady(daemon, "rollback");
      await waitUntilReady(daemon, "wal");
      expect((await daemon.get("/health/ready")).status).toBe(200);
      expect(await daemon.stop()).toBe(0);
      expect(missingRows(application.acknowledged, await verifyRows(wal))).toEqual([]);
    },
    testTimeoutMs,
  );

  test.concurrent.skipIf(sqlite3Skip !== null)(
    testName("only after the start: said in one line, and in one when it goes", sqlite3Skip),
    async () => {
      using directory = makeTempDirectory();
      const path = makeKv(directory);
      await using daemon = await startWatching(directory, {
        defaults: { checkpoint: { schedule: "200ms" } },
        databases: [{ name: "kv", path }],
      });
      await waitUntilReady(daemon, "kv");
      await using application = await startBunWriter({
        path,
        busyTimeoutMs: 5_000,
        lockingMode: "EXCLUSIVE",
        firstRow: 1_000,
        pauseMs: 10,
      });
      await waitForCheck(daemon, "kv", "guards", "degraded");
      expect((await statusOf(daemon, "kv")).mode).toBe("observe");
      await waitForCheck(daemon, "kv", "guards", "failed");
      await application.waitForMoreRows(10);
      expect(application.errors).toEqual([]);
      await application.stop();
      expect(await daemon.waitForLog("guard cleared")).toMatchObject({ mode: "enforce" });
      expect((await waitUntilReady(daemon, "kv")).mode).toBe("enforce");
      expect(missingRows(application.acknowledged, await verifyRows(path))).toEqual([]);
    },
    testTimeoutMs,
  );
});
