/**
 * An application that opens, reads and closes again and again with busy timeout 0: `bun opener.ts PATH`.
 * Read-only, so that its own last close never checkpoints. Prints `opened N` now and then, `error CODE` for
 * each error; ends with its input.
 */
import { Database } from "bun:sqlite";
import { writeSync } from "node:fs";

const path = process.argv[2] ?? "";
let ended = false;
process.stdin.on("data", () => {});
process.stdin.on("end", () => {
  ended = true;
});

for (let count = 1; !ended; count += 1) {
  try {
    const database = new Database(path, { readonly: true });
    const statement = database.prepare("SELECT count(*) FROM sqlite_schema");
    try {
      statement.get();
    } finally {
      statement.finalize();
      database.close(true);
    }
  } catch (error) {
    writeSync(1, `error ${error instanceof Error && "code" in error ? error.code : error}\n`);
  }
  if (count % 10 === 0) writeSync(1, `opened ${count}\n`);
  // Longer than one opening takes, which reads a left WAL through: else nobody else is ever the last to close.
  await Bun.sleep(15);
}
