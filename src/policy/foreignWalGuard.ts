/**
 * Guard against a WAL that belongs to another file: the database was replaced (a restore by mv or cp) while its
 * WAL stayed, or while an application goes on in the file that is no longer there. Whoever opens the new file
 * then takes the old frames for its own: the restore is undone, and the application loses what it commits
 * (sqlite.org/howtocorrupt.html, sections 1.2 and 4; both measured). The WAL carries nothing that ties it to
 * its database, so this is judged by locks and by what was beside the earlier file.
 */
import type { LockHolder, Observation } from "../domain/observation.ts";
import type { GuardFinding } from "./guardFinding.ts";
import { describeHolder } from "./processGuards.ts";
import type { DatabaseState } from "./state.ts";
import { walHasFrames } from "./walState.ts";

/** /proc/locks is no snapshot: what it shows once is confirmed for this long. */
export const foreignWalDoubtMs = 300;

export function foreignWalGuards(observation: Observation, state: DatabaseState): readonly GuardFinding[] {
  const path = observation.resolvedPath ?? "the database";
  const stranger = strangerOnWal(observation);
  if (stranger !== null) {
    const sinceMs = state.strangerSinceMs ?? observation.observedAtMs;
    return [
      {
        guard: "wal_of_another_file",
        verdict: observation.observedAtMs - sinceMs < foreignWalDoubtMs ? "wait" : "refuse",
        reason: `${describeHolder(stranger)} still has the file open that was at ${path} before it was replaced, and ${path}-wal and -shm belong to that one: stop the process, move both away, then start it again`,
      },
    ];
  }
  if (state.earlierWalSalts === null || walSalts(observation) !== state.earlierWalSalts) return [];
  return [
    {
      guard: "wal_of_another_file",
      verdict: "refuse",
      reason: `${path}-wal belongs to the file that was at ${path} before it was replaced: opening would mix the two; stop the application, move ${path}-wal and -shm away, then start it again`,
    },
  ];
}

/**
 * A process that is connected to the WAL-index without a lock on the database. SQLite takes its SHARED lock on
 * the database before it opens the WAL and keeps it for as long (pager.c, pagerOpenWal), so its database is
 * another inode.
 */
export function strangerOnWal({ locks, database }: Observation): LockHolder | null {
  if (locks.kind !== "seen" || database.kind !== "regular") return null;
  const lockers = new Set(locks.databaseLockers.map(({ pid }) => pid));
  return locks.connected.find(({ pid }) => !lockers.has(pid)) ?? null;
}

/** Null: there is no WAL with frames whose header can be read. */
export function walSalts(observation: Observation): string | null {
  if (observation.walHeader?.kind !== "header" || !walHasFrames(observation)) return null;
  const { salt1, salt2 } = observation.walHeader.header;
  return `${salt1} ${salt2}`;
}
