/** The way of sqlite3 3.40.1 to committed frames without salts (format/walRemains.ts), for a tool that runs statements. */

/** In WAL mode, with nothing in the WAL. */
export const rowCountBefore = 400;
export const tableStatements: readonly string[] = [
  "PRAGMA journal_mode = WAL",
  "CREATE TABLE t(id INTEGER PRIMARY KEY, p BLOB)",
  `WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < ${rowCountBefore}) INSERT INTO t(p) SELECT randomblob(900) FROM n`,
  "PRAGMA wal_checkpoint(TRUNCATE)",
];

/** Every commit is synced, and no checkpoint is the tool's own. */
export const settingStatements: readonly string[] = [
  "PRAGMA cache_size = 5",
  "PRAGMA wal_autocheckpoint = 0",
  "PRAGMA synchronous = FULL",
];

/** One row first, for recovery to end behind it. */
export const unsaltedStatements: readonly string[] = [
  "INSERT INTO t(p) VALUES (randomblob(10))",
  "BEGIN",
  "UPDATE t SET p = randomblob(900) WHERE id < 40",
  "SAVEPOINT s",
  "UPDATE t SET p = randomblob(900) WHERE id BETWEEN 100 AND 200",
  "UPDATE t SET p = randomblob(900) WHERE id BETWEEN 100 AND 200",
  "ROLLBACK TO s",
  "UPDATE t SET p = randomblob(900) WHERE id BETWEEN 300 AND 320",
  "COMMIT",
];

export const insertStatement = "INSERT INTO t(p) VALUES (randomblob(10))";
export const countStatement = "SELECT count(*) FROM t";

/** As lines of a script. */
export function scriptOf(...statements: readonly string[]): string {
  return statements.map((sql) => `${sql};\n`).join("");
}
