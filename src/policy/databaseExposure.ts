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

type Fate = Pick<ExposureState, "database" | "reset">;

/**
 * The WAL that was seen last, if one was, is gone or has started over.
 * @param newCommitCount commits in the WAL that came after it; null: not counted
 */
export function fateOfEnded(
  state: ExposureState,
  pages: PagesLook | null,
  newCommitCount: number | null,
  context: LookContext,
): Fate {
  // A doubt that stands goes on with the newer pages, and what it is about is carried along.
  const passed = passedOn(state, pages, newCommitCount, context);
  const carried = state.reset === null ? passed : joined(state.reset.exposure, passed);
  if (pages === null || pages.kind === "clean") return { database: state.database, reset: null };
  const unsynced: Fate = { database: joined(state.database, carried), reset: null };
  if (pages.kind === "unsynced") return unsynced;
  const firstLookMs = state.reset?.firstLookMs ?? context.nowMs;
  if (context.nowMs - firstLookMs >= doubtMaxMs)
    return isSuspect(carried) ? unsynced : { database: state.database, reset: null };
  const pageNumbers = state.wal?.recentPages ?? [];
  return { database: state.database, reset: { pageNumbers, exposure: carried, firstLookMs } };
}

/** Another look at the pages of a WAL that started over while a checkpoint was at work. */
export function fateInDoubt(state: ExposureState, pages: PagesLook | null, nowMs: number): Fate {
  const { database, reset } = state;
  if (reset === null || pages === null) return { database, reset };
  if (pages.kind === "clean") return { database, reset: null };
  if (pages.kind === "undecided" && nowMs - reset.firstLookMs < doubtMaxMs) return { database, reset };
  const isUnsynced = pages.kind === "unsynced" || isSuspect(reset.exposure);
  return { database: isUnsynced ? joined(database, reset.exposure) : database, reset: null };
}

/** What was exposed in the WAL came from a writer that does not sync, so that its checkpoints may not do so either. */
function isSuspect({ byteCount }: DatabaseExposure): boolean {
  return byteCount > 0;
}

/** What went into the database: what was exposed in the WAL, and what was committed after the last look. */
function passedOn(
  state: ExposureState,
  pages: PagesLook | null,
  newCommitCount: number | null,
  { changes, nowMs, previousAtMs }: LookContext,
): DatabaseExposure {
  const { wal } = state;
  const wasExposed = wal !== null && wal.exposedSinceMs !== null;
  const all = commitsBetween(state.changes, changes);
  const between = all === null || newCommitCount === null ? null : Math.max(0, all - newCommitCount);
  const frameBytes = wasExposed ? (wal.seenFrame - wal.provenFrame) * wal.frameBytes : 0;
  return {
    sinceMs: wal?.exposedSinceMs ?? previousAtMs ?? nowMs,
    commitCount: sumOf(wasExposed ? wal.exposedCommitCount : 0, between),
    byteCount: Math.max(frameBytes, pages?.kind === "unsynced" ? pages.byteCount : 0),
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
  };
}
