import { expect, test } from "bun:test";
import { readdirSync, readlinkSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { spawnProcess } from "../../support/childProcess.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { verifyRows } from "../../support/verifyRows.ts";
import { waitFor } from "../../support/waitFor.ts";
import { startBunWriter } from "../../support/writers/startBunWriter.ts";
import {
  bytesOf,
  expectOk,
  leaveWal,
  makePool,
  mountDeviceOf,
  profile,
  short,
  targetOf,
} from "../worker/harness.ts";

const passive = { kind: "passiveCheckpoint", profile } as const;
const rowBytes = 200_000;
const rowCount = 60;

const script = (name: string, path: string) => ({
  command: [process.execPath, "--no-env-file", join(import.meta.dir, name), path],
});

/**
 * An application without a busy timeout that opens, reads and closes again and again. SQLITE_BUSY tells that
 * somebody had the database exclusively. SQLITE_BUSY_RECOVERY is another matter: whoever opens a left WAL
 * when nobody else has it open must read it through, and who comes meanwhile has to wait, with or without us.
 */
async function startOpener(path: string) {
  const opener = spawnProcess(script("opener.ts", path));
  await opener.waitForLine("opened 10");
  const errors = () => opener.lines.filter((line) => line === "error SQLITE_BUSY");
  return { opener, errors };
}

test("nobody who opens meanwhile without a busy timeout is locked out, and the WAL stays", async () => {
  using directory = makeTempDirectory();
  await using test = makePool();
  const path = directory.file("a.db");
  await leaveWal(path, rowCount, rowBytes);
  const walBytes = bytesOf(`${path}-wal`);
  const { opener, errors } = await startOpener(path);
  const target = targetOf(path);
  const budgets = {
    acquireBudgetMs: 100,
    holdBudgetMs: 50,
    completeWithinMs: 25,
    drainReaders: true,
    mountDevice: mountDeviceOf(path),
  };
  for (let round = 1; round <= 15; round += 1) {
    expectOk(await test.pool.run(passive, target, short));
    expectOk(await test.pool.run({ kind: "applyProfile", profile, setJournalMode: true }, target, short));
    expectOk(await test.pool.run({ kind: "lockedCheckpoint", profile, ...budgets }, target, short));
  }
  expect(errors()).toEqual([]);
  expect(bytesOf(`${path}-wal`)).toBe(walBytes);
  expect(bytesOf(`${path}-shm`)).not.toBeNull();
  await opener[Symbol.asyncDispose]();
});

test("the same beside a plain last close is refused: the test above can fail", async () => {
  using directory = makeTempDirectory();
  const path = directory.file("a.db");
  let refusedCount = 0;
  for (let round = 1; round <= 25 && refusedCount === 0; round += 1) {
    await leaveWal(path, rowCount, rowBytes);
    const { opener, errors } = await startOpener(path);
    for (let close = 1; close <= 5 && errors().length === 0; close += 1) {
      await using closer = spawnProcess(script("plainClose.ts", path));
      await closer.exited;
    }
    refusedCount = errors().length;
    await opener[Symbol.asyncDispose]();
    for (const suffix of ["", "-wal", "-shm"]) rmSync(path + suffix, { force: true });
  }
  expect(refusedCount).toBeGreaterThan(0);
}, 30_000);

test("a database that was renamed while a worker had it open does not take the new one's WAL with it", async () => {
  using directory = makeTempDirectory();
  await using test = makePool();
  const path = directory.file("a.db");
  await leaveWal(path, 5);
  await using holder = await startBunWriter({ path, mode: "holdWriter", busyTimeoutMs: 5_000 });
  const operation = {
    kind: "lockedCheckpoint",
    profile,
    acquireBudgetMs: 20_000,
    holdBudgetMs: 50,
    completeWithinMs: 25,
    drainReaders: false,
    mountDevice: null,
  } as const;
  const run = test.pool.run(operation, targetOf(path), short);
  // The write lock is not to be had, so by now the worker is waiting with its connections open.
  await holder.process.waitForLine(/^holding$/);
  const [pid = 0] = test.pool.ownPids();
  await waitForOpenFiles(pid, `${path}-wal`, 2);
  for (const suffix of ["", "-wal", "-shm"]) renameSync(path + suffix, `${path}.old${suffix}`);
  await leaveWal(path, 7);
  const walBytes = bytesOf(`${path}-wal`);
  // Now the worker is the last one on the old file, and the path of its WAL leads to the new one.
  await holder.kill();
  expectOk(await run);
  expect(bytesOf(`${path}-wal`)).toBe(walBytes);
  expect((await verifyRows(path)).rows.size).toBe(7);
});

/** Until the process has `count` descriptors of the file. */
async function waitForOpenFiles(pid: number, path: string, count: number): Promise<void> {
  const links = () =>
    readdirSync(`/proc/${pid}/fd`).filter((name) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${name}`) === path;
      } catch {
        return false;
      }
    });
  await waitFor(`${count} descriptors of ${path}`, () => links().length >= count);
}
