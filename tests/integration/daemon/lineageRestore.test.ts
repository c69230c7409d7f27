/**
 * A restore by cp over a database whose WAL stayed behind: whoever opens both mixes them. The daemon does not, says
 * what it saw, and following its words leads back to ready with what was restored.
 */
import { expect, test } from "bun:test";
import { copyFileSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Daemon, startDaemon } from "../../support/daemonProcess.ts";
import { makeTempDirectory, type TempDirectory } from "../../support/tempDirectory.ts";
import { verifyRows } from "../../support/verifyRows.ts";
import { waitFor } from "../../support/waitFor.ts";
import { startSqlProcess } from "../observe/sqlProcess.ts";
import { fileBytes } from "./fileBytes.ts";
import {
  dataPath,
  makeDatabase,
  phrases,
  stateDirectory,
  statusOf,
  testTimeoutMs,
  waitForCheck,
  waitUntilReady,
  writeConfig,
} from "./watched.ts";

const restoredRowCount = 100;

interface Place {
  readonly path: string;
  readonly backupPath: string;
  startDaemon(): Promise<Daemon>;
}

function makePlace(directory: TempDirectory): Place {
  const path = dataPath(directory, "k.db");
  makeDatabase(path, { rowCount: restoredRowCount, rowBytes: 1_000 });
  const backupPath = directory.file("backup");
  copyFileSync(path, backupPath);
  return {
    path,
    backupPath,
    startDaemon: () =>
      startDaemon({
        stateDirectory: stateDirectory(directory),
        arguments: [
          "--config",
          // Nothing shrinks or checkpoints the WAL by itself: it is there when the application was killed.
          writeConfig(directory, { databases: [{ name: "k", path, checkpoint: { schedule: "1h" } }] }),
        ],
      }),
  };
}

const insertRows = "INSERT INTO written(payload) SELECT randomblob(1000) FROM written LIMIT 30";

/** Commits through several lives of the WAL, as one or several openings of the application, and is killed. */
async function workAndDie(path: string, openings: number): Promise<void> {
  const application = startSqlProcess();
  for (let opening = 1; opening <= openings; opening += 1) {
    await application.run(path, "PRAGMA wal_autocheckpoint = 0");
    await application.run(path, insertRows);
    await application.run(path, "PRAGMA wal_checkpoint(RESTART)");
    await application.run(path, insertRows);
    if (opening < openings) await application.close(path);
  }
  await application.kill();
}

/**
 * One connection puts the same change counter into every page 1, and the size stays: the files alone then do not tell
 * the backup from the database that the WAL was written for.
 */
async function workUntold(path: string, looked: () => Promise<void>): Promise<void> {
  await using application = startSqlProcess();
  await application.run(path, "PRAGMA wal_autocheckpoint = 0");
  await application.run(path, "UPDATE written SET payload = randomblob(1000) WHERE id < 50");
  await application.run(path, "PRAGMA user_version = 1");
  await application.run(path, "PRAGMA wal_checkpoint(RESTART)");
  await application.run(path, "PRAGMA user_version = 2");
  await looked();
  await application.kill();
}

/** Three looks at all that is there now. */
async function looked(daemon: Daemon): Promise<void> {
  const lookedAt = async () => (await statusOf(daemon, "k")).observedAt;
  for (let look = 1; look <= 3; look += 1) {
    const before = await lookedAt();
    await waitFor("another look", async () => (await lookedAt()) !== before);
  }
}

/** Onto the same inode, as cp does it. */
function copyOver(from: string, to: string): void {
  writeFileSync(to, readFileSync(from));
}

/** On a busy machine memory may not be settled yet; then the pages of the round before tell it. */
const byMemoryOrPages =
  /neither the one that was seen beside this WAL before|not as the last checkpoint of this WAL left/;

