/** Rows of a statement as arrays, the statement finalized: one that is not keeps `-wal` alive past close. */
import type { Database } from "bun:sqlite";

export function statementRows(
  reader: Database,
  sql: string,
  ...bindings: readonly (string | bigint)[]
): unknown[][] {
  const statement = reader.prepare(sql);
  try {
    return statement.values(...bindings);
  } finally {
    statement.finalize();
  }
}
