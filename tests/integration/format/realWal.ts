/**
 * WALs that real SQLite wrote, and what real SQLite recovers from them: a copy of database and WAL, without the
 * WAL-index, is opened, and the index that recovery made is read.
 */
import { constants, Database } from "bun:sqlite";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { parseWalIndex } from "../../../src/format/walIndex.ts";
import { type SeededRandom, seededRandom } from "../../crash/seededRandom.ts";

export interface RealWal {
  readonly database: Uint8Array;
  readonly wal: Uint8Array;
  /** Commits since the WAL began last, as the application counted them. */
  readonly commitCount: number;
  readonly pageCount: number;
}

export interface WalHistory {
  readonly seed: number;
  readonly pageSizeBytes: number;
  /** The WAL starts over in between, so that frames of the generation before lie behind the new ones. */
  readonly startsOver: boolean;
  /** The copy is taken within a transaction that has spilled frames already. */
  readonly endsUncommitted: boolean;
}

/** Made at `path`, which is used up. */
export function writeRealWal(path: string, history: WalHistory): RealWal {
  const random = seededRandom(history.seed);
  const database = new Database(path);
  // Whatever happens the files stay as they are: a last close that checkpoints would delete the WAL.
  database.fileControl(constants.SQLITE_FCNTL_PERSIST_WAL, 1);
  database.exec(`PRAGMA page_size = ${history.pageSizeBytes}`);
  database.exec("PRAGMA journal_mode = WAL");
  database.exec("PRAGMA wal_autocheckpoint = 0");
  database.exec("PRAGMA synchronous = OFF");
  database.exec("PRAGMA cache_size = 10");
  let commitCount = 0;
  const commit = (sql: string) => {
    database.exec(sql);
    commitCount += 1;
  };
  commit("CREATE TABLE t(id INTEGER PRIMARY KEY, value BLOB)");
  // An update that finds no row commits nothing.
  commit(insertSql(1, 10));
  writeSome(random, history.pageSizeBytes, 20 + random.integer(0, 20), commit);
  if (history.startsOver) {
    database.exec("PRAGMA wal_checkpoint(RESTART)");
    commitCount = 0;
    writeSome(random, history.pageSizeBytes, 1 + random.integer(0, 8), commit);
  }
  const { page_count: pageCount } = numbers(database, "PRAGMA page_count");
  if (history.endsUncommitted) {
    database.exec("BEGIN");
    database.exec(insertSql(40, history.pageSizeBytes));
  }
  const copy = { database: readFileSync(path), wal: readFileSync(`${path}-wal`) };
  database.close();
  return { ...copy, commitCount, pageCount: pageCount ?? 0 };
}

function writeSome(
  random: SeededRandom,
  pageSizeBytes: number,
  count: number,
  commit: (sql: string) => void,
): void {
  for (let turn = 0; turn < count; turn += 1) {
    const size = random.integer(1, pageSizeBytes * 3);
    const rows = random.integer(1, 4);
    commit(
      random.choice(
        insertSql(rows, size),
        insertSql(rows, size),
        `UPDATE t SET value = randomblob(${size}) WHERE id = (SELECT max(id) FROM t) OR id = 1`,
        `PRAGMA user_version = ${turn + 1}`,
        `CREATE TABLE u${turn}_${random.integer(0, 1e9)}(a)`,
      ),
    );
  }
}

function insertSql(rowCount: number, size: number): string {
  return (
    `WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < ${rowCount}) ` +
    `INSERT INTO t(value) SELECT randomblob(${size}) FROM n`
  );
}

function numbers(database: Database, sql: string): Record<string, number> {
  return database.query<Record<string, number>, []>(sql).get() ?? {};
}

export interface Recovered {
  readonly mxFrame: number;
  readonly pageCount: number;
}

/** What the SQLite of this process recovers. Uses up the files at `path`. */
export function recoverWithSqlite(path: string, database: Uint8Array, wal: Uint8Array): Recovered {
  layOut(path, database, wal);
  const connection = new Database(path);
  try {
    // What the pages hold does not matter here: the index is made before a page is read.
    connection.fileControl(constants.SQLITE_FCNTL_PERSIST_WAL, 1);
    // The copy is thrown away: the checkpoint of its last close need not wait for the disk.
    connection.exec("PRAGMA synchronous = OFF");
    connection.query("PRAGMA page_count").get();
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
  }
  const index = parseWalIndex(readFileSync(`${path}-shm`));
  connection.close();
  if (index.kind !== "index") throw new Error(`no index after recovery: ${index.kind}`);
  return { mxFrame: index.index.mxFrame, pageCount: index.index.pageCount };
}

/** Database and WAL alone, as after a power cut. */
export function layOut(path: string, database: Uint8Array, wal: Uint8Array): void {
  for (const suffix of ["-shm", "-journal"]) rmSync(`${path}${suffix}`, { force: true });
  writeFileSync(path, database);
  writeFileSync(`${path}-wal`, wal);
}
