/**
 * What applications do to a WAL, at random: SQL for several processes of different SQLite versions on one
 * database. Errors (busy, a table that is not there) belong to it.
 */
import type { SeededRandom } from "./seededRandom.ts";

/**
 * Statements that touch page 1 (sizes, schema, freelist, header fields) beside such that do not. No ROLLBACK TO: after
 * a small cache has spilled, SQLite 3.40.1 then leaves frames without a checksum in the midst of a committed
 * transaction, which a recovery loses (found by this test; its states are damaged, not of another life).
 */
function randomStatements(random: SeededRandom): readonly string[] {
  const bytes = random.choice(10, 200, 900, 3_000, 20_000);
  const id = random.integer(1, 60);
  switch (random.integer(0, 19)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return [`UPDATE t SET v = randomblob(100) WHERE id = ${id}`];
    case 4:
      return [`INSERT OR REPLACE INTO t VALUES (${id}, randomblob(${bytes}))`];
    case 5:
      return [`INSERT INTO t(v) SELECT randomblob(${bytes}) FROM t LIMIT ${random.integer(1, 8)}`];
    case 6:
      return [`DELETE FROM t WHERE id > ${random.integer(20, 80)}`];
    case 7:
      return [`PRAGMA user_version = ${random.integer(0, 9)}`];
    case 8:
      return ["CREATE TABLE IF NOT EXISTS u(a, b)", "INSERT INTO u VALUES (1, randomblob(500))"];
    case 9:
      return ["DROP TABLE IF EXISTS u"];
    case 10:
      return [`PRAGMA wal_checkpoint(${random.choice("PASSIVE", "FULL", "RESTART", "TRUNCATE")})`];
    case 11:
      return [random.choice("VACUUM", "PRAGMA incremental_vacuum(3)", "REINDEX", "ANALYZE")];
    case 12:
      return [
        "BEGIN IMMEDIATE",
        `INSERT INTO t(v) SELECT randomblob(${bytes}) FROM t LIMIT 30`,
        `UPDATE t SET v = randomblob(${bytes}) WHERE id % 3 = 1`,
        random.choice("COMMIT", "ROLLBACK"),
      ];
    case 13:
      return [
        "BEGIN IMMEDIATE",
        "PRAGMA user_version = 77",
        "SAVEPOINT a",
        `INSERT INTO t(v) SELECT randomblob(${bytes}) FROM t LIMIT 20`,
        "RELEASE a",
        "UPDATE t SET v = randomblob(50) WHERE id < 5",
        "COMMIT",
      ];
    case 14:
      return ["BEGIN", "SELECT count(*) FROM t", `UPDATE t SET v = NULL WHERE id = ${id}`, "COMMIT"];
    case 15:
      return [`PRAGMA cache_size = ${random.choice(2, 5, 2_000)}`];
    case 16:
      return [`PRAGMA wal_autocheckpoint = ${random.choice(0, 1, 10, 1_000)}`];
    case 17:
      return [
        `PRAGMA journal_mode = ${random.choice("DELETE", "WAL", "WAL", "WAL")}`,
        "PRAGMA journal_mode = WAL",
      ];
    case 18:
      return [`PRAGMA mmap_size = ${random.choice(0, 1_000_000)}`];
    default:
      return [reopen];
  }
}

/** A line that is no SQL: the connection is closed and opened again. */
export const reopen = "reopen";

export interface WorkloadStart {
  readonly pageSizeBytes: number;
  readonly autoVacuum: number;
}

export function firstStatements({ pageSizeBytes, autoVacuum }: WorkloadStart): readonly string[] {
  return [
    `PRAGMA page_size = ${pageSizeBytes}`,
    `PRAGMA auto_vacuum = ${autoVacuum}`,
    "PRAGMA journal_mode = WAL",
    "CREATE TABLE t(id INTEGER PRIMARY KEY, v)",
    "CREATE INDEX t_v ON t(v)",
    "INSERT INTO t(v) VALUES (randomblob(10)), (randomblob(2000)), (randomblob(50))",
  ];
}

/** One statement a line. */
export function randomScript(random: SeededRandom, count: number): readonly string[] {
  const lines: string[] = [];
  while (lines.length < count) lines.push(...randomStatements(random));
  return lines;
}
