import { expect, test } from "bun:test";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { missingRows, verifyRows } from "../../support/verifyRows.ts";
import { isCompleteWal, readWalCounts, watchForLeftWal } from "../../support/walCounts.ts";
import { startBunWriter } from "../../support/writers/startBunWriter.ts";
import { bytesOf, expectOk, makePool, mountDeviceOf, profile, short, targetOf } from "../worker/harness.ts";

function guarded(path: string, options: { acquireBudgetMs?: number; settleMs?: number } = {}) {
  return {
    kind: "guardedTruncate",
    profile,
    holdBudgetMs: 50,
    acquireBudgetMs: 0,
    settleMs: 3_000,
    mountDevice: mountDeviceOf(path),
    ...options,
  } as const;
}

test("beside an application that rests the WAL is copied, reset and emptied in one go", async () => {
  using directory = makeTempDirectory();
  await using fixture = makePool();
  const path = directory.file("a.db");
  await using writer = await startBunWriter({ path, autocheckpoint: 0, rowCount: 50 });
  await writer.waitForRows(50);
  const result = expectOk(await fixture.pool.run(guarded(path), targetOf(path), short));
  expect(result).toMatchObject({ truncated: true, leftComplete: false, reason: "" });
  expect(bytesOf(`${path}-wal`)).toBe(0);
  expect(readWalCounts(path)).toMatchObject({ mxFrame: 0, nBackfill: 0 });
  await writer.stop();
  expect(missingRows(writer.acknowledged, await verifyRows(path))).toEqual([]);
});

test("a WAL that others had completed is reset too", async () => {
  using directory = makeTempDirectory();
  await using fixture = makePool();
  const path = directory.file("a.db");
  await using writer = await startBunWriter({ path, autocheckpoint: 0, rowCount: 50 });
  await writer.waitForRows(50);
  expectOk(await fixture.pool.run({ kind: "passiveCheckpoint", profile }, targetOf(path), short));
  expect(isCompleteWal(readWalCounts(path))).toBe(true);
  expect(expectOk(await fixture.pool.run(guarded(path), targetOf(path), short)).truncated).toBe(true);
});

test.each(["holdReader", "holdWriter"] as const)(
  "while another process is at work (%s) not one frame is copied",
  async (mode) => {
    using directory = makeTempDirectory();
    await using fixture = makePool();
    const path = directory.file("a.db");
    await using writer = await startBunWriter({ path, autocheckpoint: 0, rowCount: 20 });
    await writer.waitForRows(20);
    await using other = await startBunWriter({ path, mode });
    const result = expectOk(await fixture.pool.run(guarded(path), targetOf(path), short));
    expect(result).toMatchObject({ truncated: false, leftComplete: false, heldMs: 0 });
    expect(result.reason).toContain("readers, a writer or a checkpoint of others");
    expect(readWalCounts(path)?.nBackfill).toBe(0);
    await other.release();
    expect(expectOk(await fixture.pool.run(guarded(path), targetOf(path), short)).truncated).toBe(true);
  },
);

test("between copying and reset the WAL of a resting application is never left complete to others", async () => {
  using directory = makeTempDirectory();
  await using fixture = makePool();
  const path = directory.file("a.db");
  await using writer = await startBunWriter({ path, autocheckpoint: 0, rowCount: 1 });
  await writer.waitForRows(1);
  let lookCount = 0;
  for (let round = 1; round <= 10; round += 1) {
    await using more = await startBunWriter({
      path,
      autocheckpoint: 0,
      rowCount: 20,
      firstRow: round * 1_000,
    });
    await more.waitForRows(20);
    const watch = watchForLeftWal(path);
    expect(expectOk(await fixture.pool.run(guarded(path), targetOf(path), short)).truncated).toBe(true);
    const seen = await watch.end();
    lookCount += seen.lookCount;
    expect(seen.leftCount).toBe(0);
    await more.kill();
  }
  expect(lookCount).toBeGreaterThan(100);
}, 60_000);

test("beside writers that go on no complete WAL is ever left to them, and it is reset all the same", async () => {
  using directory = makeTempDirectory();
  await using fixture = makePool();
  const path = directory.file("a.db");
  const options = { path, autocheckpoint: 0, pauseMs: 3, busyTimeoutMs: 5_000 } as const;
  await using first = await startBunWriter(options);
  await first.waitForRows(5);
  await using second = await startBunWriter({ ...options, firstRow: 1_000_000 });
  await second.waitForRows(5);
  const watch = watchForLeftWal(path);
  let truncatedCount = 0;
  for (let round = 1; round <= 15; round += 1) {
    const result = expectOk(
      await fixture.pool.run(guarded(path, { acquireBudgetMs: 200 }), targetOf(path), short),
    );
    expect(result.leftComplete).toBe(false);
    if (result.truncated) truncatedCount += 1;
    await first.waitForMoreRows(3);
  }
  const { lookCount, leftCount } = await watch.end();
  await Promise.all([first.stop(), second.stop()]);
  expect({ leftCount, errors: [...first.errors, ...second.errors] }).toEqual({ leftCount: 0, errors: [] });
  expect(lookCount).toBeGreaterThan(100);
  expect(truncatedCount).toBeGreaterThan(0);
  const found = await verifyRows(path);
  expect(found.integrityMessages).toEqual(["ok"]);
  expect(missingRows([...first.acknowledged, ...second.acknowledged], found)).toEqual([]);
}, 60_000);
