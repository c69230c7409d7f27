/**
 * What a sync that had failed makes of the verdict about a restart. Pure; see restartVerdict.ts.
 *
 * What the disk has given up is read again in its earlier state once the cache has let go of it: after a restart of the
 * machine, and in the same boot, too. Only a WAL that was read whole, to a checksum that was noted, is told to be there.
 */
import type { LedgerEntry, RestartVerdict, RestartWal } from "../domain/ledger.ts";

export type Judgement = Omit<RestartVerdict, "judgedAtMs">;

export function withFailedSync(
  { fsyncError, wal: noted }: LedgerEntry,
  wal: RestartWal,
  judgement: Judgement,
): Judgement {
  if (fsyncError === null) return judgement;
  const file = fsyncError.file === "wal" ? "WAL" : "database";
  const what = `a sync of the ${file} had failed with ${fsyncError.code} before that`;
  const isSameLife = wal.kind === "wal" && wal.salt1 === noted?.salt1 && wal.salt2 === noted.salt2;
  const isReadWhole = isSameLife && !wal.isLive && wal.seenFrameMatches === true;
  if (judgement.kind !== "intact" || (fsyncError.file === "wal" && isReadWhole))
    return { ...judgement, reason: `${judgement.reason}; ${what}` };
  const doubt = "the disk may have kept an earlier state of what was written: an integrity check tells more";
  return {
    kind: "undecidable",
    reason: `${judgement.reason}; but ${what}, and ${doubt}`,
    lostExposedCommitCountMin: null,
    lostProvenCommitCountMin: null,
  };
}
