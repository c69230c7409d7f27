/**
 * `bun truncator.ts PATH INTERVAL_MS`: wal_checkpoint(TRUNCATE) every interval with a busy timeout of 10 s, as many
 * applications do it from a process of its own. Goes on until it is killed. Run only by the benchmark.
 */
import { Database } from "bun:sqlite";
import { writeSync } from "node:fs";

const [path = "", intervalMs = "1000"] = process.argv.slice(2);
const database = new Database(path, { readwrite: true });
database.exec("PRAGMA busy_timeout = 10000");
database.exec("PRAGMA synchronous = EXTRA");
const truncate = database.prepare("PRAGMA wal_checkpoint(TRUNCATE)");
writeSync(1, "ready\n");
for (;;) {
  truncate.all();
  await Bun.sleep(Number(intervalMs));
}
