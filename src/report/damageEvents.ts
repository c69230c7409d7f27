/** The log lines about a WAL that was found broken with commits behind the break. */
import type { WalDamage } from "../domain/walDamage.ts";
import type { Logger } from "./log.ts";
import { logPhrases } from "./logPhrases.ts";

export function damageEvents(logger: Logger) {
  return {
    /** Once for each damaged WAL, before anything opens it; a failure once for each reason. */
    damagedWalCopied(database: string, { text: damage, droppedCommitCountMin, copy }: WalDamage): void {
      if (copy.kind === "failed") {
        const { reason } = copy;
        logger.log("error", logPhrases.damagedWalNotKept, {
          database,
          damage,
          droppedCommitCountMin,
          reason,
        });
        return;
      }
      const { kind: _kind, ...kept } = copy;
      logger.log("warn", logPhrases.damagedWalKept, { database, damage, droppedCommitCountMin, ...kept });
    },
  };
}
