/** The log events of integrity checks: how far one has come, and what it said. */
import type { IntegrityProgress } from "../domain/integrityCheck.ts";
import type { IntegrityStatus } from "../domain/status.ts";
import { checkEvent } from "./checkpointEvents.ts";
import type { Logger } from "./log.ts";
import { logPhrases } from "./logPhrases.ts";
import { roundedMs } from "./roundedMs.ts";
import { isoTime } from "./statusJson.ts";

/** Findings in one log line; the rest is in status and API. */
const findingsLoggedMax = 10;

export function integrityEvents(logger: Logger) {
  return {
    integrityCheckProgress(database: string, progress: IntegrityProgress): void {
      const { check, trigger, beganAtMs, percent, remainingMs, partCount, endedPartCount, pausedFor } =
        progress;
      logger.log("info", logPhrases.integrityCheckProgress, {
        database,
        check,
        trigger,
        percent,
        remainingMs: remainingMs === null ? null : roundedMs(remainingMs),
        partCount,
        endedPartCount,
        pausedFor,
        beganAt: isoTime(beganAtMs),
      });
    },
    integrityCheckEnded(database: string, status: IntegrityStatus): void {
      const { level, phrase } = checkEvent(status);
      const { check, verdict, trigger, durationMs, findings, findingsTruncated, restsOn } = status;
      logger.log(level, phrase, {
        database,
        check,
        verdict,
        trigger,
        durationMs,
        findingCount: findings.length,
        findingsTruncated,
        ...(restsOn === null ? {} : { restsOn, checkEndedAt: isoTime(status.endedAtMs) }),
        findings: findings.slice(0, findingsLoggedMax),
      });
    },
  };
}
