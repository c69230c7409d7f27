/**
 * The library face: what an application calls to get a connection that is as crash-safe as the daemon's.
 * A daemon cannot set synchronous, busy_timeout or foreign_keys on another process's connection; this can.
 *
 * Invariant: importing this module loads no SQLite and has no effect, so it works under Node.js too, where
 * `applyProfile` takes a node:sqlite or better-sqlite3 connection. Only `openDatabase` needs Bun.
 */
import type { Database } from "bun:sqlite";
import { createRequire } from "node:module";
import { applyProfile } from "./profile/applyProfile.ts";
import type { ProfileOptions } from "./profile/profileOptions.ts";

export type { JournalMode, Profile, Synchronous } from "./domain/databaseConfig.ts";
export type { PragmaReading } from "./domain/outcome.ts";
export { applyProfile } from "./profile/applyProfile.ts";
export { ProfileError, type ProfileErrorReason, type ProfilePragma } from "./profile/profileError.ts";
export type { ProfileOptions } from "./profile/profileOptions.ts";
export type { SqlConnection, SqlStatement } from "./profile/sqlConnection.ts";

export interface OpenOptions extends ProfileOptions {
  /** Open without the right to write; then the file must already be in the wanted journal mode. */
  readonly readOnly?: boolean | undefined;
  /** Create the file when it is missing; the default is true unless `readOnly`. */
  readonly create?: boolean | undefined;
}

/** Resolved when it is called, so that a bundle for Node.js contains no static import of bun:sqlite. */
function loadDatabaseClass(): typeof Database {
  if (process.versions.bun === undefined) {
    throw new Error(
      "openDatabase needs Bun (bun:sqlite). Under Node.js open the database with better-sqlite3 or " +
        "node:sqlite and pass the connection to applyProfile",
    );
  }
  const module: typeof import("bun:sqlite") = createRequire(import.meta.url)("bun:sqlite");
  return module.Database;
}

/**
 * Opens a database with bun:sqlite and applies the profile (WAL, EXTRA, busy timeout 10 s, foreign keys on,
 * unless the options say otherwise). The path is a path: it is never read as a URI.
 *
 * Throws `ProfileError` when a value does not hold, bun's SQLiteError when the file cannot be opened; the
 * connection is closed again in both cases.
 */
export function openDatabase(path: string, options: OpenOptions = {}): Database {
  if (path === "")
    throw new TypeError("path is empty: SQLite would open a temporary database that nobody keeps");
  const { readOnly = false, create = !readOnly, ...profile } = options;
  const DatabaseClass = loadDatabaseClass();
  const connection = new DatabaseClass(path, readOnly ? { readonly: true } : { readwrite: true, create });
  try {
    applyProfile(connection, profile);
  } catch (cause) {
    connection.close();
    throw cause;
  }
  return connection;
}
