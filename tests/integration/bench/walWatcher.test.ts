/** What the benchmark says of a WAL is what SQLite did with it. */
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { statSync } from "node:fs";
import { WalWatcher } from "../../bench/load/walWatcher.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";

function openDatabase(path: string): Database {
  const database = new Database(path);
  database.exec("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE written(payload)");
  return database;
}

function checkpoint(database: Database, mode: "RESTART" | "TRUNCATE"): void {
  database.query(`PRAGMA wal_checkpoint(${mode})`).all();
}

test("each start over of a WAL is counted, by RESTART and by TRUNCATE, and commits alone are none", () => {
  using directory = makeTempDirectory();
  const path = directory.file("app.db");
  const database = openDatabase(path);
  const watcher = new WalWatcher(path);
  const commit = () => {
    database.exec("INSERT INTO written VALUES (randomblob(5000))");
    watcher.look();
  };
  commit();
  commit();
  checkpoint(database, "RESTART");
  commit();
  checkpoint(database, "TRUNCATE");
  watcher.look();
  commit();
  commit();
  expect(watcher.end().resetCount).toBe(2);
  database.close(true);
});

test("the largest WAL is its size before it was truncated", () => {
  using directory = makeTempDirectory();
  const path = directory.file("app.db");
  const database = openDatabase(path);
  const watcher = new WalWatcher(path);
  database.exec("INSERT INTO written VALUES (randomblob(200000))");
  watcher.look();
  const { size } = statSync(`${path}-wal`);
  checkpoint(database, "TRUNCATE");
  watcher.look();
  database.exec("INSERT INTO written VALUES (1)");
  const { walMaxBytes } = watcher.end();
  expect(size).toBeGreaterThan(200_000);
  expect(walMaxBytes).toBe(size);
  database.close(true);
});
