/**
 * A restore by `mv` while the WAL of the earlier file stays: an application that goes on in the file that is
 * no longer there, or a WAL that a killed one left. Whoever opens the new file then takes the old frames for
 * its own, so the daemon must not.
 */
import { expect, test } from "bun:test";
import { copyFileSync, readFileSync, renameSync } from "node:fs";
import { dirname } from "node:path";
import { spawnProcess } from "../../support/childProcess.ts";
import { type Daemon, startDaemon } from "../../support/daemonProcess.ts";
import { makeTempDirectory, type TempDirectory } from "../../support/tempDirectory.ts";
import { verifyRows } from "../../support/verifyRows.ts";
import { waitFor } from "../../support/waitFor.ts";
import { startBunWriter } from "../../support/writers/startBunWriter.ts";
import { startOpeningWriter } from "../firstLaw/startOpeningWriter.ts";
import { type SqlProcess, startSqlProcess } from "../observe/sqlProcess.ts";
import { fileBytes } from "./fileBytes.ts";
import {
  act,
  dataPath,
  makeDatabase,
  startWatching,
  stateDirectory,
  statusOf,
  testTimeoutMs,
  waitForCheck,
  writeConfig,
} from "./watched.ts";

const guard = "wal_of_another_file";
const restoredRowCount = 200;
const checkpointIntervalMs = 100;
/** Several of them. */
const watchedForMs = 6 * checkpointIntervalMs;

interface Restore {
  readonly path: string;
  readonly directory: TempDirectory;
  /** `mv` of a copy that was made while nobody had the database open. */
  restore(): void;
  startDaemon(): Promise<Daemon>;
  moveWalAway(): void;
}

function makeRestore(directory: TempDirectory, schedule = `${checkpointIntervalMs}ms`): Restore {
  const path = dataPath(directory, "k.db");
  makeDatabase(path, { rowCount: restoredRowCount, rowBytes: 2_000 });
  const backupPath = dataPath(directory, "backup");
  copyFileSync(path, backupPath);
  return {
    path,
    directory,
    restore: () => renameSync(backupPath, path),
    // Without a check at startup there is least between a restart of the sequence and the next checkpoint.
    startDaemon: () =>
      startDaemon({
        stateDirectory: stateDirectory(directory),
        environment: { KVDB_SQLITE_INTEGRITY_CHECK_ON_STARTUP: "OFF" },
        arguments: [
          "--config",
          writeConfig(directory, {
            databases: [{ name: "k", path, checkpoint: { schedule } }],
          }),
        ],
      }),
    moveWalAway: () => {
      for (const suffix of ["-wal", "-shm"]) renameSync(path + suffix, directory.file(`away${suffix}`));
    },
  };
}

interface Application extends AsyncDisposable {
  readonly pid: number;
  /** Until it has committed that many times more, without one error. */
  workOn(commitCount: number): Promise<void>;
  /** Closes its connection, as an application that is stopped in order does. */
  stop(): Promise<void>;
  kill(): Promise<void>;
}

/** One connection that never checkpoints and that reads nearly every page from the files again. */
async function startApplication(path: string, autocheckpoint = 0): Promise<Application> {
  const process: SqlProcess = startSqlProcess();
  await process.run(path, `PRAGMA wal_autocheckpoint = ${autocheckpoint}; PRAGMA cache_size = 5`);
  let working = true;
  let commitCount = 0;
  const work = async () => {
    while (working) {
      await process.run(
        path,
        "INSERT INTO written(payload) VALUES (randomblob(2000));" +
          "UPDATE written SET payload = randomblob(2000) WHERE id % 37 = abs(random()) % 37;" +
          "SELECT sum(length(payload)) FROM written",
      );
      commitCount += 2;
      if (commitCount % 20 !== 0) continue;
      const answer = await process.run(path, "PRAGMA quick_check");
      expect(answer).toEqual([{ quick_check: "ok" }]);
    }
  };
  let failure: unknown = null;
  const ended = work().catch((error: unknown) => {
    failure = error;
  });
  const workOn = async (more: number) => {
    const wanted = commitCount + more;
    await waitFor(
      `${more} commits`,
      () => {
        if (failure !== null) throw failure;
        return commitCount >= wanted;
      },
      { deadlineMs: 15_000 },
    );
  };
  const rest = async () => {
    working = false;
    await ended;
    if (failure !== null) throw failure;
  };
  return {
    pid: process.pid,
    workOn,
    stop: async () => {
      await rest();
      expect(await process.run(path, "PRAGMA integrity_check")).toEqual([{ integrity_check: "ok" }]);
      await process.close(path);
      await process.kill();
    },
    kill: async () => {
      await rest();
      await process.kill();
    },
    [Symbol.asyncDispose]: async () => {
      working = false;
      await ended;
      await process[Symbol.asyncDispose]();
    },
  };
}

