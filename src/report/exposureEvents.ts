/** The log lines about commits that are not on disk. */
import type { ExposureStatus } from "../domain/status.ts";
import type { Logger } from "./log.ts";
import { logPhrases } from "./logPhrases.ts";
import { isoTime } from "./statusJson.ts";

type KnownExposure = Extract<ExposureStatus, { readonly kind: "known" }>;

export function exposureEvents(logger: Logger) {
  return {
    /** `boundMs` 0: nothing bounds it. */
    exposureDetected(database: string, fields: KnownExposure & { readonly boundMs: number }): void {
      const { unsyncedBytes, unsyncedCommitCount, sinceMs, inDatabase, writers, boundMs } = fields;
      logger.log("warn", logPhrases.exposureDetected, {
        database,
        unsyncedBytes,
        unsyncedCommitCount,
        since: sinceMs === null ? null : isoTime(sinceMs),
        inDatabase,
        writers,
        boundMs,
        reason: inDatabase
          ? "the database holds changes that nobody has synced (a checkpoint with PRAGMA synchronous = OFF): a power cut can lose commits, or damage the file"
          : "a connected process commits without syncing (PRAGMA synchronous = NORMAL or OFF): a power cut loses these commits",
      });
    },
    exposureEnded(database: string): void {
      logger.log("info", logPhrases.exposureEnded, { database });
    },
    exposureBoundMissed(
      database: string,
      fields: { readonly durationMs: number; readonly boundMs: number },
    ): void {
      const reason = "one sync takes longer than the bound on exposure: the disk is too slow for it";
      logger.log("warn", logPhrases.exposureBoundMissed, { database, ...fields, reason });
    },
  };
}