async function expectRefusal(daemon: Daemon, path: string): Promise<string> {
  const folder = fileBytes(dirname(path));
  const reason = await waitForCheck(daemon, "k", "guards", "failed", "does not belong to what is at");
  expect(reason).toStartWith("wal_of_another_file: ");
  expect((await statusOf(daemon, "k")).readiness.ready).toBe(false);
  // Asked to, it does nothing either, and no byte of the three files has changed.
  const answer = await fetch("http://localhost/api/v1/databases/k/checkpoint", {
    method: "POST",
    unix: daemon.socketPath,
  });
  expect(await answer.text()).toContain("wal_of_another_file");
  expect(fileBytes(dirname(path))).toEqual(folder);
  return reason;
}

/** What the reason says: move -wal and -shm away. */
async function followTheAdvice(daemon: Daemon, { path }: Place, directory: TempDirectory): Promise<void> {
  const fromIndex = daemon.log.length;
  for (const suffix of ["-wal", "-shm"])
    if (existsSync(path + suffix)) renameSync(path + suffix, directory.file(`away${suffix}`));
  // What was restored is another database to the daemon: its sequence begins anew, with its checks.
  await daemon.waitForLog("startup quick_check passed", { fromIndex });
  await waitUntilReady(daemon, "k");
  expect(await daemon.stop()).toBe(0);
  const found = await verifyRows(path);
  expect(found.integrityMessages).toEqual(["ok"]);
  expect(found.rows.size).toBe(restoredRowCount);
}

for (const [how, openings] of [
  ["cp", 1],
  ["cp", 4],
  ["mv", 1],
] as const)
  test.concurrent(
    `restored by ${how} before the daemon ever ran, the application opened it ${openings} times since the backup`,
    async () => {
      using directory = makeTempDirectory();
      const place = makePlace(directory);
      await workAndDie(place.path, openings);
      if (how === "mv") renameSync(place.backupPath, place.path);
      else copyOver(place.backupPath, place.path);
      await using daemon = await place.startDaemon();
      await expectRefusal(daemon, place.path);
      await followTheAdvice(daemon, place, directory);
    },
    testTimeoutMs,
  );

test.concurrent(
  "restored by cp while the daemon runs, after the application was killed",
  async () => {
    using directory = makeTempDirectory();
    const place = makePlace(directory);
    await using daemon = await place.startDaemon();
    await waitUntilReady(daemon, "k");
    await workAndDie(place.path, 1);
    await looked(daemon);
    copyOver(place.backupPath, place.path);
    await expectRefusal(daemon, place.path);
    await followTheAdvice(daemon, place, directory);
  },
  testTimeoutMs,
);

for (const howLong of ["at once", "long after"])
  test.concurrent(
    `restored by cp ${howLong} while the daemon runs, and the right database is put back: every commit is there`,
    async () => {
      using directory = makeTempDirectory();
      const place = makePlace(directory);
      await using daemon = await place.startDaemon();
      await waitUntilReady(daemon, "k");
      await workAndDie(place.path, 1);
      if (howLong === "long after") await looked(daemon);
      copyFileSync(place.path, directory.file("right"));
      copyOver(place.backupPath, place.path);
      await expectRefusal(daemon, place.path);
      copyOver(directory.file("right"), place.path);
      await waitUntilReady(daemon, "k");
      expect(await daemon.stop()).toBe(0);
      const found = await verifyRows(place.path);
      expect(found.integrityMessages).toEqual(["ok"]);
      expect(found.rows.size).toBe(restoredRowCount + 60);
    },
    testTimeoutMs,
  );

test.concurrent(
  "restored by cp in order, with nothing left beside it: the sequence begins anew by itself",
  async () => {
    using directory = makeTempDirectory();
    const place = makePlace(directory);
    const application = startSqlProcess();
    await application.run(place.path, insertRows);
    await application.close(place.path);
    await application.kill();
    await using daemon = await place.startDaemon();
    await waitUntilReady(daemon, "k");
    for (const suffix of ["-wal", "-shm"])
      if (existsSync(place.path + suffix)) renameSync(place.path + suffix, directory.file(`away${suffix}`));
    copyOver(place.backupPath, place.path);
    const line = await daemon.waitForLog("database rolled back");
    expect(Number(line.changeCounter)).toBeLessThan(Number(line.changeCounterBefore));
    await waitUntilReady(daemon, "k");
    expect(phrases(daemon, "k")).not.toContain("guard refused");
  },
  testTimeoutMs,
);

