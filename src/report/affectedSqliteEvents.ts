/** The log line about a process whose SQLite has the WAL-reset bug. */
import type { SqliteProcess } from "../domain/sqliteProcess.ts";
import type { Logger } from "./log.ts";
import { logPhrases } from "./logPhrases.ts";

const advice =
  "upgrade its SQLite to 3.51.3 or later (3.50.7, 3.44.6 on older branches); until then PRAGMA wal_autocheckpoint = 0 " +
  "on all its connections leaves checkpoints to the daemon, if the application waits for locks and that is declared " +
  "(KVDB_SQLITE_BUSY_TIMEOUT_MS or busyTimeout)";

export function affectedSqliteEvents(logger: Logger) {
  return {
    affectedSqlite(database: string, process: SqliteProcess): void {
      const { pid, comm, user, unit, version, sourceId, file, reason } = process;
      logger.log("warn", logPhrases.affectedSqlite, {
        database,
        // `pid` is the daemon's own in every line of the log.
        holders: [{ pid, comm, user, unit }],
        version,
        sourceId,
        file,
        ...(reason === "" ? {} : { reason }),
        advice,
      });
    },
  };
}
