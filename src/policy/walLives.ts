/**
 * How one life of a WAL stands to another, by what its header says. Pure; see restartVerdict.ts.
 *
 * Source: wal.c, walRestartHdr: salt-1 and the checkpoint sequence go up by one each time the WAL starts over.
 */
import type { LedgerWal } from "../domain/ledger.ts";

export type Life = Pick<LedgerWal, "salt1" | "salt2" | "checkpointSequence">;

/** So many steps are believed where sequence and salt-1 agree, and where they do not. */
const stepsAgreedMax = 1_000_000_000;
const stepsAheadMax = 4_096;
const stepsBehindMax = 16;

/**
 * How often the WAL has started over. 0: the same life; negative: an earlier one; null: no relation.
 *
 * The sequence is counted by each connection for itself from what recovery showed it (wal.c, Wal.nCkpt), so with several
 * connections it may disagree with salt-1. Salts are drawn by lot exactly where the sequence is 0: then a life that
 * seems to follow the one that was noted does so by chance.
 */
export function startsOverCount(noted: Life, found: Life): number | null {
  const stepCount = (found.salt1 - noted.salt1) | 0;
  if (stepCount === 0) return found.salt2 === noted.salt2 ? 0 : null;
  const sequenceStepCount = (found.checkpointSequence - noted.checkpointSequence) | 0;
  if (stepCount === sequenceStepCount && Math.abs(stepCount) <= stepsAgreedMax) return stepCount;
  if (found.checkpointSequence === 0) return null;
  return stepCount <= stepsAheadMax && stepCount >= -stepsBehindMax ? stepCount : null;
}
