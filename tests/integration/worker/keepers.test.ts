/**
 * Whether the WAL-index was recovered anew tells nBackfill in it: recovery sets it to 0 (SQLite src/wal.c,
 * walIndexRecover), and nothing else does before the WAL starts over. This process never opens the databases with SQLite.
 */
import { expect, test } from "bun:test";
import { existsSync, readFileSync, statSync } from "node:fs";
import { lockCoversByte, parseProcLocks } from "../../../src/format/procLocks.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { waitFor } from "../../support/waitFor.ts";
import { startBunWriter } from "../../support/writers/startBunWriter.ts";
import {
  bytesOf,
  expectOk,
  leaveWal,
  long,
  makePool,
  mountDeviceOf,
  profile,
  short,
  targetOf,
} from "./harness.ts";

const passive = { kind: "passiveCheckpoint", profile } as const;
const quickCheck = {
  kind: "integrityCheck",
  profile,
  check: "quick_check",
  findingsMax: 10,
  part: { kind: "whole" },
  memoryMapped: true,
} as const;
const deadlineMs = 20_000;
const nBackfillOffset = 96;
const shmLockBytes = [120, 121, 122, 123, 124, 125, 126, 127, 128];

function backfilledFrameCount(path: string): number {
  const shm = readFileSync(`${path}-shm`);
  return new DataView(shm.buffer, shm.byteOffset).getUint32(nBackfillOffset, true);
}

/** Of SQLite's locks on -shm, those that the process holds. */
function bytesLockedBy(pid: number, path: string): readonly number[] {
  const inode = String(statSync(`${path}-shm`).ino);
  const device = mountDeviceOf(`${path}-shm`);
  const locks = parseProcLocks(readFileSync("/proc/locks", "utf8")).filter(
    (lock) => lock.pid === pid && lock.inode === inode && lock.device === device,
  );
  return shmLockBytes.filter((byte) => locks.some((lock) => lockCoversByte(lock, byte)));
}

async function keep(pool: ReturnType<typeof makePool>["pool"], path: string) {
  const { kept } = expectOk(await pool.keepOpen(targetOf(path), profile, deadlineMs));
  if (kept === null) throw new Error("it was not kept");
  return kept;
}

test("while a database is kept connected its WAL is not recovered anew; afterwards it is", async () => {
  using directory = makeTempDirectory();
  await using test = makePool();
  const path = directory.file("a.db");
  await leaveWal(path, 50);
  const kept = await keep(test.pool, path);
  const { checkpointedFrameCount } = expectOk(await test.pool.run(passive, targetOf(path), short));
  expect(checkpointedFrameCount).toBeGreaterThan(0);
  expectOk(await test.pool.run(quickCheck, targetOf(path), long));
  expect(backfilledFrameCount(path)).toBe(checkpointedFrameCount);
  kept.letGo();
  await waitFor("it to be let go", () => bytesLockedBy(kept.pid, path).length === 0);
  expectOk(await test.pool.run(quickCheck, targetOf(path), long));
  expect(backfilledFrameCount(path)).toBe(0);
  expect(test.failures).toEqual([]);
});

test("a kept connection holds the lock of whoever is connected, and no read mark", async () => {
  using directory = makeTempDirectory();
  await using test = makePool();
  const path = directory.file("a.db");
  await leaveWal(path, 50);
  const kept = await keep(test.pool, path);
  expect(bytesLockedBy(kept.pid, path)).toEqual([128]);
  expect(test.pool.ownPids().has(kept.pid)).toBe(true);
});

test("letting go leaves the WAL as it is: nothing is checkpointed or deleted", async () => {
  using directory = makeTempDirectory();
  await using test = makePool();
  const path = directory.file("a.db");
  await leaveWal(path, 50);
  const walBefore = readFileSync(`${path}-wal`);
  const databaseBefore = readFileSync(path);
  const kept = await keep(test.pool, path);
  kept.letGo();
  await waitFor("it to be let go", () => bytesLockedBy(kept.pid, path).length === 0);
  expect(readFileSync(`${path}-wal`).equals(walBefore)).toBe(true);
  expect(readFileSync(path).equals(databaseBefore)).toBe(true);
});

