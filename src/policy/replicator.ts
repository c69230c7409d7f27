/**
 * Litestream or LiteFS at work on a database: then checkpoints are theirs. Pure.
 *
 * Litestream holds a read transaction all the time, so that nobody else's checkpoint resets the WAL before it has
 * copied the frames, and lets go of it only for its own checkpoints (db.go, acquireReadLock; 0.3 and 0.5 alike).
 * An outside checkpoint in that gap resets the WAL: Litestream then finds other salts ("wal overwritten by another
 * process"), starts a new generation and uploads the whole database again (litestream issues 521, 547, 573). No
 * data is lost; a snapshot of everything is what our checkpoint costs. And TRUNCATE or the write lock of ours beside
 * its own checkpoints is one more contender for an application that waits for both.
 *
 * What counts as at work, the strongest first:
 * - a process of that name holds SQLite's locks on the database, or has it open: certain;
 * - the file system is LiteFS's own (type fuse, source litefs): certain;
 * - Litestream's directory lies beside the database, with what Litestream writes into it, and has kept pace with the
 *   database's last write. Where the process cannot be seen (the library within an application, another PID
 *   namespace, a restart this very moment) this is all there is.
 *   A directory that has not changed though the database was written long since is a leftover: it is told of in
 *   status, and checkpoints go on.
 *
 * An integrity check is a reader. Beside Litestream's PASSIVE it only postpones; but Litestream 0.3 goes over to RESTART
 * at 10,000 frames, and every version to TRUNCATE at 121,359, and both keep writers out while they wait for readers
 * (litestream issue 724). So a check does not begin beside Litestream while the WAL is half way to the first of these.
 */
import type { LockHolder, Observation, OpenerLook } from "../domain/observation.ts";
import type { ReplicaDirectoryLook, Replicator } from "../domain/replicator.ts";
import type { ReplicatorStatus } from "../domain/status.ts";
import { walStateOf } from "./walState.ts";

/** Commands as /proc/PID/comm shows them. */
const commands: ReadonlyMap<string, Replicator["name"]> = new Map([
  ["litestream", "Litestream"],
  ["litefs", "LiteFS"],
]);

/** Its process may restart; whoever was at work a moment ago is taken to be so still. */
const goneAfterMs = 30_000;
/** A directory that is so much older than the last write to the database is a leftover. */
const keptPaceMs = 10 * 60_000;
/** A scan for openers that is older says nothing about now. */
const openersFreshMs = 10_000;
/** Half of Litestream 0.3's max-checkpoint-page-count. */
const checkFramesMax = 5_000;

/** What was looked at apart from the observation. */
export interface ReplicatorLooks {
  readonly replicaDirectory: ReplicaDirectoryLook | null;
  readonly openers: OpenerLook | null;
  readonly openersAtMs: number;
}

/** @param earlier what was known before; null: nobody was at work */
export function noteReplicator(
  earlier: Replicator | null,
  observation: Observation,
  looks: ReplicatorLooks,
): Replicator | null {
  const nowMs = observation.observedAtMs;
  const seen = seenNow(observation, looks);
  if (seen !== null) {
    // The very same value while nothing changes: then a look at the database has nothing to report.
    if (earlier !== null && earlier.missingSinceMs === null && isSame(earlier, seen)) return earlier;
    const sinceMs = earlier?.name === seen.name ? earlier.sinceMs : nowMs;
    return { ...seen, sinceMs, missingSinceMs: null };
  }
  if (earlier === null) return null;
  if (earlier.missingSinceMs === null) return { ...earlier, missingSinceMs: nowMs };
  return nowMs - earlier.missingSinceMs < goneAfterMs ? earlier : null;
}

type Sighting = Pick<Replicator, "name" | "evidence" | "holders">;

function isSame(earlier: Sighting, seen: Sighting): boolean {
  if (earlier.name !== seen.name || earlier.evidence !== seen.evidence) return false;
  const pids = new Set(earlier.holders.map(({ pid }) => pid));
  return pids.size === seen.holders.length && seen.holders.every(({ pid }) => pids.has(pid));
}

