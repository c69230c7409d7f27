/**
 * A writer process on bun:sqlite: `bun bunWriter.ts OPTIONS_AS_JSON`. Run only through `startBunWriter`.
 *
 * stdout, one line each: `ready`, `row N` (only after COMMIT of row N returned), `error CODE message`,
 * `holding`, `released`, `stopped`. stdin: `release` lets go of a held transaction, `stop` or the end of
 * the input closes the connection and exits 0. A failed commit is reported and tried again.
 */
import { constants, Database } from "bun:sqlite";
import { writeSync } from "node:fs";
import { createTableSql, pragmaStatements, type WriterOptions } from "./writerOptions.ts";

const retryPauseMs = 1;

function say(line: string): void {
  writeSync(1, `${line}\n`);
}

function sayError(error: unknown): void {
  const code =
    typeof error === "object" && error !== null && "code" in error ? String(error.code) : "UNKNOWN";
  say(`error ${code} ${error instanceof Error ? error.message.replaceAll("\n", " ") : String(error)}`);
}

/** What the test has told us so far. */
interface Commands {
  stop: boolean;
  release: boolean;
}

function listen(): Commands {
  const commands: Commands = { stop: false, release: false };
  // A terminal's Ctrl-C hits the whole process group; who started the writer decides when it ends.
  process.on("SIGINT", () => undefined);
  process.stdin.on("data", (data) => {
    const text = data.toString();
    if (text.includes("release")) commands.release = true;
    if (text.includes("stop")) commands.stop = true;
  });
  process.stdin.on("end", () => {
    commands.stop = true;
  });
  return commands;
}

function open(options: WriterOptions): Database {
  const flags = constants.SQLITE_OPEN_READWRITE | constants.SQLITE_OPEN_CREATE;
  if (options.vfs === null) return new Database(options.path, flags);
  const encodedPath = options.path.split("/").map(encodeURIComponent).join("/");
  return new Database(`file:${encodedPath}?vfs=${options.vfs}`, flags | constants.SQLITE_OPEN_URI);
}

async function retrying(commands: Commands, action: () => void): Promise<boolean> {
  while (!commands.stop) {
    try {
      action();
      return true;
    } catch (error) {
      sayError(error);
      await Bun.sleep(retryPauseMs);
    }
  }
  return false;
}

async function writeRows(database: Database, options: WriterOptions, commands: Commands): Promise<void> {
  const insert = database.prepare("INSERT INTO written(id, payload) VALUES (?, randomblob(?))");
  for (let count = 0; options.rowCount === 0 || count < options.rowCount; count += 1) {
    const row = options.firstRow + count;
    if (!(await retrying(commands, () => insert.run(row, options.rowBytes)))) break;
    say(`row ${row}`);
    // One turn of the event loop even without a pause, or no command would ever be read.
    if (options.pauseMs > 0) await Bun.sleep(options.pauseMs);
    else await new Promise((resolve) => setImmediate(resolve));
  }
  insert.finalize();
}

async function hold(database: Database, options: WriterOptions, commands: Commands): Promise<void> {
  const sql = options.mode === "holdReader" ? "BEGIN; SELECT count(*) FROM written" : "BEGIN IMMEDIATE";
  const begun = await retrying(commands, () => {
    if (database.inTransaction) database.exec("ROLLBACK");
    for (const statement of sql.split("; ")) {
      const prepared = database.prepare(statement);
      prepared.all();
      prepared.finalize();
    }
  });
  if (begun) say("holding");
  while (!commands.stop && !commands.release) await Bun.sleep(2);
  if (database.inTransaction) database.exec("ROLLBACK");
  say("released");
}

async function main(): Promise<void> {
  const options: WriterOptions = JSON.parse(process.argv[2] ?? "");
  const commands = listen();
  const database = open(options);
  for (const sql of [...pragmaStatements(options), createTableSql]) {
    await retrying(commands, () => database.exec(sql));
  }
  say("ready");
  if (options.mode === "write") await writeRows(database, options, commands);
  else await hold(database, options, commands);
  while (!commands.stop) await Bun.sleep(2);
  database.close(true);
  say("stopped");
  process.exit(0);
}

await main();
