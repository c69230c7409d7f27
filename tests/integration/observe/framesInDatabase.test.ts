/** Whether pages of a WAL have been copied into its database: real files, as SQLite left them. */

import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { readFileSync, renameSync } from "node:fs";
import { parseWalHeader } from "../../../src/format/walHeader.ts";
import { realOs } from "../../../src/host/os.ts";
import { type FramesInDatabaseQuestion, holdsFrames } from "../../../src/observe/framesInDatabase.ts";
import { scanWal } from "../../support/scanWal.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";

function madeAt(path: string): Database {
  const database = new Database(path, { create: true });
  database.exec("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = OFF");
  database.exec("CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
  database.exec("INSERT INTO t VALUES (1, randomblob(3000)), (2, randomblob(3000))");
  database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  database.exec("UPDATE t SET v = randomblob(3000)");
  return database;
}

function question(path: string, change: Partial<FramesInDatabaseQuestion> = {}): FramesInDatabaseQuestion {
  const wal = readFileSync(`${path}-wal`);
  const header = parseWalHeader(wal.subarray(0, 32));
  if (header.kind !== "header") throw new Error(`no WAL: ${header.kind}`);
  const identityOf = (of: string) => realOs.lstat(of)?.identity ?? "";
  return {
    databasePath: path,
    databaseIdentity: identityOf(path),
    walIdentity: identityOf(`${path}-wal`),
    walHeader: header.header,
    afterFrame: 0,
    mxFrame: scanWal(wal).mxFrame,
    ...change,
  };
}

describe("the database holds pages of the WAL", () => {
  test("only once a checkpoint has copied them", () => {
    using directory = makeTempDirectory();
    const path = directory.file("k.db");
    using database = madeAt(path);
    expect(holdsFrames(realOs, question(path))).toBe(false);
    database.exec("PRAGMA wal_checkpoint(PASSIVE)");
    expect(holdsFrames(realOs, question(path))).toBe(true);
  });

  test("of frames behind those that are known to be copied, none before the next checkpoint", () => {
    using directory = makeTempDirectory();
    const path = directory.file("k.db");
    using database = madeAt(path);
    // Keeps the WAL from starting over.
    using reader = new Database(path);
    reader.exec("BEGIN");
    reader.prepare("SELECT count(*) FROM t").all();
    database.exec("PRAGMA wal_checkpoint(PASSIVE)");
    const { mxFrame: afterFrame } = question(path);
    database.exec("UPDATE t SET v = randomblob(3000) WHERE id = 1");
    expect(question(path).mxFrame).toBeGreaterThan(afterFrame);
    expect(holdsFrames(realOs, question(path, { afterFrame }))).toBe(false);
    reader.exec("ROLLBACK");
    database.exec("PRAGMA wal_checkpoint(PASSIVE)");
    expect(holdsFrames(realOs, question(path, { afterFrame }))).toBe(true);
  });

  test("nothing behind the last frame is nothing copied", () => {
    using directory = makeTempDirectory();
    const path = directory.file("k.db");
    using _open = madeAt(path);
    const { mxFrame } = question(path);
    expect(holdsFrames(realOs, question(path, { afterFrame: mxFrame }))).toBe(false);
  });
});

describe("it cannot be told", () => {
  test("where one of the files is another one, is gone, or ends before the frame", () => {
    using directory = makeTempDirectory();
    const path = directory.file("k.db");
    using _open = madeAt(path);
    const asked = question(path);
    expect(holdsFrames(realOs, { ...asked, walIdentity: "1:2" })).toBeNull();
    expect(holdsFrames(realOs, { ...asked, databaseIdentity: "1:2" })).toBeNull();
    expect(holdsFrames(realOs, { ...asked, mxFrame: asked.mxFrame + 100 })).toBeNull();
    renameSync(`${path}-wal`, `${path}-away`);
    expect(holdsFrames(realOs, asked)).toBeNull();
  });

  test("of more frames than are read, where none of the newest was copied", () => {
    using directory = makeTempDirectory();
    const path = directory.file("k.db");
    using database = new Database(path, { create: true });
    database.exec("PRAGMA page_size = 512; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0");
    database.exec("PRAGMA synchronous = OFF; CREATE TABLE t(a)");
    const insert = database.prepare("INSERT INTO t VALUES (?)");
    for (let row = 0; row < 9_000; row += 1) insert.run(row);
    insert.finalize();
    expect(question(path).mxFrame).toBeGreaterThan(8_192);
    expect(holdsFrames(realOs, question(path))).toBeNull();
  });
});
