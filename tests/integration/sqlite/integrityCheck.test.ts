import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { closeSync, openSync, writeSync } from "node:fs";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { startBunWriter } from "../../support/writers/startBunWriter.ts";
import {
  bytesOf,
  expectFailure,
  expectOk,
  leaveWal,
  long,
  makePool,
  profile,
  targetOf,
} from "../worker/harness.ts";

const part = { kind: "whole" } as const;
const common = { kind: "integrityCheck", profile, findingsMax: 5, part, memoryMapped: false } as const;
const quick = { ...common, check: "quick_check" } as const;
const full = { ...common, check: "integrity_check" } as const;

function build(path: string, sql: string): void {
  const database = new Database(path, { readwrite: true, create: true });
  database.exec(sql);
  database.close(true);
}

/** Overwrites part of a page; the database is closed. */
function damage(path: string, offset: number, bytes: Buffer): void {
  const descriptor = openSync(path, "r+");
  writeSync(descriptor, bytes, 0, bytes.length, offset);
  closeSync(descriptor);
}

async function digest(path: string): Promise<string> {
  return Bun.hash(await Bun.file(path).bytes()).toString(16);
}

test("a sound database passes both checks, and the check changes neither database nor WAL", async () => {
  using directory = makeTempDirectory();
  await using test = makePool();
  const path = directory.file("a.db");
  await leaveWal(path, 50);
  const before = [await digest(path), await digest(`${path}-wal`)];
  for (const operation of [quick, full]) {
    const result = expectOk(await test.pool.run(operation, targetOf(path), long));
    expect(result).toMatchObject({ messages: [], truncated: false, foreignKeyViolations: [], error: null });
  }
  expect([await digest(path), await digest(`${path}-wal`)]).toEqual(before);
});

test("a corrupt page is found, and findings stop at the number asked for", async () => {
  using directory = makeTempDirectory();
  await using test = makePool();
  const path = directory.file("a.db");
  build(
    path,
    `CREATE TABLE t(id INTEGER PRIMARY KEY, x TEXT); CREATE INDEX i ON t(x);
     WITH RECURSIVE n(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM n WHERE v < 5000)
     INSERT INTO t SELECT v, hex(randomblob(40)) FROM n;`,
  );
  const size = bytesOf(path) ?? 0;
  for (let page = 3; page < 20; page += 1) damage(path, page * 4096, Buffer.alloc(4096, 0xa5));
  const result = expectOk(await test.pool.run(quick, targetOf(path), long));
  expect(result).toMatchObject({ truncated: true, error: null });
  expect(result.messages).toHaveLength(5);
  for (const message of result.messages) expect(message).toMatch(/^Tree \d+ page \d+: /);
  expect(bytesOf(path)).toBe(size);
});

test("a scrambled file is an error in the result: NOTADB is a finding, not a failure to ask", async () => {
  using directory = makeTempDirectory();
  await using test = makePool();
  const path = directory.file("a.db");
  await Bun.write(path, "scrambled ".repeat(1000));
  const result = expectOk(await test.pool.run(quick, targetOf(path), long));
  expect(result.error?.code).toBe("SQLITE_NOTADB");
});

test("rows without a parent are listed after integrity_check, and not after quick_check", async () => {
  using directory = makeTempDirectory();
  await using test = makePool();
  const path = directory.file("a.db");
  build(
    path,
    `PRAGMA foreign_keys = off; CREATE TABLE parent(id INTEGER PRIMARY KEY);
     CREATE TABLE child(id INTEGER PRIMARY KEY, parent REFERENCES parent(id));
     CREATE TABLE keyed(k TEXT PRIMARY KEY, parent REFERENCES parent(id)) WITHOUT ROWID;
     INSERT INTO child VALUES (7, 99); INSERT INTO keyed VALUES ('a', 98);`,
  );
  expect(expectOk(await test.pool.run(quick, targetOf(path), long)).foreignKeyViolations).toEqual([]);
  const { foreignKeyViolations, truncated } = expectOk(await test.pool.run(full, targetOf(path), long));
  expect(foreignKeyViolations).toContainEqual({ table: "child", rowid: "7", parent: "parent" });
  expect(foreignKeyViolations).toContainEqual({ table: "keyed", rowid: null, parent: "parent" });
  expect(truncated).toBe(false);
});

test("a collation that only the application has is an error in the result: no verdict, no failure", async () => {
  using directory = makeTempDirectory();
  await using test = makePool();
  const path = directory.file("a.db");
  build(path, "CREATE TABLE t(x COLLATE nocase); CREATE INDEX i ON t(x); INSERT INTO t VALUES ('a'), ('b');");
  const file = Buffer.from(await Bun.file(path).bytes());
  damage(path, file.indexOf("nocase"), Buffer.from("theirs"));
  const result = expectOk(await test.pool.run(full, targetOf(path), long));
  expect(result.error).toEqual({
    code: "SQLITE_ERROR_MISSING_COLLSEQ",
    message: "no such collation sequence: theirs",
  });
});

test("a foreign key that points at no unique column is an error in the result", async () => {
  using directory = makeTempDirectory();
  await using test = makePool();
  const path = directory.file("a.db");
  build(path, "CREATE TABLE p(x); CREATE TABLE c(x REFERENCES p(x)); INSERT INTO c VALUES (1);");
  const result = expectOk(await test.pool.run(full, targetOf(path), long));
  expect(result.messages).toEqual([]);
  expect(result.error?.message).toContain("foreign key mismatch");
});

test("a database that is locked exclusively is a failure that a retry may mend", async () => {
  using directory = makeTempDirectory();
  await using test = makePool();
  const path = directory.file("a.db");
  await using writer = await startBunWriter({ path, lockingMode: "EXCLUSIVE", rowCount: 1 });
  await writer.waitForRows(1);
  const impatient = { ...quick, profile: { ...profile, busyTimeoutMs: 20 } };
  const failure = expectFailure(await test.pool.run(impatient, targetOf(path), long));
  expect(failure).toMatchObject({ reason: "sqlite", code: "SQLITE_BUSY", retryable: true });
  await writer.stop();
});
