/**
 * Guard against a WAL that belongs to another file: the database was replaced (a restore by mv, say) while its
 * WAL stayed, or while an application goes on in the file that is no longer there. Whoever opens the new file
 * then takes the old frames for its own: the restore is undone, and the application loses what it commits
 * (sqlite.org/howtocorrupt.html, sections 1.2 and 4; both measured). This is judged by
 * locks, by what was beside the earlier file, and by what the WAL carries of page 1 (strangeWal.ts).
 */
import type { LockHolder, LockLook, Observation, OpenerLook } from "../domain/observation.ts";
import type { GuardFinding } from "./guardFinding.ts";
import { describeHolder, somebodyLocksDatabase } from "./heldLocks.ts";
import type { DatabaseState } from "./state.ts";
import { strangeWalGuards } from "./strangeWal.ts";
import { walSalts } from "./walState.ts";

/** /proc/locks is no snapshot: what it shows once is confirmed for this long. */
export const foreignWalDoubtMs = 300;

export function foreignWalGuards(
  observation: Observation,
  state: DatabaseState,
  configuredPath: string,
): readonly GuardFinding[] {
  const path = observation.resolvedPath ?? configuredPath;
  const stranger = strangerOnWal(observation, state.openers);
  if (stranger !== null) {
    const sinceMs = state.strangerSinceMs ?? observation.observedAtMs;
    // A process that has only lost its lock on the right file must not be told to move its WAL away.
    if (state.openersAtMs < sinceMs) {
      const reason = `${describeHolder(stranger)} is connected to ${path}-wal and holds no lock on ${path}: which file it has open is being looked for`;
      return [{ guard: "wal_of_another_file", verdict: "wait", reason }];
    }
    return [
      {
        guard: "wal_of_another_file",
        verdict: observation.observedAtMs - sinceMs < foreignWalDoubtMs ? "wait" : "refuse",
        reason: `${describeHolder(stranger)} still has the file open that was at ${path} before it was replaced, and ${path}-wal and -shm belong to that one: stop the process, move both away, then start it again`,
      },
    ];
  }
  const salts = walSalts(observation);
  const isEarlier =
    salts !== null && state.earlierWalSalts !== null && isSameOrNextWal(salts, state.earlierWalSalts);
  if (!isEarlier) return strangeWalGuards(observation, state);
  return [
    {
      guard: "wal_of_another_file",
      verdict: "refuse",
      reason:
        observation.database.kind === "absent"
          ? `${path}-wal belongs to the file that was at ${path} and was moved or removed: put that file back, or move ${path}-wal and -shm to where it is now, before another file is put at ${path}`
          : `${path}-wal belongs to the file that was at ${path} before it was replaced: opening would mix the two; ${adviceOnWal(path)}`,
    },
  ];
}

/** A WAL that goes with its database must not be moved away: that would lose what is in it. */
function adviceOnWal(path: string): string {
  return `if you restored ${path}-wal together with ${path}, do not move it, for it holds commits: stop the application and put both there once more, by mv; if not, stop the application, move ${path}-wal and -shm away, then start it again`;
}

/**
 * A process that is connected to the WAL-index without a lock on the database. SQLite takes its SHARED lock on
 * the database before it opens the WAL and keeps it for as long (pager.c, pagerOpenWal), so its database is
 * another inode. Unless it is seen to have this one open: then it lost its lock (openWithoutLocks).
 */
export function strangerOnWal(
  { locks, database }: Observation,
  openers: OpenerLook | null,
): LockHolder | null {
  if (locks.kind !== "seen" || database.kind !== "regular") return null;
  const atHome = new Set([...locks.databaseLockers.map(({ pid }) => pid), ...openersOfDatabase(openers)]);
  return locks.connected.find(({ pid }) => !atHome.has(pid)) ?? null;
}

function openersOfDatabase(openers: OpenerLook | null): readonly number[] {
  if (openers?.kind !== "seen") return [];
  return openers.openers.filter(({ files }) => files.includes("database")).map(({ pid }) => pid);
}

function hasLostItsLock(locks: LockLook, openers: OpenerLook | null): boolean {
  if (locks.kind !== "seen") return false;
  const lockers = new Set(locks.databaseLockers.map(({ pid }) => pid));
  const home = openersOfDatabase(openers);
  return locks.connected.some(({ pid }) => !lockers.has(pid) && home.includes(pid));
}

/**
 * Salts of the WAL that goes with an earlier file, by what is seen now. A process that goes on in that file starts its
 * WAL over again and again, and when it ends the WAL stays: SQLite neither checkpoints nor deletes it beside a
 * database that has moved (pager.c, databaseIsUnmoved; measured). So they are taken along while it is there.
 *
 * @param strangerSinceMs with this observation taken into account
 */
export function noteEarlierWal(
  observation: Observation,
  earlierWalSalts: string | null,
  strangerSinceMs: number | null,
  openers: OpenerLook | null,
): string | null {
  const salts = walSalts(observation);
  if (strangerSinceMs !== null) {
    const confirmed = observation.observedAtMs - strangerSinceMs >= foreignWalDoubtMs;
    return confirmed ? (salts ?? earlierWalSalts) : earlierWalSalts;
  }
  const { locks } = observation;
  // Taken for a stranger until its open files were looked at: it is at home, and so is its WAL.
  if (hasLostItsLock(locks, openers)) return null;
  if (salts === null || salts === earlierWalSalts || earlierWalSalts === null) return earlierWalSalts;
  // Started over by somebody who has the new file open: what could be mixed has been.
  const isAdopted = locks.kind === "seen" && somebodyLocksDatabase(locks);
  return isAdopted || !isSameOrNextWal(salts, earlierWalSalts) ? null : earlierWalSalts;
}

/**
 * The WAL that lay beside the earlier file is another file now: it was put there, with the database or without. Then what
 * is in the two tells (walLineage.ts); calling both wrong would cost the commits in a WAL that was restored with its
 * database. A process that goes on in the earlier file keeps its WAL where it is, so nobody may be seen to.
 *
 * @param strangerSinceMs with this observation taken into account
 */
export function isPutThere(
  { wal }: Observation,
  { earlierWalSalts, earlierWalIdentity }: DatabaseState,
  strangerSinceMs: number | null,
): boolean {
  if (earlierWalSalts === null || earlierWalIdentity === null || strangerSinceMs !== null) return false;
  return wal.kind === "regular" && wal.identity !== earlierWalIdentity;
}

/** One of them is an earlier life of the other, or they are the same. */
export function areRelated(salts: string, others: string): boolean {
  return isSameOrNextWal(salts, others) || isSameOrNextWal(others, salts);
}

/** So often may a WAL start over between two looks. Four million times as many salts are not among these. */
const startsOverMax = 1_000;

/**
 * The same WAL, or the same file after it started over: the first salt is then one more, the second is drawn by
 * lot; a WAL that is made anew draws both (wal.c, walRestartHdr and sqlite3WalFrames).
 */
export function isSameOrNextWal(salts: string, earlier: string): boolean {
  const startsOverCount = (firstSalt(salts) - firstSalt(earlier)) >>> 0;
  return salts === earlier || (startsOverCount > 0 && startsOverCount <= startsOverMax);
}

function firstSalt(salts: string): number {
  return Number(salts.split(" ")[0]);
}