test.concurrent(
  "restored by cp while the daemon runs, with a backup that only its memory tells from the right database",
  async () => {
    using directory = makeTempDirectory();
    const place = makePlace(directory);
    await using daemon = await place.startDaemon();
    await waitUntilReady(daemon, "k");
    await workUntold(place.path, () => looked(daemon));
    copyOver(place.backupPath, place.path);
    const reason = await expectRefusal(daemon, place.path);
    expect(reason).toMatch(byMemoryOrPages);
    await followTheAdvice(daemon, place, directory);
  },
  testTimeoutMs,
);

test.concurrent(
  "restored by cp between two lives of the daemon, with a backup that only its ledger tells from the right database",
  async () => {
    using directory = makeTempDirectory();
    const place = makePlace(directory);
    const ledgerPath = join(stateDirectory(directory), "ledger.json");
    await using earlier = await place.startDaemon();
    await waitUntilReady(earlier, "k");
    await workUntold(place.path, async () => {
      const salt1 = readFileSync(`${place.path}-wal`).readUInt32BE(16);
      // A look reads the header before the WAL: it may have found the header of before the checkpoint.
      const headerHex = readFileSync(place.path).subarray(0, 100).toString("hex");
      const isNoted = (text: string) => text.includes(`${salt1}`) && text.includes(headerHex);
      await waitFor(
        "the ledger to have this WAL",
        () => existsSync(ledgerPath) && isNoted(readFileSync(ledgerPath, "utf8")),
        { deadlineMs: 15_000 },
      );
    });
    await earlier.kill();
    copyOver(place.backupPath, place.path);
    await using daemon = await place.startDaemon();
    const reason = await expectRefusal(daemon, place.path);
    expect(reason).toMatch(byMemoryOrPages);
    await followTheAdvice(daemon, place, directory);
  },
  testTimeoutMs,
);

/** The daemon has noted what the killed application left, and is killed as well. */
async function noteAndDie(place: Place): Promise<void> {
  await using daemon = await place.startDaemon();
  await waitUntilReady(daemon, "k");
  await workAndDie(place.path, 1);
  await looked(daemon);
  await daemon.kill();
}

for (const how of ["cp", "VACUUM INTO", "the right file"] as const)
  test.concurrent(
    `restored between two lives of the daemon (${how}): guard and restart verdict say the same`,
    async () => {
      using directory = makeTempDirectory();
      const place = makePlace(directory);
      await noteAndDie(place);
      if (how === "the right file") copyFileSync(place.path, place.backupPath);
      if (how === "VACUUM INTO") await vacuumInto(place, directory.file("vacuumed"));
      copyOver(place.backupPath, place.path);
      await using daemon = await place.startDaemon();
      if (how === "the right file") {
        await waitUntilReady(daemon, "k");
        return;
      }
      await expectRefusal(daemon, place.path);
      const { restartVerdict } = await statusOf(daemon, "k");
      expect(["undecidable", "rolled-back"]).toContain(restartVerdict?.kind ?? "none");
      expect(restartVerdict?.reason).toContain("does not belong to the database");
      const line = await daemon.waitForLog("restart verdict");
      expect(line.verdict).toBe(restartVerdict?.kind);
      await followTheAdvice(daemon, place, directory);
    },
    testTimeoutMs,
  );

/** The same rows in other pages. */
async function vacuumInto({ backupPath }: Place, to: string): Promise<void> {
  await using application = startSqlProcess();
  await application.run(backupPath, `VACUUM INTO '${to}'`);
  await application.close(backupPath);
  await application.run(to, "PRAGMA journal_mode = WAL");
  await application.close(to);
  renameSync(to, backupPath);
}
