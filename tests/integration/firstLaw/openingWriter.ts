/**
 * An application that opens and closes a connection for each row: `bun openingWriter.ts OPTIONS_AS_JSON`, run
 * through `startOpeningWriter`. Busy timeout 0, SQLite's own defaults otherwise. Each close is a last close,
 * as long as nobody else is connected.
 *
 * stdout: `row N` after COMMIT and close of row N returned, `error CODE message`, `stopped`. It ends with its
 * input. A row that failed is tried again, and the error stays an error.
 */
import { Database } from "bun:sqlite";
import { writeSync } from "node:fs";
import { createTableSql } from "../../support/writers/writerOptions.ts";

function say(line: string): void {
  writeSync(1, `${line}\n`);
}

function insertRow(path: string, journalMode: string, row: number): boolean {
  try {
    using database = new Database(path, { create: true, readwrite: true });
    database.exec(`PRAGMA journal_mode = ${journalMode}`);
    database.exec(createTableSql);
    database.exec(`INSERT OR IGNORE INTO written VALUES (${row}, randomblob(100))`);
    return true;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    say(`error ${"code" in error ? String(error.code) : "UNKNOWN"} ${error.message.replaceAll("\n", " ")}`);
    return false;
  }
}

const options: { path: string; journalMode: string; pauseMs: number } = JSON.parse(process.argv[2] ?? "");
let stopping = false;
process.stdin.on("end", () => {
  stopping = true;
});
process.stdin.resume();
for (let row = 1; !stopping; ) {
  if (insertRow(options.path, options.journalMode, row)) {
    say(`row ${row}`);
    row += 1;
  }
  if (options.pauseMs > 0) await Bun.sleep(options.pauseMs);
  else await new Promise((resolve) => setImmediate(resolve));
}
say("stopped");
process.exit(0);
