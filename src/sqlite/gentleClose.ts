/**
 * Closing a connection that may write, without hurting anybody.
 *
 * When such a connection is the last one to close, SQLite takes an EXCLUSIVE lock on the database,
 * checkpoints and deletes `-wal` (wal.c, sqlite3WalClose). An application that opens it in that moment with
 * busy timeout 0 gets SQLITE_BUSY, and the longer the WAL, the longer the moment.
 *
 * It is not the last one, and does not even ask for the lock, while a read-only connection of the same
 * process has the WAL open. That one, closed last, has no right to lock or to delete: `-wal` and `-shm` stay
 * as they are (measured, Bun 1.4.5, SQLite 3.54.1).
 *
 * Invariant: the guard is opened right beside the writer, before either ran a statement, so both are on the
 * same inode even if the path leads elsewhere by the time of the close: else the close would delete the
 * `-wal` of whatever database has the path now. Until the close the guard holds no lock.
 */
import type { Database } from "bun:sqlite";
import type { Target } from "../domain/operation.ts";
import { firstRow } from "../profile/sqlConnection.ts";
import { isWalMode, openHandle, setBusyTimeout } from "./connection.ts";

/** The guard reads one page: it waits only for an EXCLUSIVE lock or a recovery by somebody else. */
const guardBusyTimeoutMs = 1_000;

/** Runs `use` on a connection that may write, and closes it gently however `use` ends. */
export function withWriter<Result>(
  target: Target,
  access: "readWrite" | "create",
  use: (writer: Database) => Result,
): Result {
  const writer = openHandle(target, access);
  let guard: Database | null = null;
  let result: Result;
  try {
    guard = openHandle(target, "readOnly");
    result = use(writer);
  } catch (error) {
    closeBoth(writer, guard, false);
    throw error;
  }
  closeBoth(writer, guard, true);
  return result;
}

/** After a failure the guard's own trouble has the same cause and is not the news: `strict` is false. */
function closeBoth(writer: Database, guard: Database | null, strict: boolean): void {
  try {
    if (guard !== null) holdWalOpen(writer, guard);
  } catch (error) {
    if (strict || !(error instanceof Error) || error.name !== "SQLiteError") throw error;
  } finally {
    writer.close(true);
    guard?.close(true);
  }
}

function holdWalOpen(writer: Database, guard: Database): void {
  if (!isWalMode(writer)) return;
  setBusyTimeout(guard, guardBusyTimeoutMs);
  firstRow(guard, "SELECT count(*) FROM sqlite_schema");
}
