import { expect, test } from "bun:test";
import { StartupConnection } from "../../../src/daemon/startupConnection.ts";
import type { Profile } from "../../../src/domain/databaseConfig.ts";
import type { Failure } from "../../../src/domain/outcome.ts";
import type { RunOptions, WorkerPool } from "../../../src/worker/pool.ts";
import { waitFor } from "../../support/waitFor.ts";

const profile: Profile = { journalMode: "WAL", synchronous: "FULL", busyTimeoutMs: 0, foreignKeys: true };
const operation = { kind: "passiveCheckpoint", profile } as const;
const target = { path: "/a.db", identity: "1:2" };
const options: RunOptions = { lane: "short", deadlineMs: 1_000 };
const crashed: Failure = {
  ok: false,
  reason: "crash",
  operation: "keepOpen",
  path: "/a.db",
  code: null,
  message: "",
  retryable: true,
};

type KeepOutcome = Awaited<ReturnType<WorkerPool["keepOpen"]>>;

/** A pool that says what it was asked for. */
function setUp(restMaxMs = 60_000, connectWaitMaxMs = 60_000) {
  const log: string[] = [];
  const failures: Failure[] = [];
  const kept = (): KeepOutcome => ({
    ok: true,
    kept: { pid: 7, letGo: () => Promise.resolve(void log.push("let go")) },
  });
  let answer: () => KeepOutcome | Promise<KeepOutcome> = kept;
  const connection = new StartupConnection({
    pool: {
      run: async (_operation, { path }, { before }) => {
        await before?.();
        log.push("act");
        return { ...crashed, path };
      },
      keepOpen: async () => {
        log.push("connect");
        return await answer();
      },
    },
    restMaxMs,
    connectWaitMaxMs,
    onFailure: (failure) => failures.push(failure),
  });
  const act = () => connection.run(operation, target, options);
  const answering = (next: typeof answer) => {
    answer = next;
  };
  return { connection, log, failures, act, answering, kept };
}

test("the first act of a sequence connects, all others find it connected, the end lets go", async () => {
  const { connection, log, act } = setUp();
  await act();
  expect(connection.keeperPid).toBeNull();
  connection.begin(profile);
  await act();
  expect(connection.keeperPid).toBe(7);
  await act();
  await connection.end();
  expect(connection.keeperPid).toBeNull();
  await act();
  expect(log).toEqual(["act", "connect", "act", "act", "let go", "act"]);
});

test("released in the midst it is connected again by the next act", async () => {
  const { connection, log, act } = setUp();
  connection.begin(profile);
  await act();
  await connection.release();
  await act();
  expect(log).toEqual(["connect", "act", "let go", "connect", "act"]);
});

test("an act does not wait for a file that hangs; what connects in the end serves the next one", async () => {
  const { connection, log, act, answering, kept } = setUp(60_000, 5);
  const slow = Promise.withResolvers<KeepOutcome>();
  answering(() => slow.promise);
  connection.begin(profile);
  await act();
  expect(log).toEqual(["connect", "act"]);
  slow.resolve(kept());
  await act();
  expect(log).toEqual(["connect", "act", "act"]);
  expect(connection.keeperPid).toBe(7);
});

test("what comes after it was given up is let go at once", async () => {
  const { connection, log, act, answering, kept } = setUp();
  const slow = Promise.withResolvers<KeepOutcome>();
  answering(() => slow.promise);
  connection.begin(profile);
  const acting = act();
  await connection.end();
  slow.resolve(kept());
  await acting;
  expect(log).toEqual(["connect", "let go", "act"]);
  expect(connection.keeperPid).toBeNull();
});

test("where it cannot be had the acts go on without, and it is not tried again in that sequence", async () => {
  const { connection, log, failures, act, answering } = setUp();
  answering(() => crashed);
  connection.begin(profile);
  await act();
  await act();
  expect(log).toEqual(["connect", "act", "act"]);
  expect(failures).toEqual([crashed]);
  answering(() => ({ ok: true, kept: null }));
  connection.begin(profile);
  await act();
  await act();
  expect(log.slice(3)).toEqual(["connect", "act", "act"]);
  expect(failures).toEqual([crashed]);
});

test("a watch that rests, or fails, keeps it for no longer than is allowed", async () => {
  for (const end of ["rest", "failure"]) {
    const { connection, log, act } = setUp(20);
    connection.begin(profile);
    const during = connection.during(async () => {
      await act();
      if (end === "failure") throw new Error("a programmer's error");
    });
    await during.catch(() => undefined);
    expect(connection.keeperPid).toBe(7);
    await waitFor("it to be let go", () => log.includes("let go"));
    expect(connection.keeperPid).toBeNull();
  }
});

test("a watch at work is not cut off, however long it has rested before", async () => {
  const { connection, log, act } = setUp(20);
  connection.begin(profile);
  await connection.during(async () => void (await act()));
  const work = Promise.withResolvers<void>();
  const during = connection.during(() => work.promise);
  const resting = setUp(20);
  resting.connection.begin(profile);
  await resting.connection.during(async () => void (await resting.act()));
  await waitFor("one that rests to be let go", () => resting.log.includes("let go"));
  expect(log).toEqual(["connect", "act"]);
  work.resolve();
  await during;
  await waitFor("it to be let go", () => log.includes("let go"));
});
