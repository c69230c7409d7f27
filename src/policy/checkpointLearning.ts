/**
 * What the last checkpoints of a database took, so that the next one is given what it needs and is not begun in vain. Pure.
 *
 * Of each figure one value is kept: a longer one counts at once, shorter ones bring it down step by step. What was not
 * tried because of such a figure brings it down too: a slow moment of the disk is no reason for ever.
 */
import type { LockedResult, TruncateResult } from "../domain/outcome.ts";

export interface CheckpointLearning {
  /** Of the database file, with little to write. Null: none was seen yet. */
  readonly syncMs: number | null;
  /** What PASSIVE takes for one frame, syncs apart; pages that are in many frames are copied once. */
  readonly copyMsPerFrame: number;
  /** From all copied to the last reader gone: about the length of a read. Null: no readers were met. */
  readonly readerMs: number | null;
  /** A whole hold beside readers, with what it takes to be rid of them. Null: as above. */
  readonly drainHoldMs: number | null;
  readonly shortenMsPerMb: number;
}

/** 20 ms for 64 MB, 88 ms for 289 MB, 340 ms for 1 GB (measured on ext4, in the page cache). */
export const shortenMsPerMbUsual = 0.32;
/** 145 ms for 79,000 frames of a table that grows (measured); each page in one frame only takes a multiple. */
const copyMsPerFrameUsual = 0.005;
/** Copying fewer says nothing about what a frame takes. */
const copiedFrameCountMin = 500;
/** Shortening less than this says nothing about what a MB takes. */
const shortenMbMin = 8;
/** Each attempt that was too short asks for so much more. */
const moreShare = 1.5;
/** A read that is still going on when a hold ends was not seen to its end. */
const readerMoreShare = 1.3;
/** Of the way down to a lower figure, at a time. */
const downShare = 0.3;
const drainHoldFirstMs = 20;
/** Locks are looked at every half a millisecond: readers that left by then were hardly met. */
const metReadersMs = 1;

export const nothingLearned: CheckpointLearning = {
  syncMs: null,
  copyMsPerFrame: copyMsPerFrameUsual,
  readerMs: null,
  drainHoldMs: null,
  shortenMsPerMb: shortenMsPerMbUsual,
};

function eased(beforeMs: number, nowMs: number): number {
  const easedMs = nowMs >= beforeMs ? nowMs : beforeMs + (nowMs - beforeMs) * downShare;
  return Math.abs(easedMs - nowMs) < 0.01 * nowMs ? nowMs : easedMs;
}

export function learnFromSync(learned: CheckpointLearning, durationMs: number): CheckpointLearning {
  return { ...learned, syncMs: eased(learned.syncMs ?? 0, durationMs) };
}

export function learnFromPassive(
  learned: CheckpointLearning,
  copiedFrameCount: number,
  durationMs: number,
): CheckpointLearning {
  if (copiedFrameCount < copiedFrameCountMin || learned.syncMs === null) return learned;
  // Two passes sync the WAL twice, and the database once where they come to the end.
  const copyMs = Math.max(0, durationMs - 3 * learned.syncMs);
  return { ...learned, copyMsPerFrame: eased(learned.copyMsPerFrame, copyMs / copiedFrameCount) };
}

export function learnFromLocked(learned: CheckpointLearning, result: LockedResult): CheckpointLearning {
  return result.acquired ? learnFromReaders(learned, result) : learned;
}

function learnFromReaders(
  learned: CheckpointLearning,
  { completeMs, drainMs, reset, heldMs }: LockedResult,
): CheckpointLearning {
  if (reset) {
    const readerMs = drainMs ?? 0;
    if (learned.drainHoldMs === null && readerMs < metReadersMs) return learned;
    // Nobody was met twice over: they are gone, and with them what was known of them.
    if (readerMs < metReadersMs && (learned.readerMs ?? 0) < metReadersMs)
      return { ...learned, readerMs: null, drainHoldMs: null };
    return {
      ...learned,
      readerMs: eased(learned.readerMs ?? 0, readerMs),
      drainHoldMs: eased(learned.drainHoldMs ?? 0, heldMs),
    };
  }
  const askedMs = Math.max(learned.drainHoldMs ?? drainHoldFirstMs, heldMs);
  const drainHoldMs = Math.min(drainHoldMaxMs, askedMs * moreShare);
  // Complete, and the readers of that moment outlasted the rest of the hold.
  const readerMs =
    completeMs === null
      ? learned.readerMs
      : Math.max(learned.readerMs ?? 0, (drainMs ?? 0) * readerMoreShare);
  return { ...learned, readerMs, drainHoldMs };
}

/** More than any hold may be. */
const drainHoldMaxMs = 1_000;

/** What a hold that is to outlast readers would take; a guess where none were met before. */
export function drainHoldNeededMs({ drainHoldMs }: CheckpointLearning): number {
  return drainHoldMs === null ? drainHoldFirstMs : drainHoldMs * 1.2 + 1;
}

export function learnFromTruncate(
  learned: CheckpointLearning,
  { truncated, heldMs }: TruncateResult,
  walFileBytes: number,
): CheckpointLearning {
  const fileMb = walFileBytes / 1e6;
  if (!truncated || fileMb < shortenMbMin) return learned;
  return { ...learned, shortenMsPerMb: eased(learned.shortenMsPerMb, heldMs / fileMb) };
}

/** The worker was killed in the midst of it. */
export function learnFromKilled(
  learned: CheckpointLearning,
  { kind }: { readonly kind: string },
): CheckpointLearning {
  if (kind === "truncate") return { ...learned, shortenMsPerMb: 2 * learned.shortenMsPerMb };
  if (kind === "locked") return { ...learned, copyMsPerFrame: 2 * learned.copyMsPerFrame };
  return learned;
}

/** At the end of a run: what was not tried, because it would have taken too long, may be tried at some time. */
export function learnFromEnd(
  learned: CheckpointLearning,
  { step, truncated }: { readonly step: string; readonly truncated: boolean | null },
): CheckpointLearning {
  const shortenMsPerMb =
    truncated === null && learned.shortenMsPerMb > shortenMsPerMbUsual
      ? eased(learned.shortenMsPerMb, shortenMsPerMbUsual)
      : learned.shortenMsPerMb;
  const copyMsPerFrame =
    step === "synced" && learned.copyMsPerFrame > copyMsPerFrameUsual
      ? eased(learned.copyMsPerFrame, copyMsPerFrameUsual)
      : learned.copyMsPerFrame;
  const isSame = shortenMsPerMb === learned.shortenMsPerMb && copyMsPerFrame === learned.copyMsPerFrame;
  return isSame ? learned : { ...learned, shortenMsPerMb, copyMsPerFrame };
}
