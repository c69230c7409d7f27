/**
 * Puts a connection into the profile and proves it: every value is read back after all were set.
 *
 * The order matters. busy_timeout comes first, so that whatever needs a lock waits for it. journal_mode comes before synchronous and foreign_keys, which belong to the
 * connection alone. Invariant: it returns only if every value holds; otherwise it throws `ProfileError`.
 */
import type { Profile } from "../domain/databaseConfig.ts";
import type { PragmaReading } from "../domain/outcome.ts";
import { ProfileError, type ProfilePragma } from "./profileError.ts";
import { completeProfile, type ProfileOptions } from "./profileOptions.ts";
import { readPragma, readProfile, wantedValue } from "./readProfile.ts";
import { retryWhileBusy } from "./retryWhileBusy.ts";
import { firstRow, type SqlConnection, transactionOpen } from "./sqlConnection.ts";

const hints: Readonly<Record<ProfilePragma, string>> = {
  busy_timeout: "SQLite did not keep the value",
  journal_mode:
    "the file system, a read-only file or directory, another connection, or an in-memory database keeps the " +
    "journal mode as it is",
  synchronous: "SQLite did not keep the value",
  foreign_keys: "this build of SQLite has no foreign key support",
};

/** The main database's file; null for in-memory and temporary databases. */
function mainPath(connection: SqlConnection): string | null {
  // Columns: seq, name, file. `main` is always the first row.
  const file = firstRow(connection, "PRAGMA database_list")[2];
  return file === undefined || file === "" || file === "null" ? null : file;
}

/**
 * `PRAGMA foreign_keys` is a no-op inside a transaction (sqlite.org/pragma.html#pragma_foreign_keys), and
 * synchronous and the journal mode cannot change there: half a profile is worse than a clear refusal.
 */
function refuseInsideTransaction(connection: SqlConnection, profile: Profile): void {
  if (transactionOpen(connection) !== true) return;
  throw new ProfileError({
    reason: "transaction",
    pragma: "foreign_keys",
    wanted: wantedValue(profile, "foreign_keys"),
    actual: readPragma(connection, "foreign_keys"),
    path: mainPath(connection),
    hint: "the connection is inside a transaction, where SQLite ignores PRAGMA foreign_keys; apply it before BEGIN",
  });
}

function setPragma(connection: SqlConnection, profile: Profile, pragma: ProfilePragma): void {
  const wanted = wantedValue(profile, pragma);
  const schema = pragma === "journal_mode" || pragma === "synchronous" ? "main." : "";
  try {
    // Asking for the journal mode that the file already has could need a lock: do not stand in line for it.
    if (pragma === "journal_mode" && readPragma(connection, pragma) === wanted) return;
    retryWhileBusy(profile.busyTimeoutMs, () => connection.exec(`PRAGMA ${schema}${pragma} = ${wanted}`));
  } catch (cause) {
    const actual = unlessRefused(() => readPragma(connection, pragma));
    const path = unlessRefused(() => mainPath(connection));
    const hint = cause instanceof Error ? cause.message : String(cause);
    throw new ProfileError({ reason: "refused", pragma, wanted, actual, path, hint }, cause);
  }
}

/** For the details of an error only: what refuses to be set may refuse to be read. Null says so. */
function unlessRefused<Value>(read: () => Value): Value | null {
  try {
    return read();
  } catch {
    return null;
  }
}

/**
 * Applies the profile to a connection of bun:sqlite, node:sqlite or better-sqlite3, and verifies it.
 *
 * Returns the four values as read back. Throws `ProfileError` when one does not hold (the connection stays
 * open and is the caller's to close), TypeError for a profile that makes no sense. Attached databases keep
 * their own journal mode and synchronous.
 */
export function applyProfile(
  connection: SqlConnection,
  options: ProfileOptions = {},
): readonly PragmaReading[] {
  const profile = completeProfile(options);
  refuseInsideTransaction(connection, profile);
  setPragma(connection, profile, "busy_timeout");
  setPragma(connection, profile, "journal_mode");
  setPragma(connection, profile, "synchronous");
  setPragma(connection, profile, "foreign_keys");
  const readings = readProfile(connection, profile);
  for (const reading of readings) {
    if (reading.holds) continue;
    throw new ProfileError({
      reason: "refused",
      pragma: reading.pragma,
      wanted: reading.wanted,
      actual: reading.actual,
      path: unlessRefused(() => mainPath(connection)),
      hint: hints[reading.pragma],
    });
  }
  return readings;
}
