/** The database that every cell begins with: 20,000 rows of 500 bytes with an index on a random key, in WAL mode. */
import { Database } from "bun:sqlite";

const rowCount = 20_000;

export function makeBaseDatabase(path: string): void {
  const database = new Database(path);
  database.exec("PRAGMA journal_mode = WAL");
  database.exec("CREATE TABLE written(id INTEGER PRIMARY KEY, key INTEGER NOT NULL, payload BLOB NOT NULL)");
  database.exec("CREATE INDEX written_by_key ON written(key)");
  database.exec(`
    WITH RECURSIVE row(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM row WHERE id < ${rowCount})
    INSERT INTO written(key, payload) SELECT random(), randomblob(500) FROM row`);
  database.close(true);
}
