/** A large database, made quickly in a process of its own: `bun makeDatabase.ts PATH BYTES`. */
import { Database } from "bun:sqlite";
import { statSync } from "node:fs";

const rowsPerRound = 100_000;

const [path = "", bytesText = ""] = process.argv.slice(2);
const database = new Database(path);
for (const pragma of ["journal_mode = OFF", "synchronous = OFF", "cache_size = -200000"]) {
  database.exec(`PRAGMA ${pragma}`);
}
database.exec("CREATE TABLE big(id INTEGER PRIMARY KEY, key TEXT, payload BLOB)");
database.exec("CREATE INDEX big_key ON big(key)");
// Keys in rising order keep the index cheap to build; an integrity check reads it all the same.
const fill = database.prepare(
  `WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1 + ${rowsPerRound} - 1)
   INSERT INTO big SELECT i, printf('key-%012d', i), randomblob(400) FROM n`,
);
for (let firstRow = 1; statSync(path).size < Number(bytesText); firstRow += rowsPerRound) fill.run(firstRow);
fill.finalize();
database.exec("PRAGMA journal_mode = WAL");
database.close(true);
