/** Pages of a database against those that the WAL's round before has copied: real files, as SQLite left them. */

import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import {
  closeSync,
  copyFileSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { parseWalHeader } from "../../../src/format/walHeader.ts";
import { realClock } from "../../../src/host/clock.ts";
import { realOs } from "../../../src/host/os.ts";
import { lookForStrayPages } from "../../../src/observe/strayPages.ts";
import { scanWal } from "../../support/scanWal.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";

const pageBytes = 4096;

/** 40 pages written again in one round, all copied, and the WAL begun anew with one commit. */
function madeAt(path: string): Database {
  const database = new Database(path, { create: true });
  database.exec("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = OFF");
  database.exec("CREATE TABLE t(id INTEGER PRIMARY KEY, v); CREATE TABLE u(a)");
  database.exec(
    "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 40) INSERT INTO t SELECT i, randomblob(3000) FROM n",
  );
  database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  copyFileSync(path, `${path}.backup`);
  for (let turn = 0; turn < 3; turn += 1) database.exec("UPDATE t SET v = randomblob(3000)");
  // Of the last commit, and of pages in it, nothing is concluded.
  database.exec("INSERT INTO u VALUES (0)");
  database.exec("PRAGMA wal_checkpoint(RESTART)");
  database.exec("INSERT INTO u VALUES (1)");
  return database;
}

async function compared(path: string, change: { readonly walIdentity?: string } = {}) {
  const wal = readFileSync(`${path}-wal`);
  const header = parseWalHeader(wal.subarray(0, 32));
  if (header.kind !== "header") throw new Error(`no WAL: ${header.kind}`);
  const identityOf = (of: string) => realOs.lstat(of)?.identity ?? "";
  return lookForStrayPages(
    { os: realOs, clock: realClock },
    {
      databasePath: path,
      databaseIdentity: identityOf(path),
      walIdentity: identityOf(`${path}-wal`),
      walHeader: header.header,
      mxFrame: scanWal(wal).mxFrame,
      ...change,
    },
  );
}

function changeByte(path: string, offsetBytes: number): void {
  const descriptor = openSync(path, "r+");
  const byte = readFileSync(path)[offsetBytes] ?? 0;
  writeSync(descriptor, Uint8Array.of(byte ^ 0x5a), 0, 1, offsetBytes);
  closeSync(descriptor);
}

describe("what the round before copied", () => {
  test("is not told from a WAL that journal_size_limit has cut off: no database is taken for another one for that", async () => {
    using directory = makeTempDirectory();
    const path = directory.file("k.db");
    using database = new Database(path, { create: true });
    database.exec("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = OFF");
    database.exec("PRAGMA journal_size_limit = 200000; CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
    database.exec(
      "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 100) INSERT INTO t SELECT i, randomblob(3000) FROM n",
    );
    database.exec("PRAGMA wal_checkpoint(PASSIVE)");
    // The same pages twice: where the file is cut, the second time is gone.
    for (let turn = 0; turn < 2; turn += 1)
      for (let id = 1; id <= 30; id += 1) database.exec(`UPDATE t SET v = randomblob(2990) WHERE id = ${id}`);
    database.exec("PRAGMA wal_checkpoint(PASSIVE)");
    database.exec("INSERT INTO t VALUES (NULL, 1)");
    expect(statSync(`${path}-wal`).size).toBe(200_000);
    expect(await compared(path)).toBeNull();
  });

  test("stands in the WAL's own database: pages are compared, and none is stray", async () => {
    using directory = makeTempDirectory();
    const path = directory.file("k.db");
    using _open = madeAt(path);
    const found = await compared(path);
    expect(found).toMatchObject({ strayCount: 0, firstStrayPage: null });
    expect(found?.comparedCount).toBeGreaterThan(20);
  });

  test("does not stand in a backup of before: every page is stray", async () => {
    using directory = makeTempDirectory();
    const path = directory.file("k.db");
    using _open = madeAt(path);
    renameSync(`${path}.backup`, path);
    const found = await compared(path);
    expect(found?.strayCount).toBe(found?.comparedCount ?? 0);
    expect(found?.strayCount).toBeGreaterThan(20);
    expect(found?.firstStrayPage).toBeGreaterThan(1);
  });

  test("one byte makes one page stray, and it is named", async () => {
    using directory = makeTempDirectory();
    const path = directory.file("k.db");
    using _open = madeAt(path);
    const page = 20;
    changeByte(path, page * pageBytes - 7);
    expect(await compared(path)).toMatchObject({ strayCount: 1, firstStrayPage: page });
  });

  test("a page that the WAL holds anew is not compared, whatever is in the file", async () => {
    using directory = makeTempDirectory();
    const path = directory.file("k.db");
    using database = madeAt(path);
    const before = await compared(path);
    database.exec("UPDATE t SET v = randomblob(3000) WHERE id BETWEEN 15 AND 25");
    for (let page = 16; page <= 24; page += 1) changeByte(path, page * pageBytes - 7);
    const after = await compared(path);
    expect(after?.comparedCount).toBeLessThan(before?.comparedCount ?? 0);
    expect(after?.strayCount).toBeLessThan(9);
  });
});

describe("nothing is said", () => {
  test("of a WAL in its first round", async () => {
    using directory = makeTempDirectory();
    const path = directory.file("k.db");
    using database = new Database(path, { create: true });
    database.exec("PRAGMA journal_mode = WAL; CREATE TABLE t(a)");
    expect(await compared(path)).toBeNull();
  });

  test("where another file is at the WAL's name, or the database is shorter than its pages: not a throw", async () => {
    using directory = makeTempDirectory();
    const path = directory.file("k.db");
    using _open = madeAt(path);
    expect(await compared(path, { walIdentity: "1:2" })).toBeNull();
    renameSync(path, `${path}.own`);
    writeFileSync(path, "");
    const found = await compared(path);
    expect(found?.strayCount).toBe(found?.comparedCount ?? 0);
  });
});