function refusals(daemon: Daemon): readonly unknown[] {
  return daemon.log.filter((line) => line.msg === "guard refused").map((line) => line.guard);
}

async function waitUntilLooked(daemon: Daemon): Promise<void> {
  await daemon.waitForLog("startup of every database ended");
}

/** Until the last look is so much later than the present one. */
async function lookedFor(daemon: Daemon, durationMs: number): Promise<void> {
  const lastLookMs = async () => Date.parse((await statusOf(daemon, "k")).observedAt ?? "");
  const fromMs = await lastLookMs();
  await waitFor("more looks", async () => (await lastLookMs()) >= fromMs + durationMs, {
    deadlineMs: 15_000,
  });
}

interface Shm {
  readonly mxFrame: number;
  /** What a checkpoint writes: nBackfill and nBackfillAttempted (wal.c, WalCkptInfo). */
  readonly backfilled: readonly number[];
}

function readShm(path: string): Shm {
  const shm = readFileSync(`${path}-shm`);
  return { mxFrame: shm.readUInt32LE(16), backfilled: [shm.readUInt32LE(96), shm.readUInt32LE(128)] };
}

/** Refused for several checkpoint intervals, while the application writes: only what it does itself is done. */
async function expectUntouched(restore: Restore, daemon: Daemon, application: Application): Promise<void> {
  const { path } = restore;
  // A commit after the last checkpoint is what a further one would find to copy.
  await application.workOn(2);
  const database = readFileSync(path);
  const { mxFrame, backfilled } = readShm(path);
  // What comes after the committed frames may be written twice, when a small cache spills.
  const committedBytes = 32 + mxFrame * (24 + 4096);
  const wal = readFileSync(`${path}-wal`).subarray(0, committedBytes);
  const fromIndex = daemon.log.length;
  await Promise.all([lookedFor(daemon, watchedForMs), application.workOn(10)]);
  expect(readFileSync(path).equals(database)).toBe(true);
  // The application only appends.
  expect(readFileSync(`${path}-wal`).subarray(0, committedBytes).equals(wal)).toBe(true);
  const shm = readShm(path);
  expect(shm.mxFrame).toBeGreaterThan(mxFrame);
  expect(shm.backfilled).toEqual(backfilled);
  expect(daemon.log.slice(fromIndex).map((line) => line.msg)).not.toContain("periodic-checkpoint completed");
}

/** Once nothing of the earlier file is left, the daemon goes on by itself. */
async function expectRestored(restore: Restore, daemon: Daemon): Promise<void> {
  const fromIndex = daemon.log.length;
  restore.moveWalAway();
  await daemon.waitForLog("guard cleared", { fromIndex });
  const status = await waitFor("the startup sequence to end", async () => {
    const now = await statusOf(daemon, "k");
    return now.startup.stage === "ended" && now.mode === "enforce" ? now : null;
  });
  expect(status.readiness.checks.find(({ name }) => name === "guards")?.state).toBe("ok");
  const found = await verifyRows(restore.path);
  expect(found.integrityMessages).toEqual(["ok"]);
  expect(found.rows.size).toBe(restoredRowCount);
}

async function expectRefusal(daemon: Daemon, words: string): Promise<void> {
  expect(await waitForCheck(daemon, "k", "guards", "failed", words)).toStartWith(`${guard}: `);
  const status = await statusOf(daemon, "k");
  expect(status.readiness.ready).toBe(false);
  expect(status.mode).toBe("observe");
  expect(status.modeReason).toStartWith(`${guard}: `);
  expect(status.modeReason).toContain(words);
}

for (const when of ["while the daemon watches", "before the daemon starts"] as const) {
  test.concurrent(
    `replaced by a restore ${when}, and the application goes on: it sees no error and nothing is opened`,
    async () => {
      using directory = makeTempDirectory();
      const restore = makeRestore(directory);
      await using application = await startApplication(restore.path);
      await application.workOn(4);
      const early = when === "while the daemon watches" ? await restore.startDaemon() : null;
      await using _early = early ?? undefined;
      if (early !== null) {
        await early.waitForLog("periodic-checkpoint completed");
        await application.workOn(4);
      }
      restore.restore();
      const restored = readFileSync(restore.path);
      const daemon = early ?? (await restore.startDaemon());
      await using _daemon = daemon;
      await expectRefusal(daemon, `process ${application.pid} (`);
      await expectUntouched(restore, daemon, application);
      expect(readFileSync(restore.path).equals(restored)).toBe(true);
      await application.stop();
      // Its WAL stays, for SQLite leaves it to a file that has moved.
      await lookedFor(daemon, 3 * checkpointIntervalMs);
      await expectRefusal(daemon, "belongs to the file that was at");
      expect(readFileSync(restore.path).equals(restored)).toBe(true);
      await expectRestored(restore, daemon);
      expect(refusals(daemon)).toEqual([guard]);
    },
    testTimeoutMs,
  );
}

