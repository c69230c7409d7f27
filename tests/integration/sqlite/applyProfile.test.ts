import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { statSync } from "node:fs";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { startBunWriter } from "../../support/writers/startBunWriter.ts";
import { expectFailure, expectOk, makePool, profile, short, targetOf } from "../worker/harness.ts";

function makeDatabase(path: string, journalMode: string): void {
  const database = new Database(path, { readwrite: true, create: true });
  database.exec(`PRAGMA journal_mode = ${journalMode}`);
  database.exec("CREATE TABLE t(x); INSERT INTO t VALUES (1)");
  database.close(true);
}

const rollback = { ...profile, journalMode: "TRUNCATE" } as const;

test("create makes a WAL database with the profile, and every value reads back", async () => {
  using directory = makeTempDirectory();
  await using test = makePool();
  const path = directory.file("new.db");
  const outcome = await test.pool.run({ kind: "create", profile }, { path, identity: null }, short);
  const { pragmas, journalModeChanged } = expectOk(outcome);
  expect(journalModeChanged).toBe(true);
  expect(pragmas.map(({ pragma, actual, holds }) => [pragma, actual, holds])).toEqual([
    ["busy_timeout", "5000", true],
    ["journal_mode", "wal", true],
    ["synchronous", "EXTRA", true],
    ["foreign_keys", "on", true],
  ]);
  const again = await test.pool.run({ kind: "create", profile }, { path, identity: null }, short);
  expect(expectFailure(again).reason).toBe("identity");
});

test("create without WAL leaves a database, not an empty file", async () => {
  using directory = makeTempDirectory();
  await using test = makePool();
  const path = directory.file("new.db");
  const outcome = await test.pool.run({ kind: "create", profile: rollback }, { path, identity: null }, short);
  expect(expectOk(outcome).pragmas.every(({ holds }) => holds)).toBe(true);
  expect(statSync(path).size).toBeGreaterThanOrEqual(4096);
});

test("the journal mode is left alone unless it was asked for, and is set when it was", async () => {
  using directory = makeTempDirectory();
  await using test = makePool();
  const path = directory.file("a.db");
  makeDatabase(path, "DELETE");
  const apply = async (setJournalMode: boolean, wanted: typeof profile) =>
    expectOk(
      await test.pool.run({ kind: "applyProfile", profile: wanted, setJournalMode }, targetOf(path), short),
    );
  const reading = (result: Awaited<ReturnType<typeof apply>>) =>
    result.pragmas.find(({ pragma }) => pragma === "journal_mode");

  const left = await apply(false, profile);
  expect(left).toMatchObject({ journalModeBefore: "delete", journalModeChanged: false });
  expect(reading(left)).toMatchObject({ wanted: "wal", actual: "delete", holds: false });

  const set = await apply(true, profile);
  expect(set).toMatchObject({ journalModeBefore: "delete", journalModeChanged: true });
  expect(reading(set)).toMatchObject({ actual: "wal", holds: true });

  const back = await apply(true, rollback);
  expect(back).toMatchObject({ journalModeBefore: "wal", journalModeChanged: true });
  expect(reading(back)).toMatchObject({ wanted: "truncate", actual: "truncate", holds: true });
});

test("a journal mode that others keep from changing is a reading that does not hold, and quick", async () => {
  using directory = makeTempDirectory();
  await using test = makePool();
  const path = directory.file("a.db");
  makeDatabase(path, "DELETE");
  await using reader = await startBunWriter({ path, journalMode: null, mode: "holdReader" });
  const startedAtMs = performance.now();
  const outcome = await test.pool.run(
    { kind: "applyProfile", profile, setJournalMode: true },
    targetOf(path),
    short,
  );
  const { pragmas, journalModeChanged } = expectOk(outcome);
  expect(journalModeChanged).toBe(false);
  expect(pragmas).toContainEqual({ pragma: "journal_mode", wanted: "wal", actual: "delete", holds: false });
  expect(pragmas).toContainEqual({ pragma: "busy_timeout", wanted: "5000", actual: "5000", holds: true });
  expect(performance.now() - startedAtMs).toBeLessThan(profile.busyTimeoutMs);
  await reader.release();
});

test("text in place of a database is SQLite's NOTADB, which no retry mends", async () => {
  using directory = makeTempDirectory();
  await using test = makePool();
  const path = directory.file("text.db");
  await Bun.write(path, "not a database ".repeat(500));
  const outcome = await test.pool.run(
    { kind: "applyProfile", profile, setJournalMode: true },
    targetOf(path),
    short,
  );
  expect(expectFailure(outcome)).toMatchObject({
    reason: "sqlite",
    code: "SQLITE_NOTADB",
    retryable: false,
    path,
  });
});

for (const name of [
  "with space.db",
  "quote'\".db",
  "what?mode=ro",
  "hash#1.db",
  "per%20cent.db",
  "größe-数.db",
  "file:x.db",
]) {
  test(`a file named ${name} is that file and no URI`, async () => {
    using directory = makeTempDirectory();
    await using test = makePool();
    const path = directory.file(name);
    expectOk(await test.pool.run({ kind: "create", profile }, { path, identity: null }, short));
    const check = {
      kind: "integrityCheck",
      profile,
      check: "quick_check",
      findingsMax: 10,
      part: { kind: "whole" },
      memoryMapped: true,
    } as const;
    expect(expectOk(await test.pool.run(check, targetOf(path), short)).messages).toEqual([]);
    expectOk(await test.pool.run({ kind: "passiveCheckpoint", profile }, targetOf(path), short));
  });
}

test("another file at the path is an identity failure, and is not opened", async () => {
  using directory = makeTempDirectory();
  await using test = makePool();
  const path = directory.file("a.db");
  makeDatabase(path, "WAL");
  const target = { path, identity: "1:2" };
  for (const setJournalMode of [true, false]) {
    const outcome = await test.pool.run({ kind: "applyProfile", profile, setJournalMode }, target, short);
    expect(expectFailure(outcome)).toMatchObject({ reason: "identity", retryable: false });
  }
  expect(statSync(`${path}-wal`, { throwIfNoEntry: false })).toBeUndefined();
  const gone = { path: directory.file("gone.db"), identity: "1:2" };
  const outcome = await test.pool.run({ kind: "passiveCheckpoint", profile }, gone, short);
  expect(expectFailure(outcome).reason).toBe("identity");
});
