/**
 * Whether the WAL of a restart belongs to its database: one judgement for the guard and for the verdict, by the same look
 * and with the same memory, so that neither contradicts the other. Pure.
 */
import type { LedgerEntry, RestartLook, RestartVerdict } from "../domain/ledger.ts";
import type { Observation } from "../domain/observation.ts";
import type { WalLineage } from "../domain/residueReport.ts";
import { saltsOf } from "../format/walHeader.ts";
import { mayBePutBack } from "./putBack.ts";
import { standingRefusal } from "./refusedWal.ts";
import { lineageOf } from "./residueScan.ts";
import { keptCache } from "./restartVerdict.ts";
import type { DatabaseState } from "./state.ts";
import type { HeaderBesideWal, StrangeWal } from "./strangeWal.ts";

/**
 * What the ledger knows of the header beside a WAL, unless a cut may have taken a checkpoint back, or database and WAL may
 * have been put back together (putBack.ts): then that header was of a later checkpoint.
 */
export function rememberedAtRestart(
  entry: LedgerEntry | null,
  look: RestartLook,
  observation: Pick<Observation, "wal">,
  { headerBesideWal, earlierWalSalts }: Pick<DatabaseState, "headerBesideWal" | "earlierWalSalts">,
): HeaderBesideWal | null {
  // Seen in this life, of the file that the WAL goes with: the ledger's is older.
  if (earlierWalSalts !== null) return headerBesideWal;
  if (entry === null || entry.wal === null || entry.header === null || !keptCache(entry, look))
    return headerBesideWal;
  if (mayBePutBack(entry, entry.wal, look.wal, observation)) return headerBesideWal;
  return { walSalts: saltsOf(entry.wal), headerHex: entry.header.bytesHex };
}

/** Null: the WAL was not read whole, because somebody uses it or because it changed. */
export function restartLineage(
  entry: LedgerEntry | null,
  look: RestartLook,
  observation: Observation,
  state: DatabaseState,
): WalLineage | null {
  const refused = standingRefusal(entry, observation, state);
  if (refused !== null) return { kind: "another", evidence: refused.evidence };
  const headerBesideWal = rememberedAtRestart(entry, look, observation, state);
  return lineageOf(observation, { ...state, headerBesideWal });
}

/** Said `intact` while the WAL could not be compared, or could not be told apart: it does not stand any more. */
export function isContradicted(
  verdict: RestartVerdict | null,
  strangeWal: StrangeWal | null,
): verdict is RestartVerdict {
  return verdict?.kind === "intact" && strangeWal?.confirmed === true;
}

export function contradictedVerdict(
  verdict: RestartVerdict,
  { evidence }: StrangeWal,
  nowMs: number,
): RestartVerdict {
  return {
    kind: "undecidable",
    reason: `the WAL does not belong to the database that is there now: ${evidence}; before that was seen this was intact: ${verdict.reason}`,
    lostExposedCommitCountMin: null,
    lostProvenCommitCountMin: null,
    judgedAtMs: nowMs,
  };
}
