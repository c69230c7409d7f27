/**
 * Brings the journal mode to what the profile says. Only "WAL or not" is stored in the file (bytes 18 and 19
 * of its header); DELETE, TRUNCATE, PERSIST, MEMORY and OFF belong to the connection that sets them.
 *
 * Changing it needs an EXCLUSIVE lock, and a connection that waits for one keeps new readers out meanwhile
 * (PENDING, sqlite.org/lockingv3.html). So it never waits inside SQLite: a few short attempts, nothing held
 * in between, and if others are there the reading says that the mode does not hold.
 */
import type { Database } from "bun:sqlite";
import type { JournalMode } from "../domain/databaseConfig.ts";
import { waitMs } from "../host/preciseWait.ts";
import { firstRow } from "../profile/sqlConnection.ts";
import { setBusyTimeout } from "./connection.ts";
import { isBusy } from "./sqliteFailure.ts";

const attemptCount = 5;
const betweenAttemptsMs = 10;

export interface JournalModeChange {
  readonly before: string;
  readonly changed: boolean;
}

function readJournalMode(connection: Database): string {
  return firstRow(connection, "PRAGMA main.journal_mode")[0] ?? "unknown";
}

export function bringJournalMode(
  connection: Database,
  wanted: JournalMode,
  mayChangeFile: boolean,
  busyTimeoutMs: number,
): JournalModeChange {
  const before = readJournalMode(connection);
  const storedDiffers = (before === "wal") !== (wanted === "WAL");
  if (!storedDiffers) {
    if (wanted !== "WAL") connection.exec(`PRAGMA main.journal_mode = ${wanted}`);
    return { before, changed: false };
  }
  if (!mayChangeFile) return { before, changed: false };
  setBusyTimeout(connection, 0);
  try {
    return { before, changed: changeMode(connection, wanted) };
  } finally {
    setBusyTimeout(connection, busyTimeoutMs);
  }
}

function changeMode(connection: Database, wanted: JournalMode): boolean {
  for (let attempt = 1; attempt <= attemptCount; attempt += 1) {
    if (attempt > 1) waitMs(betweenAttemptsMs);
    try {
      const answered = firstRow(connection, `PRAGMA main.journal_mode = ${wanted}`)[0];
      // SQLite answers the mode that it has now; it may refuse without an error.
      if (answered === wanted.toLowerCase()) return true;
    } catch (error) {
      if (!isBusy(error)) throw error;
    }
  }
  return false;
}
