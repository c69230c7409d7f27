/** `bun lineageWriterMain.ts DATABASE`: runs the SQL of stdin, one statement a line; errors are passed over. */
import { Database } from "bun:sqlite";
import { reopen } from "./lineageWorkload.ts";

const path = process.argv[2] ?? "";

function open(): Database {
  const database = new Database(path, { create: true });
  database.exec("PRAGMA busy_timeout = 200");
  return database;
}

let database = open();
for await (const line of console) {
  try {
    if (line === reopen) {
      database.close(false);
      database = open();
    } else database.prepare(line).all();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
  }
}
database.close(false);
