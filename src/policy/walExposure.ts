/** The exposed tail of the WAL: what one look adds to it, and what proves it. Pure; see exposure.ts for the rules. */
import type { ExposureLook, FramesLook } from "../domain/exposure.ts";
import { doubtMaxMs, type LookContext, sumOf, type WalExposure } from "./exposureState.ts";

export type WalLook = Extract<ExposureLook, { readonly kind: "wal" }>;

export function newLife(walIdentity: string, context: LookContext): WalExposure {
  return {
    walIdentity,
    checkpointSequence: context.checkpointSequence,
    frameBytes: context.frameBytes,
    lifeSinceMs: context.previousAtMs ?? context.nowMs,
    seenFrame: 0,
    seenCommitCount: 0,
    provenFrame: 0,
    backfilledFrame: context.backfilledFrame,
    exposedCommitCount: 0,
    exposedSinceMs: null,
    undecided: false,
    inFlight: null,
    recentPages: [],
    followedFrame: null,
  };
}

/** With the new frames in it, not judged yet. */
export function withNewFrames(wal: WalExposure, look: WalLook, context: LookContext): WalExposure {
  // Fewer than before: a recovery came in between and took less.
  const isShorter = look.mxFrame < wal.seenFrame;
  return {
    ...wal,
    seenFrame: look.mxFrame,
    seenCommitCount: isShorter ? null : sumOf(wal.seenCommitCount, look.newCommitCount),
    provenFrame: Math.min(wal.provenFrame, look.mxFrame),
    backfilledFrame: context.backfilledFrame,
    exposedCommitCount: isShorter ? null : sumOf(wal.exposedCommitCount, look.newCommitCount),
    recentPages: look.recentPages.length > 0 ? look.recentPages : wal.recentPages,
    followedFrame: look.followedFrame,
  };
}

/** @param sinceMs the earliest time at which the new frames can have been committed */
export function judgeFrames(
  wal: WalExposure,
  frames: FramesLook | null,
  sinceMs: number,
  nowMs: number,
): WalExposure {
  if (wal.exposedSinceMs !== null || frames === null) return wal;
  switch (frames.kind) {
    case "unsynced":
      return exposed(wal, wal.inFlight?.sinceMs ?? sinceMs);
    case "clean":
      return wal.undecided ? wal : proven(wal);
    case "notCached":
      return wal;
    case "inFlight":
      return wal.undecided ? wal : inFlight(withCleanFrames(wal, frames), frames, sinceMs, nowMs);
  }
}

type InFlight = Extract<FramesLook, { readonly kind: "inFlight" }>;

/** What is clean at the first look after it appeared was synced by its writer. */
function withCleanFrames(wal: WalExposure, { cleanToFrame, commitsBehindCount }: InFlight): WalExposure {
  if (cleanToFrame <= wal.provenFrame) return wal;
  return { ...wal, provenFrame: cleanToFrame, exposedCommitCount: commitsBehindCount };
}

/**
 * A writer that syncs publishes a frame only when it is on disk, so what was published at one look is clean at a later one,
 * even if it never rests. Where that does not come to pass it cannot be told whether it syncs, and that is said; where no
 * frame comes any more either, the worse is said.
 */
function inFlight(
  wal: WalExposure,
  { isRolledBackTail, cleanToFrame }: InFlight,
  sinceMs: number,
  nowMs: number,
): WalExposure {
  const before = wal.inFlight;
  const lasts = before !== null && cleanToFrame < before.frame;
  const frame = lasts ? before.frame : wal.seenFrame;
  const firstLookMs = lasts ? before.firstLookMs : nowMs;
  const firstSinceMs = lasts ? before.sinceMs : sinceMs;
  const isTooLong = !isRolledBackTail && nowMs - firstLookMs >= doubtMaxMs;
  if (isTooLong && frame === wal.seenFrame) return exposed(wal, firstSinceMs);
  return { ...wal, inFlight: { frame, sinceMs: firstSinceMs, firstLookMs, isAmbiguous: isTooLong } };
}

function exposed(wal: WalExposure, sinceMs: number): WalExposure {
  return { ...wal, exposedSinceMs: sinceMs, undecided: false, inFlight: null };
}

function proven(wal: WalExposure): WalExposure {
  return {
    ...wal,
    provenFrame: wal.seenFrame,
    exposedCommitCount: 0,
    exposedSinceMs: null,
    undecided: false,
    inFlight: null,
  };
}

/** What a sync was asked for. */
export interface WalSyncPoint {
  readonly walIdentity: string;
  readonly frame: number;
  readonly exposedCommitCount: number | null;
  /** When the look was taken that saw this frame. */
  readonly lookedAtMs: number;
}

/** A sync of -wal that began after the point was taken has ended well: its frames are proven. */
export function withSyncedFrames(wal: WalExposure, point: WalSyncPoint): WalExposure {
  if (wal.walIdentity !== point.walIdentity) return wal;
  if (wal.seenFrame <= point.frame) return proven(wal);
  return {
    ...wal,
    provenFrame: Math.max(wal.provenFrame, point.frame),
    exposedCommitCount:
      wal.exposedCommitCount === null || point.exposedCommitCount === null
        ? null
        : wal.exposedCommitCount - point.exposedCommitCount,
    exposedSinceMs: wal.exposedSinceMs === null ? null : Math.max(wal.exposedSinceMs, point.lookedAtMs),
    undecided: false,
    inFlight: null,
  };
}
