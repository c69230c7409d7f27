/**
 * What became of a WAL that has ended its life: a checkpoint has moved it into the database, and either synced it
 * there or, with synchronous OFF, did not. Pure; see exposure.ts for the rules.
 */
import type { PagesLook } from "../domain/exposure.ts";
import {
  type ChangeCount,
  type DatabaseExposure,
  doubtMaxMs,
  type ExposureState,
  hiddenPid,
  type LookContext,
  sumOf,
} from "./exposureState.ts";

type Fate = Pick<ExposureState, "database" | "databaseUndecidedMs" | "databaseUnverifiedMs" | "reset">;

/**
 * The WAL that was seen last, if one was, is gone or has started over. Dirty pages are evidence that it was not synced.
 * Clean ones are none for what nobody asked about, nor where nobody looked for a while: one sync of ours makes sure.
 * @param newCommitCount commits in the WAL that came after it; null: not counted
 */
export function fateOfEnded(
  state: ExposureState,
  pages: PagesLook | null,
  newCommitCount: number | null,
  context: LookContext,
): Fate {
  const { nowMs, previousAtMs } = context;
  // A doubt that stands goes on with the newer pages, and what it is about is carried along.
  const passed = passedOn(state, pages, newCommitCount, context);
  const carried = state.reset === null ? passed : joined(state.reset.exposure, passed);
  if (pages?.kind === "unsynced")
    return { ...unchanged(state), database: joined(state.database, carried), reset: null };
  if (previousAtMs === null) {
    return { ...unchanged(state), databaseUndecidedMs: state.databaseUndecidedMs ?? nowMs, reset: null };
  }
  if (pages === null) return { ...unchanged(state), reset: null };
  if (pages.kind === "clean") {
    return pages.isWhole ? { ...unchanged(state), reset: null } : unverified(state, nowMs);
  }
  const firstLookMs = state.reset?.firstLookMs ?? nowMs;
  if (nowMs - firstLookMs >= doubtMaxMs) return afterDoubt(state, carried, nowMs);
  const pageNumbers = state.wal?.recentPages ?? [];
  return { ...unchanged(state), reset: { pageNumbers, exposure: carried, firstLookMs } };
}

/** Another look at the pages of a WAL that started over while a checkpoint was at work. */
export function fateInDoubt(state: ExposureState, pages: PagesLook | null, nowMs: number): Fate {
  const { database, reset } = state;
  if (reset === null || pages === null) return { ...unchanged(state), reset };
  if (pages.kind === "clean") return unverified(state, nowMs);
  if (pages.kind === "unsynced") {
    return { ...unchanged(state), database: joined(database, reset.exposure), reset: null };
  }
  if (nowMs - reset.firstLookMs < doubtMaxMs) return { ...unchanged(state), reset };
  return afterDoubt(state, reset.exposure, nowMs);
}

function unchanged({
  database,
  databaseUndecidedMs,
  databaseUnverifiedMs,
}: ExposureState): Omit<Fate, "reset"> {
  return { database, databaseUndecidedMs, databaseUnverifiedMs };
}

function unverified(state: ExposureState, nowMs: number): Fate {
  return { ...unchanged(state), databaseUnverifiedMs: nowMs, reset: null };
}

/** Of a writer that does not sync the worse is said. */
function afterDoubt(state: ExposureState, carried: DatabaseExposure, nowMs: number): Fate {
  if (!carried.isOfSuspect) return unverified(state, nowMs);
  return { ...unchanged(state), database: joined(state.database, carried), reset: null };
}

/**
 * What went into the database: all commits of the WAL that ended, synced in the WAL or not, for it is gone; and what was
 * committed after the last look.
 */
function passedOn(
  state: ExposureState,
  pages: PagesLook | null,
  newCommitCount: number | null,
  { changes, nowMs, previousAtMs }: LookContext,
): DatabaseExposure {
  const { wal } = state;
  const all = commitsBetween(state.changes, changes);
  const between = all === null || newCommitCount === null ? null : Math.max(0, all - newCommitCount);
  return {
    sinceMs: wal?.lifeSinceMs ?? previousAtMs ?? nowMs,
    commitCount: sumOf(wal === null ? 0 : wal.seenCommitCount, between),
    byteCount: Math.max(
      wal === null ? 0 : wal.seenFrame * wal.frameBytes,
      pages?.kind === "unsynced" ? pages.byteCount : 0,
    ),
    isOfSuspect: wal !== null && wal.exposedSinceMs !== null,
  };
}

/** Transactions between two looks by the WAL-index; null: it may have started anew in between. */
function commitsBetween(before: ChangeCount | null, after: ChangeCount | null): number | null {
  if (before === null || after === null) return null;
  const stayed = (pid: number): boolean => pid !== hiddenPid && after.connectedPids.includes(pid);
  if (!before.connectedPids.some(stayed)) return null;
  const count = (after.changeCounter - before.changeCounter) >>> 0;
  return count > 0x7fffffff ? null : count;
}

function joined(first: DatabaseExposure | null, second: DatabaseExposure): DatabaseExposure {
  if (first === null) return second;
  return {
    sinceMs: Math.min(first.sinceMs, second.sinceMs),
    commitCount: sumOf(first.commitCount, second.commitCount),
    byteCount: first.byteCount + second.byteCount,
    isOfSuspect: first.isOfSuspect || second.isOfSuspect,
  };
}
