/** The log lines about who holds a WAL back, and about what is the matter with it. */
import type { WalPinStatus, WalVerdict, WalVerdictKind } from "../domain/status.ts";
import type { UnsaltedFrame, UnsaltedLoss } from "../domain/unsaltedFrame.ts";
import { unnamedReads } from "../policy/walPin.ts";
import type { Logger, LogLevel } from "./log.ts";
import { logPhrases } from "./logPhrases.ts";
import { isoTime } from "./statusJson.ts";

type HeldPin = Extract<WalPinStatus, { readonly kind: "held" }>;

const verdictLevels: Readonly<Record<WalVerdictKind, LogLevel>> = {
  healthy: "info",
  plateau: "info",
  unknown: "info",
  // The pin and the guard against an exclusive lock have lines of their own.
  pinned: "info",
  exclusive: "info",
  starved: "warn",
  "write-storm": "warn",
};

export function walEvents(logger: Logger) {
  return {
    /** Once for each process that holds the WAL back. `unnamedHolders`: one is in another PID namespace. */
    walPinned(database: string, pin: HeldPin): void {
      const { sinceMs, heldFrameCount, unnamedHolders } = pin;
      const holders = pin.holders.map(({ sinceMs: heldSinceMs, ...holder }) => {
        return { ...holder, since: isoTime(heldSinceMs) };
      });
      const since = isoTime(sinceMs);
      const reason = unnamedHolders ? `from another PID namespace: ${unnamedReads}` : "";
      const fields = { database, since, heldFrameCount, holders, unnamedHolders, reason };
      logger.log("warn", logPhrases.walPinned, fields);
    },
    /** Once, however many WALs with such frames follow one another. */
    unsaltedFrames(
      database: string,
      { frame, sinceMs, isCopied }: UnsaltedFrame,
      fields: { readonly reason: string; readonly advice: string },
    ): void {
      const since = isoTime(sinceMs);
      logger.log("warn", logPhrases.unsaltedFrames, { database, frame, since, isCopied, ...fields });
    },
    unsaltedFramesGone(database: string, fields: { readonly durationMs: number }): void {
      logger.log("info", logPhrases.unsaltedFramesGone, { database, ...fields });
    },
    /** Once for each recovery. */
    unsaltedFramesLost(
      database: string,
      { frame, sinceMs, lostAtMs, isCopied }: UnsaltedLoss,
      fields: { readonly reason: string; readonly advice: string },
    ): void {
      const times = { since: isoTime(sinceMs), lostAt: isoTime(lostAtMs) };
      logger.log("error", logPhrases.unsaltedFramesLost, { database, frame, ...times, isCopied, ...fields });
    },
    walPinReleased(database: string, fields: { readonly heldMs: number }): void {
      logger.log("info", logPhrases.walPinReleased, { database, ...fields });
    },
    walVerdictChanged(database: string, from: WalVerdictKind | null, verdict: WalVerdict): void {
      const { kind: to, reason, holders, sinceMs } = verdict;
      const fields = { database, from, to, reason, holders, since: isoTime(sinceMs) };
      logger.log(verdictLevels[to], logPhrases.walVerdictChanged, fields);
    },
  };
}
