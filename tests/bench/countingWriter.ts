/**
 * `bun countingWriter.ts PATH SYNCHRONOUS SECONDS`: commits one row after the other without a pause for so long, and
 * prints how many. Run only by a benchmark.
 */
import { Database } from "bun:sqlite";

const [path = "", synchronous = "NORMAL", seconds = "5"] = process.argv.slice(2);

const database = new Database(path);
database.exec("PRAGMA busy_timeout = 10000");
database.exec("PRAGMA journal_mode = WAL");
database.exec(`PRAGMA synchronous = ${synchronous}`);
database.exec("CREATE TABLE IF NOT EXISTS written(id INTEGER PRIMARY KEY, payload BLOB)");
const insert = database.prepare("INSERT INTO written(payload) VALUES (randomblob(100))");
const endAtMs = performance.now() + Number(seconds) * 1000;
let commitCount = 0;
while (performance.now() < endAtMs) {
  insert.run();
  commitCount += 1;
}
insert.finalize();
database.close(true);
process.stdout.write(`${commitCount}\n`);