test.concurrent(
  "the application goes on in the replaced file, checkpoints by itself and is killed: its WAL is not taken for the new file's",
  async () => {
    using directory = makeTempDirectory();
    const restore = makeRestore(directory);
    // So small that its WAL starts over with nearly every commit.
    await using application = await startApplication(restore.path, 1);
    await using daemon = await restore.startDaemon();
    await waitUntilLooked(daemon);
    restore.restore();
    const restored = readFileSync(restore.path);
    await expectRefusal(daemon, `process ${application.pid} (`);
    await application.workOn(10);
    await application.kill();
    await expectRefusal(daemon, "belongs to the file that was at");
    await lookedFor(daemon, 3 * checkpointIntervalMs);
    expect(readFileSync(restore.path).equals(restored)).toBe(true);
    await expectRestored(restore, daemon);
    expect(refusals(daemon)).toEqual([guard]);
  },
  testTimeoutMs,
);

test.concurrent(
  "killed, and then replaced by a restore while the daemon watches: its WAL is not taken for the new file's",
  async () => {
    using directory = makeTempDirectory();
    // No round of ours, nor one ahead of the schedule, may be under way when the application is killed.
    const restore = makeRestore(directory, "off");
    await using application = await startApplication(restore.path);
    await using daemon = await restore.startDaemon();
    await waitUntilLooked(daemon);
    await application.workOn(4);
    await application.kill();
    restore.restore();
    const folder = fileBytes(dirname(restore.path));
    await expectRefusal(daemon, "belongs to the file that was at");
    await lookedFor(daemon, watchedForMs);
    expect(await act(daemon, "k", "checkpoint")).toMatchObject({
      body: { message: expect.stringContaining(guard) },
    });
    expect(fileBytes(dirname(restore.path))).toEqual(folder);
    await expectRestored(restore, daemon);
    expect(refusals(daemon)).toEqual([guard]);
  },
  testTimeoutMs,
);

test.concurrent(
  "connections that come and go, a rollback journal and locking_mode=EXCLUSIVE are no WAL of another file",
  async () => {
    using directory = makeTempDirectory();
    const path = (name: string) => dataPath(directory, `${name}.db`);
    // Rows of their own: the two share one table, and each tries again until its row is in.
    await using opening = startOpeningWriter({ path: path("k"), journalMode: "WAL", pauseMs: 1 });
    await opening.waitForMoreRows(1);
    await using openingToo = startOpeningWriter({ path: path("k"), journalMode: "WAL", pauseMs: 2 });
    await using rollback = await startBunWriter({
      path: path("rollback"),
      journalMode: "DELETE",
      pauseMs: 2,
    });
    await using exclusive = await startBunWriter({ path: path("exclusive"), lockingMode: "EXCLUSIVE" });
    const databases = ["k", "rollback", "exclusive"].map((name) => ({
      name,
      path: path(name),
      checkpoint: { schedule: `${checkpointIntervalMs}ms` },
    }));
    await using daemon = await startWatching(directory, { observeInterval: "20ms", databases });
    await waitUntilLooked(daemon);
    await daemon.waitForLog("guard refused", { database: "exclusive" });
    await Promise.all([
      lookedFor(daemon, 10 * checkpointIntervalMs),
      ...[opening, openingToo, rollback, exclusive].map((writer) => writer.waitForMoreRows(20)),
    ]);
    expect(refusals(daemon)).not.toContain(guard);
    expect(refusals(daemon)).toContain("exclusive_lock");
  },
  testTimeoutMs,
);

// Alone, for it is about what is said at the first looks; and behind the others, which run side by side.
test(
  "an application that lost its lock, for it read and closed the file itself, is not told to move its WAL away",
  async () => {
    using directory = makeTempDirectory();
    const restore = makeRestore(directory);
    // Closing any descriptor of a file drops all locks of the process (sqlite.org/howtocorrupt.html, 2.2).
    const program = `
      const database = new (require("bun:sqlite").Database)(${JSON.stringify(restore.path)});
      database.exec("PRAGMA wal_autocheckpoint = 0; DELETE FROM written WHERE id = 1");
      require("node:fs").readFileSync(${JSON.stringify(restore.path)});
      console.log("read");
      process.stdin.on("end", () => process.exit(0)).resume();`;
    await using application = spawnProcess({ command: [process.execPath, "--no-env-file", "-e", program] });
    await application.waitForLine("read");
    await using daemon = await restore.startDaemon();
    const reason = await waitForCheck(daemon, "k", "guards", "failed");
    expect(reason).toStartWith(`open_without_locks: process ${application.pid} (`);
    await application.kill();
    await daemon.waitForLog("guard cleared");
    await daemon.waitForLog("periodic-checkpoint completed");
    expect(refusals(daemon)).toEqual(["open_without_locks"]);
    expect((await verifyRows(restore.path)).rows.size).toBe(restoredRowCount - 1);
  },
  testTimeoutMs,
);
