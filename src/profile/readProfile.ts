/**
 * Reads back, from one connection, the four values of a profile, in SQLite's own spelling.
 *
 * Sources: sqlite.org/pragma.html#pragma_synchronous (0 OFF, 1 NORMAL, 2 FULL, 3 EXTRA), #pragma_journal_mode
 * (answers in lower case), #pragma_busy_timeout, #pragma_foreign_keys (0 or 1).
 * Only the `main` database is asked: an attached one keeps its own journal mode and synchronous.
 */
import type { Profile } from "../domain/databaseConfig.ts";
import type { PragmaReading } from "../domain/outcome.ts";
import type { ProfilePragma } from "./profileError.ts";
import { firstRow, type SqlConnection } from "./sqlConnection.ts";

const synchronousByNumber: Readonly<Record<string, string>> = {
  "0": "OFF",
  "1": "NORMAL",
  "2": "FULL",
  "3": "EXTRA",
};
const onOffByNumber: Readonly<Record<string, string>> = { "0": "off", "1": "on" };

const readStatements: Readonly<Record<ProfilePragma, string>> = {
  busy_timeout: "PRAGMA busy_timeout",
  journal_mode: "PRAGMA main.journal_mode",
  synchronous: "PRAGMA main.synchronous",
  foreign_keys: "PRAGMA foreign_keys",
};

/** The value that a profile asks for, spelled as `readPragma` spells the answer. */
export function wantedValue(profile: Profile, pragma: ProfilePragma): string {
  switch (pragma) {
    case "busy_timeout":
      return String(profile.busyTimeoutMs);
    case "journal_mode":
      return profile.journalMode.toLowerCase();
    case "synchronous":
      return profile.synchronous;
    case "foreign_keys":
      return profile.foreignKeys ? "on" : "off";
  }
}

/** Null: the connection answered no row, which SQLite does for a pragma it does not know. */
export function readPragma(connection: SqlConnection, pragma: ProfilePragma): string | null {
  const value = firstRow(connection, readStatements[pragma])[0];
  if (value === undefined) return null;
  if (pragma === "synchronous") return synchronousByNumber[value] ?? value;
  if (pragma === "foreign_keys") return onOffByNumber[value] ?? value;
  return value;
}

/** All four, in the order in which they are applied. */
export function readProfile(connection: SqlConnection, profile: Profile): readonly PragmaReading[] {
  const pragmas: readonly ProfilePragma[] = ["busy_timeout", "journal_mode", "synchronous", "foreign_keys"];
  return pragmas.map((pragma) => {
    const wanted = wantedValue(profile, pragma);
    const actual = readPragma(connection, pragma) ?? "unknown";
    return { pragma, wanted, actual, holds: actual === wanted };
  });
}
