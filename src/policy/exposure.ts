/**
 * What a power cut would cost: commits that are not proven to be on disk. Pure.
 *
 * A commit goes through three states. *Dirty*: in the page cache only. *Written back*: clean, but size and
 * device cache are not proven; a cut seconds later lost all of 2,000 such commits (measured). *Proven*: after a
 * sync that is known to have come after it. Only proven is durable, and turning clean proves nothing.
 *
 * What proves:
 * - our own fdatasync of -wal (and of the database, where that is what is exposed);
 * - the writer's own sync. With synchronous FULL or EXTRA it syncs the frames before it publishes them in the
 *   WAL-index (wal.c, sqlite3WalFrames: the sync comes before walIndexWriteHdr), so a page that lies wholly within
 *   frames up to mxFrame is never dirty. Frames that are clean at the first look after they appeared were synced by
 *   their writer; frames that are dirty then were not, and stay exposed when the kernel has written them. The kernel
 *   may write back what is fresh, too: while a process is connected that was once seen not to sync, clean is not
 *   believed;
 * - a checkpoint that synced. The WAL starts over only after all of it was copied; if the pages it held are clean in
 *   the database then, the checkpoint synced them, if they are dirty it ran with synchronous OFF.
 *
 * Frames behind an exposed one are exposed too: recovery stops at the first that is missing. So exposure is the tail of
 * the WAL from `provenFrame` on. Invariant: provenFrame <= seenFrame, and only the three events above raise it.
 */
import type { ExposureLook, FramesLook } from "../domain/exposure.ts";
import { fateInDoubt, fateOfEnded } from "./databaseExposure.ts";
import { type ChangeCount, type ExposureState, type LookContext, suspicionMs } from "./exposureState.ts";
import { judgeFrames, newLife, type WalLook, withNewFrames } from "./walExposure.ts";

const notLookedAt: ExposureState = {
  unobservableReason: "not looked at yet",
  lookedAtMs: null,
  wal: null,
  database: null,
  databaseUndecidedMs: null,
  databaseUnverifiedMs: null,
  reset: null,
  changes: null,
  databaseModifiedAtMs: null,
  suspectPids: [],
  suspectedAtMs: 0,
};

/** @param state null: before the first look */
export function noteExposure(
  state: ExposureState | null,
  look: ExposureLook,
  context: LookContext,
): ExposureState {
  const before = state ?? notLookedAt;
  switch (look.kind) {
    case "unobservable":
      return { ...before, unobservableReason: look.reason };
    case "changed":
      return before;
    case "noWal":
      return {
        ...told(before, context),
        ...(before.lookedAtMs === null ? firstFate(context) : fateOfEnded(before, look.database, 0, context)),
        wal: null,
      };
    case "wal":
      return noteWal(before, look, context);
  }
}

/** What was there before the first look is blamed on nobody, and believed of nobody: one sync decides. */
function firstFate({
  nowMs,
}: LookContext): Pick<ExposureState, "database" | "databaseUndecidedMs" | "databaseUnverifiedMs" | "reset"> {
  return { database: null, databaseUndecidedMs: nowMs, databaseUnverifiedMs: null, reset: null };
}

function told(state: ExposureState, { nowMs, changes, databaseModifiedAtMs }: LookContext): ExposureState {
  return { ...state, unobservableReason: "", lookedAtMs: nowMs, changes, databaseModifiedAtMs };
}

function noteWal(state: ExposureState, look: WalLook, context: LookContext): ExposureState {
  const { previousAtMs, nowMs } = context;
  const continued = state.wal?.walIdentity === look.walIdentity ? state.wal : null;
  const hasNew = look.mxFrame > (continued?.seenFrame ?? 0);
  // What an earlier look had not come to is not new because it is seen for the first time.
  const wasFollowing = continued !== null && continued.followedFrame !== null;
  const cannotTell = hasNew && (previousAtMs === null || wasFollowing);
  if (look.frames?.kind === "notCached" && hasNew && !cannotTell) {
    const unobservableReason = "the page cache shows nothing of a WAL that was just written";
    return { ...state, unobservableReason };
  }
  const fate =
    state.lookedAtMs === null
      ? firstFate(context)
      : continued === null
        ? fateOfEnded(state, look.database, look.newCommitCount, context)
        : fateInDoubt(state, look.database, nowMs);
  const life = continued ?? newLife(look.walIdentity, context);
  const withNew = withNewFrames(
    cannotTell ? { ...life, undecided: life.exposedSinceMs === null } : life,
    look,
    context,
  );
  const suspectPids =
    nowMs - state.suspectedAtMs > suspicionMs ? [] : stillConnected(state.suspectPids, context.changes);
  const frames = hasNew && suspectPids.length > 0 && look.frames !== null ? unsynced : look.frames;
  const wal = judgeFrames(withNew, frames, previousAtMs ?? nowMs, nowMs);
  const isSeen = look.frames?.kind === "unsynced" && context.changes !== null;
  return {
    ...told(state, context),
    ...fate,
    wal,
    suspectPids: isSeen ? [...new Set([...suspectPids, ...context.changes.connectedPids])] : suspectPids,
    suspectedAtMs: isSeen ? nowMs : state.suspectedAtMs,
  };
}

const unsynced: FramesLook = { kind: "unsynced" };

/** Where it is not known who is connected nobody is cleared. */
function stillConnected(suspectPids: readonly number[], changes: ChangeCount | null): readonly number[] {
  if (changes === null || suspectPids.length === 0) return suspectPids;
  return suspectPids.filter((pid) => changes.connectedPids.includes(pid));
}
