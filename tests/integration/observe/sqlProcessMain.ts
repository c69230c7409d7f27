/**
 * An application in a process of its own, as in life: runs the SQL that comes in on stdin, one JSON request a
 * line, and answers each with the rows. Connections have names and stay open until they are closed.
 */
import { Database } from "bun:sqlite";

const connections = new Map<string, Database>();

function connection(name: string, path: string): Database {
  const known = connections.get(name);
  if (known !== undefined) return known;
  const opened = new Database(path, { create: true });
  connections.set(name, opened);
  return opened;
}

for await (const line of console) {
  const { name, path, sql } = JSON.parse(line) as { name: string; path: string; sql: string };
  if (sql === "close") {
    connections.get(name)?.close(true);
    connections.delete(name);
    console.log("[]");
    continue;
  }
  let rows: unknown[] = [];
  for (const text of sql.split(";").filter((part) => part.trim() !== "")) {
    const statement = connection(name, path).prepare(text);
    rows = statement.all();
    statement.finalize();
  }
  console.log(JSON.stringify(rows));
}
