/** Which SQLite this process runs. */
import { Database } from "bun:sqlite";
import { firstRow } from "../profile/sqlConnection.ts";

export interface SqliteVersion {
  readonly version: string;
  readonly sourceId: string;
}

export function sqliteVersion(): SqliteVersion {
  const memory = new Database(":memory:");
  try {
    const [version = "", sourceId = ""] = firstRow(memory, "SELECT sqlite_version(), sqlite_source_id()");
    return { version, sourceId };
  } finally {
    memory.close(true);
  }
}
