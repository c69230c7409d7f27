/** The log lines about who holds a WAL back, and about what is the matter with it. */
import type { WalPinStatus, WalVerdict, WalVerdictKind } from "../domain/status.ts";
import type { Logger, LogLevel } from "./log.ts";
import { logPhrases } from "./logPhrases.ts";
import { isoTime } from "./statusJson.ts";

type HeldPin = Extract<WalPinStatus, { readonly kind: "held" }>;

const verdictLevels: Readonly<Record<WalVerdictKind, LogLevel>> = {
  healthy: "info",
  plateau: "info",
  unknown: "info",
  // The pin has a line of its own.
  pinned: "info",
  starved: "warn",
  "write-storm": "warn",
  exclusive: "warn",
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
      logger.log("warn", logPhrases.walPinned, { database, since, heldFrameCount, holders, unnamedHolders });
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
