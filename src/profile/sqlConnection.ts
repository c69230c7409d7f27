/**
 * The part of an SQLite connection that the profile needs. It is structural on purpose: bun:sqlite's
 * `Database`, node:sqlite's `DatabaseSync` and better-sqlite3's `Database` all have this shape, and this
 * folder imports none of them, so that it loads wherever any of them does.
 */

export interface SqlStatement {
  get(): unknown;
  all(): unknown[];
  /** bun:sqlite only: a statement that is not finalized keeps `-wal` alive past close (bun issue 2537). */
  finalize?(): unknown;
}

export interface SqlConnection {
  exec(sql: string): unknown;
  prepare(sql: string): SqlStatement;
  /** bun:sqlite and better-sqlite3. */
  readonly inTransaction?: boolean;
  /** node:sqlite, from Node.js 22.16 and 24. */
  readonly isTransaction?: boolean;
}

/**
 * All columns of the first row, in order; empty when there is no row. Rows come as objects or, with
 * node:sqlite's `returnArrays`, as arrays; integers as number or bigint. Only their text is used here.
 */
export function firstRow(connection: SqlConnection, sql: string): readonly string[] {
  const statement = connection.prepare(sql);
  try {
    const row = statement.get();
    return typeof row === "object" && row !== null ? Object.values(row).map((value) => String(value)) : [];
  } finally {
    statement.finalize?.();
  }
}

/** Whether a transaction is open; null where the driver does not say. */
export function transactionOpen(connection: SqlConnection): boolean | null {
  return connection.inTransaction ?? connection.isTransaction ?? null;
}