test("a database in rollback mode is not kept, and a writer of it is in nobody's way", async () => {
  using directory = makeTempDirectory();
  await using test = makePool();
  const path = directory.file("a.db");
  await using application = await startBunWriter({ path, journalMode: "DELETE", pauseMs: 1 });
  await application.waitForRows(3);
  const outcome = await test.pool.keepOpen(targetOf(path), profile, deadlineMs);
  expect(expectOk(outcome).kept).toBeNull();
  await application.waitForMoreRows(20);
  expect(existsSync(`${path}-shm`)).toBe(false);
});

test("the keeper stays for as long as it keeps something, and leaves when it was idle afterwards", async () => {
  using directory = makeTempDirectory();
  await using test = makePool({ idleExitMs: 100 });
  const path = directory.file("a.db");
  await leaveWal(path, 5);
  const kept = await keep(test.pool, path);
  // A worker that serves the other lane comes and goes meanwhile.
  expectOk(await test.pool.run(passive, targetOf(path), short));
  await waitFor("the other worker to leave", () => test.pool.ownPids().size === 1);
  expect(bytesLockedBy(kept.pid, path)).toEqual([128]);
  kept.letGo();
  kept.letGo();
  await waitFor("the keeper to leave", () => test.pool.ownPids().size === 0);
  expect(test.failures).toEqual([]);
});

test("a keeper that dies takes its locks with it, and all else goes on", async () => {
  using directory = makeTempDirectory();
  await using test = makePool();
  const path = directory.file("a.db");
  await leaveWal(path, 50);
  const kept = await keep(test.pool, path);
  process.kill(kept.pid, "SIGKILL");
  await waitFor("the keeper to be gone", () => !test.pool.ownPids().has(kept.pid));
  expect(bytesLockedBy(kept.pid, path)).toEqual([]);
  expectOk(await test.pool.run(passive, targetOf(path), short));
  kept.letGo();
  const again = await keep(test.pool, path);
  expect(bytesLockedBy(again.pid, path)).toEqual([128]);
  expect(test.failures).toHaveLength(1);
});

test("TRUNCATE that is for a database that nobody has open counts our keeper as nobody", async () => {
  using directory = makeTempDirectory();
  await using test = makePool();
  const path = directory.file("a.db");
  await leaveWal(path, 50);
  const { pid } = await keep(test.pool, path);
  const aloneOnDevice = mountDeviceOf(path);
  const truncate = { kind: "truncateCheckpoint", profile, holdBudgetMs: 1_000, aloneOnDevice } as const;
  const beside = expectOk(await test.pool.run({ ...truncate, keeperPid: null }, targetOf(path), short));
  expect(beside).toMatchObject({ busy: true, truncated: false });
  const own = expectOk(await test.pool.run({ ...truncate, keeperPid: pid }, targetOf(path), short));
  expect(own.truncated).toBe(true);
  expect(bytesOf(`${path}-wal`)).toBe(0);
});

test("what must come before an operation is waited for; one that is cancelled meanwhile never begins", async () => {
  using directory = makeTempDirectory();
  await using test = makePool();
  const path = directory.file("a.db");
  await leaveWal(path, 5);
  const order: string[] = [];
  const before = async () => {
    await keep(test.pool, path);
    order.push("connected");
  };
  expectOk(await test.pool.run(passive, targetOf(path), { ...short, before }));
  order.push("done");
  expect(order).toEqual(["connected", "done"]);

  const abort = new AbortController();
  const held = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const cancelled = test.pool.run(passive, targetOf(path), {
    ...short,
    signal: abort.signal,
    before: () => {
      begun.resolve();
      return held.promise;
    },
  });
  await begun.promise;
  abort.abort();
  expect(await cancelled).toMatchObject({ ok: false, reason: "stopped" });
  held.resolve();
  expectOk(await test.pool.run(passive, targetOf(path), short));
  expect(test.failures).toEqual([]);
});
