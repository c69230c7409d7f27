/**
 * `bun reader.ts PATH HOLD_MS`: reads one snapshot after the other without a gap and holds each for so long. Says
 * `reading` with the first, and goes on until it is killed. An error ends it with status 1. Run only by the benchmark.
 */
import { Database } from "bun:sqlite";
import { writeSync } from "node:fs";

const [path = "", holdMs = "5"] = process.argv.slice(2);
const database = new Database(path, { readwrite: true });
database.exec("PRAGMA busy_timeout = 10000");
database.exec("PRAGMA wal_autocheckpoint = 0");
const select = database.prepare("SELECT key FROM written ORDER BY id DESC LIMIT 10");
const pause = new Int32Array(new SharedArrayBuffer(4));
let isFirst = true;
for (;;) {
  database.exec("BEGIN");
  select.all();
  if (isFirst) writeSync(1, "reading\n");
  isFirst = false;
  Atomics.wait(pause, 0, 0, Number(holdMs));
  database.exec("COMMIT");
}
