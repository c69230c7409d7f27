/** A process of its own that reads a writer's rows back: `bun readRows.ts PATH`. Run through `verifyRows`. */
import { Database } from "bun:sqlite";

const database = new Database(process.argv[2] ?? "", { readwrite: true, create: false });
database.exec("PRAGMA busy_timeout = 5000");
const ids = database.query<{ id: number }, []>("SELECT id FROM written ORDER BY id").all();
const integrity = database.query<{ integrity_check: string }, []>("PRAGMA integrity_check(20)").all();
const journalMode = database.query<{ journal_mode: string }, []>("PRAGMA journal_mode").get();
database.close();

/** [first, last] of each run of ids, so that many rows stay a short line. */
const runs: [number, number][] = [];
for (const { id } of ids) {
  const run = runs.at(-1);
  if (run !== undefined && run[1] === id - 1) run[1] = id;
  else runs.push([id, id]);
}
const integrityMessages = integrity.map((row) => row.integrity_check);
console.log(JSON.stringify({ runs, integrityMessages, journalMode: journalMode?.journal_mode }));
