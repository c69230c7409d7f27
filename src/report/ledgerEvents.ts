/** The log lines about the ledger, and what a restart said by it. */
import type { LedgerWal, RestartVerdict } from "../domain/ledger.ts";
import type { Logger } from "./log.ts";
import { logPhrases } from "./logPhrases.ts";
import { isoTime } from "./statusJson.ts";

const levels: Readonly<Record<RestartVerdict["kind"], "info" | "warn" | "error">> = {
  "first-seen": "info",
  intact: "info",
  restored: "info",
  undecidable: "warn",
  replaced: "warn",
  "rolled-back": "warn",
  "exposed-lost": "error",
  "proven-lost": "error",
};

export function ledgerEvents(logger: Logger) {
  return {
    /** `noted`: what the ledger said of the WAL before. */
    restartJudged(
      database: string,
      verdict: RestartVerdict,
      noted: LedgerWal | null,
      notedAtMs: number | null,
    ): void {
      const { kind, reason, lostExposedCommitCountMin, lostProvenCommitCountMin } = verdict;
      logger.log(levels[kind], logPhrases.restartJudged, {
        database,
        verdict: kind,
        reason,
        lostExposedCommitCountMin,
        lostProvenCommitCountMin,
        seenFrame: noted?.seenFrame ?? null,
        seenCommitCount: noted?.seenCommitCount ?? null,
        provenFrame: noted?.provenFrame ?? null,
        provenCommitCount: noted?.provenCommitCount ?? null,
        backfilledFrame: noted?.backfilledFrame ?? null,
        noted: notedAtMs === null ? null : isoTime(notedAtMs),
      });
    },
    restoreAnnounced(database: string, fields: { readonly windowEndsAtMs: number }): void {
      logger.log("info", logPhrases.restoreAnnounced, {
        database,
        windowEnds: isoTime(fields.windowEndsAtMs),
      });
    },
    /** `asidePath` null: it stays where it is, and no ledger is written. */
    ledgerUnreadable(fields: {
      readonly path: string;
      readonly reason: string;
      readonly asidePath: string | null;
    }): void {
      logger.log("error", logPhrases.ledgerUnreadable, fields);
    },
    ledgerWriteFailed(fields: {
      readonly path: string;
      readonly operation: string;
      readonly code: string;
    }): void {
      const { path, operation, code } = fields;
      const reason =
        "what a restart says of these databases may be older than it should be; it is tried again";
      logger.log("warn", logPhrases.ledgerWriteFailed, { path, operation, code, reason });
    },
    ledgerWrittenAgain(fields: { readonly path: string }): void {
      logger.log("info", logPhrases.ledgerWrittenAgain, fields);
    },
  };
}
