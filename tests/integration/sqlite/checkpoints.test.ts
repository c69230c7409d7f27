import { expect, test } from "bun:test";
import type { Operation } from "../../../src/domain/operation.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { verifyRows } from "../../support/verifyRows.ts";
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
const truncate = {
  kind: "truncateCheckpoint",
  profile,
  holdBudgetMs: 1_000,
  aloneOnDevice: null,
  keeperPid: null,
} as const;

function locked(path: string, options: Partial<Extract<Operation, { kind: "lockedCheckpoint" }>> = {}) {
  return {
    kind: "lockedCheckpoint",
    profile,
    acquireBudgetMs: 1_000,
    holdBudgetMs: 200,
    completeWithinMs: 100,
    drainReaders: true,
    mountDevice: mountDeviceOf(path),
    ...options,
  } as const;
}

test("PASSIVE brings a left WAL into the database and leaves the file where it is", async () => {
  using directory = makeTempDirectory();
  await using test = makePool();
  const path = directory.file("a.db");
  await leaveWal(path, 50);
  const walBytes = bytesOf(`${path}-wal`);
  const result = expectOk(await test.pool.run(passive, targetOf(path), short));
  expect(result.busy).toBe(false);
  expect(result.logFrameCount).toBeGreaterThan(50);
  expect(result.checkpointedFrameCount).toBe(result.logFrameCount);
  expect(bytesOf(`${path}-wal`)).toBe(walBytes);
});

test("a database that is not in WAL mode answers -1 frames, and nothing is locked", async () => {
  using directory = makeTempDirectory();
  await using test = makePool();
  const path = directory.file("a.db");
  const rollback = { ...profile, journalMode: "DELETE" } as const;
  expectOk(await test.pool.run({ kind: "create", profile: rollback }, { path, identity: null }, short));
  const target = targetOf(path);
  expect(expectOk(await test.pool.run(passive, target, short)).logFrameCount).toBe(-1);
  expect(expectOk(await test.pool.run(locked(path), target, short))).toMatchObject({
    acquired: false,
    heldMs: 0,
  });
  expect(expectOk(await test.pool.run(truncate, target, short))).toMatchObject({
    truncated: false,
    heldMs: 0,
  });
});

test("a reader on an old snapshot keeps PASSIVE and the locked checkpoint incomplete, within the budget", async () => {
  using directory = makeTempDirectory();
  await using test = makePool();
  const path = directory.file("a.db");
  await using writer = await startBunWriter({ path, autocheckpoint: 0, pauseMs: 5, busyTimeoutMs: 5_000 });
  await writer.waitForRows(3);
  await using reader = await startBunWriter({ path, mode: "holdReader" });
  await writer.waitForMoreRows(10);
  const target = targetOf(path);
  const incomplete = expectOk(await test.pool.run(passive, target, short));
  expect(incomplete.busy).toBe(false);
  expect(incomplete.checkpointedFrameCount).toBeLessThan(incomplete.logFrameCount);

  // Given up when what is left of the budget would not outlast readers.
  const budgets = { holdBudgetMs: 2_000, completeWithinMs: 200 };
  const held = expectOk(await test.pool.run(locked(path, budgets), target, short));
  expect(held).toMatchObject({ acquired: true, complete: false, reset: false });
  expect(held).toMatchObject({ completeMs: null, drainMs: null });
  expect(held.heldMs).toBeGreaterThan(150);
  expect(held.heldMs).toBeLessThan(1_000);

  expect(expectOk(await test.pool.run(truncate, target, short))).toMatchObject({
    truncated: false,
    heldMs: 0,
  });
  await reader.release();
  await writer.stop();
});

test("a reader on the newest snapshot leaves the locked checkpoint complete but not reset", async () => {
  using directory = makeTempDirectory();
  await using test = makePool();
  const path = directory.file("a.db");
  await using writer = await startBunWriter({ path, autocheckpoint: 0, rowCount: 20 });
  await writer.waitForRows(20);
  await using reader = await startBunWriter({ path, mode: "holdReader" });
  const target = targetOf(path);
  const run = async (options: Parameters<typeof locked>[1]) =>
    expectOk(await test.pool.run(locked(path, options), target, short));
  expect(await run({ holdBudgetMs: 60 })).toMatchObject({ acquired: true, complete: true, reset: false });
  expect(await run({ mountDevice: null })).toMatchObject({ complete: true, reset: false });
  await reader.release();
  expect(await run({ mountDevice: null })).toMatchObject({ complete: true, reset: false });
  expect(await run({ drainReaders: false })).toMatchObject({ complete: true, reset: true });
});

test("after a reset the writer begins the WAL anew: the file does not grow", async () => {
  using directory = makeTempDirectory();
  await using test = makePool();
  const path = directory.file("a.db");
  await using writer = await startBunWriter({
    path,
    autocheckpoint: 0,
    pauseMs: 1,
    rowBytes: 5_000,
    busyTimeoutMs: 5_000,
  });
  await writer.waitForRows(100);
  expect(expectOk(await test.pool.run(locked(path), targetOf(path), short)).reset).toBe(true);
  const walBytes = bytesOf(`${path}-wal`) ?? 0;
  await writer.waitForMoreRows(40);
  expect(bytesOf(`${path}-wal`)).toBe(walBytes);
  await writer.stop();
  expect(writer.errors).toEqual([]);
  const rows = await verifyRows(path);
  expect(writer.acknowledged.filter((row) => !rows.rows.has(row))).toEqual([]);
});

test("a write lock that is not to be had is given up after the acquire budget, with nothing done", async () => {
  using directory = makeTempDirectory();
  await using test = makePool();
  const path = directory.file("a.db");
  await using writer = await startBunWriter({ path, mode: "holdWriter" });
  const result = expectOk(await test.pool.run(locked(path, { acquireBudgetMs: 50 }), targetOf(path), short));
  expect(result).toMatchObject({ acquired: false, heldMs: 0, complete: false, reset: false });
  expect(result.acquireMs).toBeGreaterThanOrEqual(50);
  await writer.release();
});

test("TRUNCATE shrinks the file of a database at rest to nothing", async () => {
  using directory = makeTempDirectory();
  await using test = makePool();
  const path = directory.file("a.db");
  await leaveWal(path, 50);
  const result = expectOk(await test.pool.run(truncate, targetOf(path), short));
  expect(result).toMatchObject({ busy: false, truncated: true });
  expect(bytesOf(`${path}-wal`)).toBe(0);
});

test("TRUNCATE that is meant for a database that nobody has open leaves the WAL to whoever has connected since", async () => {
  using directory = makeTempDirectory();
  await using test = makePool();
  const path = directory.file("a.db");
  await leaveWal(path, 50);
  const alone = { ...truncate, aloneOnDevice: mountDeviceOf(path) };
  await using application = await startBunWriter({
    path,
    autocheckpoint: 0,
    firstRow: 1_000,
    rowCount: 5,
  });
  await application.waitForRows(5);
  expect(expectOk(await test.pool.run(alone, targetOf(path), short))).toMatchObject({
    busy: true,
    truncated: false,
    heldMs: 0,
  });
  await application.kill();
  expect(expectOk(await test.pool.run(alone, targetOf(path), short)).truncated).toBe(true);
  expect(bytesOf(`${path}-wal`)).toBe(0);
});