function seenNow(observation: Observation, looks: ReplicatorLooks): Sighting | null {
  const directory = looks.replicaDirectory;
  const holders = processesOf(observation, looks).filter(({ comm }) => commands.has(comm ?? ""));
  const name = commands.get(holders[0]?.comm ?? "");
  if (name !== undefined) return { name, evidence: "process", holders };
  if (isLiteFs(observation)) return { name: "LiteFS", evidence: "mount", holders: [] };
  if (directory?.kind === "seen" && keepsPace(directory.changedAtMs, observation))
    return { name: "Litestream", evidence: "directory", holders: [] };
  return null;
}

function processesOf(
  { locks, observedAtMs }: Observation,
  { openers, openersAtMs }: ReplicatorLooks,
): readonly LockHolder[] {
  const locking = locks.kind === "seen" ? [...locks.connected, ...locks.databaseLockers] : [];
  const isFresh = Math.abs(observedAtMs - openersAtMs) < openersFreshMs;
  const opening: readonly LockHolder[] =
    openers?.kind === "seen" && isFresh
      ? openers.openers.map(({ files: _files, writable: _writable, ...holder }) => holder)
      : [];
  return [...new Map([...opening, ...locking].map((holder) => [holder.pid, holder])).values()];
}

function isLiteFs({ mount }: Observation): boolean {
  if (mount.kind !== "seen") return false;
  const { fileSystemType, source } = mount;
  return fileSystemType === "fuse.litefs" || (fileSystemType === "fuse" && source === "litefs");
}

function keepsPace(changedAtMs: number, { database, wal }: Observation): boolean {
  const writtenAtMs = Math.max(
    database.kind === "regular" ? database.modifiedAtMs : 0,
    wal.kind === "regular" ? wal.modifiedAtMs : 0,
  );
  return changedAtMs >= writtenAtMs - keptPaceMs;
}

/** Why no checkpoint is made; null: nobody else makes them. */
export function whyLeftToReplicator(replicator: Replicator | null): string | null {
  if (replicator === null) return null;
  const { name, evidence } = replicator;
  if (evidence === "directory")
    return `${name}'s directory beside it has kept pace with its WAL: checkpoints are left to ${name} (remove the directory if it is no longer used)`;
  return `${name} is at work on it: checkpoints are left to it`;
}

/** Why a check does not begin now beside Litestream; null: it may. */
export function whyCheckWaitsForReplicator(
  replicator: Replicator | null,
  observation: Observation,
): string | null {
  if (replicator?.name !== "Litestream") return null;
  const wal = walStateOf(observation);
  if (wal.kind !== "known" || wal.mxFrame < checkFramesMax) return null;
  return `the WAL has ${wal.mxFrame} frames, and Litestream's next checkpoints may keep writers out while a check reads`;
}

/** Processes whose long read transaction is no reason for an alarm. */
export function excusedPids(replicator: Replicator | null): ReadonlySet<number> {
  return new Set(replicator?.holders.map(({ pid }) => pid) ?? []);
}

/** @returns null: there is nothing to say */
export function replicatorStatus(
  replicator: Replicator | null,
  directory: ReplicaDirectoryLook | null,
): ReplicatorStatus | null {
  const left = whyLeftToReplicator(replicator);
  if (replicator !== null && left !== null) {
    const { name, evidence, holders, sinceMs } = replicator;
    return { name, evidence, checkpointsLeftToIt: true, holders, sinceMs, reason: left };
  }
  const withoutIt = { name: "Litestream", checkpointsLeftToIt: false, holders: [], sinceMs: null } as const;
  if (directory?.kind === "unreadable") {
    const reason = `whether Litestream has a directory beside it cannot be seen: ${directory.operation} ${directory.code}`;
    return { ...withoutIt, evidence: "unreadable", reason };
  }
  if (directory?.kind === "empty") {
    const reason = `${directory.path} holds nothing that Litestream writes, and no process of Litestream is seen; checkpoints go on`;
    return { ...withoutIt, evidence: "empty", reason };
  }
  if (directory?.kind !== "seen") return null;
  const changedAt = new Date(directory.changedAtMs).toISOString();
  const reason = `${directory.path} is a leftover: it last changed at ${changedAt}, long before the last write to the database, and no process of Litestream is seen; checkpoints go on`;
  return { ...withoutIt, evidence: "leftover", reason };
}
