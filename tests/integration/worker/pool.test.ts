import { heapStats } from "bun:jsc";
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { spawnProcess } from "../../support/childProcess.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { waitFor } from "../../support/waitFor.ts";
import { startBunWriter } from "../../support/writers/startBunWriter.ts";
import {
  expectFailure,
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
const patient = { kind: "passiveCheckpoint", profile: { ...profile, busyTimeoutMs: 60_000 } } as const;

const isAlive = (pid: number) => existsSync(`/proc/${pid}`);

/** A database on which every worker waits in SQLite until the test lets go. */
async function blockedDatabase(path: string) {
  const writer = await startBunWriter({ path, lockingMode: "EXCLUSIVE", rowCount: 1 });
  await writer.waitForRows(1);
  return writer;
}

test("the version comes from a worker, which stays warm and leaves when it was idle for long enough", async () => {
  await using test = makePool({ idleExitMs: 300 });
  const { version, sourceId } = expectOk(await test.pool.sqliteVersion());
  expect(version).toMatch(/^3\.\d+\.\d+$/);
  expect(sourceId).toMatch(/^\d{4}-\d\d-\d\d /);
  expect(test.pool.ownPids().size).toBe(1);
  await waitFor("the idle worker to leave", () => test.pool.ownPids().size === 0);
  expect(test.failures).toEqual([]);
});

test("requests of one lane are served in their order by one worker; the other lane does not wait", async () => {
  using directory = makeTempDirectory();
  await using test = makePool();
  const path = directory.file("a.db");
  await leaveWal(path, 5);
  await using blocker = await blockedDatabase(directory.file("blocked.db"));
  const blocked = test.pool.run(patient, targetOf(directory.file("blocked.db")), long);
  await waitFor("the blocked request to run", () => test.pool.runningCount === 1);
  const order: number[] = [];
  const runs = [1, 2, 3, 4].map(async (index) => {
    expectOk(await test.pool.run(passive, targetOf(path), short));
    order.push(index);
  });
  await Promise.all(runs);
  expect(order).toEqual([1, 2, 3, 4]);
  expect(test.pool.runningCount).toBe(1);
  expect(test.pool.ownPids().size).toBe(2);
  await blocker.stop();
  expectOk(await blocked);
});

test("a request that outlives its deadline is killed with its worker, and the next one is served", async () => {
  using directory = makeTempDirectory();
  await using test = makePool();
  const path = directory.file("a.db");
  await using blocker = await blockedDatabase(path);
  const late = await test.pool.run(patient, targetOf(path), { lane: "short", deadlineMs: 150 });
  expect(expectFailure(late)).toMatchObject({ reason: "deadline", operation: "passiveCheckpoint", path });
  expect(test.failures).toHaveLength(1);
  expect(test.failures[0]).toMatchObject({ reason: "deadline", operation: "passiveCheckpoint", path });
  expect(isAlive(test.failures[0]?.pid ?? 0)).toBe(false);
  expect(test.pool.ownPids().size).toBe(0);
  await blocker.stop();
  expectOk(await test.pool.run(passive, targetOf(path), short));
});

test("a request that waits behind another does not lose its deadline by waiting", async () => {
  using directory = makeTempDirectory();
  await using test = makePool();
  const path = directory.file("a.db");
  await leaveWal(path, 5);
  const blockedPath = directory.file("blocked.db");
  await using blocker = await blockedDatabase(blockedPath);
  const first = test.pool.run(patient, targetOf(blockedPath), { lane: "short", deadlineMs: 1_500 });
  const second = test.pool.run(passive, targetOf(path), { lane: "short", deadlineMs: 1_000 });
  expect(expectFailure(await first).reason).toBe("deadline");
  expectOk(await second);
  await blocker.stop();
});

test("a worker that keeps writers out for too long is killed, and the writer goes on", async () => {
  using directory = makeTempDirectory();
  await using test = makePool();
  const path = directory.file("a.db");
  await using writer = await startBunWriter({ path, autocheckpoint: 0, pauseMs: 2, busyTimeoutMs: 5_000 });
  await writer.waitForRows(5);
  await using reader = await startBunWriter({ path, mode: "holdReader" });
  await writer.waitForMoreRows(5);
  const operation = {
    kind: "lockedCheckpoint",
    profile,
    acquireBudgetMs: 1_000,
    holdBudgetMs: 20_000,
    completeWithinMs: 10_000,
    drainReaders: true,
    mountDevice: mountDeviceOf(path),
  } as const;
  const limits = { ...short, holdDeadlineMs: 100 };
  const failure = expectFailure(await test.pool.run(operation, targetOf(path), limits));
  expect(failure).toMatchObject({ reason: "deadline" });
  expect(failure.message).toContain("kept writers out");
  await writer.waitForMoreRows(5);
  expect(writer.errors).toEqual([]);
  await reader.release();
  await writer.stop();
});

test("a database that blocks does not hold up another one for longer than a spare worker takes to come in", async () => {
  using directory = makeTempDirectory();
  await using test = makePool({ spareWorkerCount: 1 });
  const blocked = directory.file("blocked.db");
  const other = directory.file("other.db");
  await leaveWal(blocked, 5);
  await leaveWal(other, 5);
  await using holder = await startBunWriter({ path: blocked, mode: "holdWriter", busyTimeoutMs: 5_000 });
  const operation = {
    kind: "lockedCheckpoint",
    profile,
    acquireBudgetMs: 15_000,
    holdBudgetMs: 50,
    completeWithinMs: 25,
    drainReaders: false,
    mountDevice: null,
  } as const;
  let blockedEnded = false;
  const waiting = test.pool.run(operation, targetOf(blocked), short).then((outcome) => {
    blockedEnded = true;
    return outcome;
  });
  const passive = { kind: "passiveCheckpoint", profile } as const;
  expectOk(await test.pool.run(passive, targetOf(other), short));
  expect(blockedEnded).toBe(false);
  await holder.release();
  expectOk(await waiting);
});

test("a worker that is killed in the middle is a crash that says how, and the next request gets a new one", async () => {
  using directory = makeTempDirectory();
  await using test = makePool();
  const path = directory.file("a.db");
  await using blocker = await blockedDatabase(path);
  const run = test.pool.run(patient, targetOf(path), short);
  await waitFor("the request to run", () => test.pool.runningCount === 1);
  const [pid = 0] = test.pool.ownPids();
  process.kill(pid, "SIGKILL");
  const failure = expectFailure(await run);
  expect(failure).toMatchObject({ reason: "crash", retryable: true });
  expect(failure.message).toContain("SIGKILL");
  await blocker.stop();
  expectOk(await test.pool.run(passive, targetOf(path), short));
  expect(test.pool.ownPids().has(pid)).toBe(false);
});

test("signals to the whole group leave the worker at its work", async () => {
  using directory = makeTempDirectory();
  await using test = makePool();
  const path = directory.file("a.db");
  await using blocker = await blockedDatabase(path);
  const run = test.pool.run(patient, targetOf(path), short);
  await waitFor("the request to run", () => test.pool.runningCount === 1);
  const [pid = 0] = test.pool.ownPids();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.kill(pid, signal);
  await blocker.stop();
  expectOk(await run);
  expectOk(await test.pool.run(passive, targetOf(path), short));
  expect([...test.pool.ownPids()]).toEqual([pid]);
});

test("an aborted request ends as stopped, whether it waited or ran, and is nobody's failure", async () => {
  using directory = makeTempDirectory();
  await using test = makePool();
  const path = directory.file("a.db");
  await using blocker = await blockedDatabase(path);
  const abort = new AbortController();
  const limits = { ...short, signal: abort.signal };
  const running = test.pool.run(patient, targetOf(path), limits);
  const waiting = test.pool.run(patient, targetOf(path), limits);
  await waitFor("the request to run", () => test.pool.runningCount === 1);
  abort.abort();
  expect(expectFailure(await running).reason).toBe("stopped");
  expect(expectFailure(await waiting).reason).toBe("stopped");
  expect(expectFailure(await test.pool.run(passive, targetOf(path), limits)).reason).toBe("stopped");
  expect(test.pool.ownPids().size).toBe(0);
  await blocker.stop();
  expectOk(await test.pool.run(passive, targetOf(path), short));
  expect(test.failures).toEqual([]);
});

test("close ends everything: requests as stopped, workers for good", async () => {
  using directory = makeTempDirectory();
  await using test = makePool();
  const path = directory.file("a.db");
  await using blocker = await blockedDatabase(path);
  const runs = [short, short, long].map((options) => test.pool.run(patient, targetOf(path), options));
  await waitFor("both lanes to run", () => test.pool.runningCount === 2);
  const pids = [...test.pool.ownPids()];
  await test.pool.close();
  for (const run of runs) expect(expectFailure(await run).reason).toBe("stopped");
  expect(pids.filter(isAlive)).toEqual([]);
  expect(expectFailure(await test.pool.run(passive, targetOf(path), short)).reason).toBe("stopped");
  expect(test.failures).toEqual([]);
  await blocker.stop();
});

test("no worker outlives a supervisor that was killed, not even one in the middle of an operation", async () => {
  using directory = makeTempDirectory();
  const path = directory.file("a.db");
  await using blocker = await blockedDatabase(path);
  const command = [process.execPath, "--no-env-file", join(import.meta.dir, "supervisor.ts"), path];
  await using supervisor = spawnProcess({ command });
  const line = await supervisor.waitForLine(/^pids /);
  const pids = line.split(" ").slice(1).map(Number);
  expect(pids).toHaveLength(2);
  expect(pids.every(isAlive)).toBe(true);
  supervisor.signal("SIGKILL");
  await waitFor("the workers to be gone", () => !pids.some(isAlive));
  await blocker.stop();
});

test("a worker whose parent is not the supervisor it was told of refuses to work", async () => {
  const command = [process.execPath, "--no-env-file", join(import.meta.dir, "sqlWorker.ts"), "1"];
  await using orphan = spawnProcess({ command });
  expect(await orphan.exited).not.toBe(0);
  expect(orphan.lines).toEqual([]);
  expect(orphan.stderr()).toContain("cannot tie the sql worker to its supervisor");
});

test("a running worker's environment has no NOTIFY_SOCKET and no secret", async () => {
  const environment = { PATH: process.env.PATH, NOTIFY_SOCKET: "/run/notify", WALWARDEN_TOKEN: "secret" };
  await using test = makePool({ environment });
  expectOk(await test.pool.sqliteVersion());
  const [pid = 0] = test.pool.ownPids();
  const names = readFileSync(`/proc/${pid}/environ`, "utf8")
    .split("\0")
    .filter((entry) => entry !== "");
  expect(names).toEqual([`PATH=${process.env.PATH}`]);
});

test("a worker that never rests leaves nothing behind in the supervisor for each request", async () => {
  using directory = makeTempDirectory();
  await using test = makePool();
  const path = directory.file("a.db");
  await leaveWal(path, 5);
  const promiseCount = () => {
    Bun.gc(true);
    return heapStats().objectTypeCounts.Promise ?? 0;
  };
  const serve = async (count: number) => {
    for (let index = 0; index < count; index += 1)
      expectOk(await test.pool.run(passive, targetOf(path), short));
  };
  await serve(20);
  const before = promiseCount();
  await serve(150);
  expect(promiseCount() - before).toBeLessThan(100);
}, 20_000);
