/**
 * What an earlier life left beside a database: frames in a WAL that nobody is connected to, a rollback
 * journal that nobody holds. Residue is no proof of a crash: a read-only last closer leaves a WAL behind too.
 */
import type { Observation, OpenerLook } from "../domain/observation.ts";
import { somebodyIsConnected, somebodyLocksDatabase } from "./heldLocks.ts";
import { walHasFrames } from "./walState.ts";

export interface Residue {
  readonly walBytes: number;
  readonly journalBytes: number;
  readonly shmLeft: boolean;
}

/** @param openers who had the files open a moment ago: locks alone miss a writer between two of its commits. */
export function residueOf(observation: Observation, openers: OpenerLook | null): Residue | null {
  if (!nobodyConnected(observation)) return null;
  if (openers?.kind === "seen" && openers.openers.length > 0) return null;
  const walBytes =
    walHasFrames(observation) && observation.wal.kind === "regular" ? observation.wal.sizeBytes : 0;
  const journalBytes = hotJournalBytes(observation);
  if (walBytes === 0 && journalBytes === 0) return null;
  return { walBytes, journalBytes, shmLeft: observation.shm.kind === "regular" };
}

/** Even where locks of other PID namespaces are hidden: an empty list is taken as residue, and said as such. */
function nobodyConnected(observation: Observation): boolean {
  const { locks } = observation;
  return locks.kind === "seen" && !somebodyIsConnected(locks) && !somebodyLocksDatabase(locks);
}

/**
 * A journal is hot when its header is not zeroed and nobody holds RESERVED (sqlite.org/lockingv3.html,
 * section 4). An emptied one (journal_mode=TRUNCATE) has no bytes; the one that PERSIST leaves has its header zeroed,
 * which only SQLite itself looks at: so this is "may be hot".
 */
function hotJournalBytes(observation: Observation): number {
  return observation.journal.kind === "regular" ? observation.journal.sizeBytes : 0;
}

export function describeResidue(residue: Residue): string {
  const parts: string[] = [];
  if (residue.walBytes > 0) parts.push(`a WAL of ${residue.walBytes} bytes that nobody is connected to`);
  if (residue.journalBytes > 0) parts.push(`a rollback journal of ${residue.journalBytes} bytes`);
  if (residue.shmLeft) parts.push("a leftover -shm");
  return parts.join(", ");
}
