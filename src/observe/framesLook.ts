/**
 * What the page cache says of frames that are committed: synced by their writer, or not. Pages and folios that a commit in
 * flight shares with them are told apart; the rules are in policy/exposure.ts.
 */
import type { FramesLook } from "../domain/exposure.ts";
import { walFrameBytes, walHeaderBytes } from "../format/walHeader.ts";
import type { Os } from "../host/os.ts";
import { type CacheStat, cachePageBytes, cachestat } from "../host/pageCache.ts";
import { countCommits } from "./newFrames.ts";
import { saltsOfFrame } from "./readSalts.ts";
import { isClean, momentOf, type OpenedWhenAsked, type WalQuestion } from "./writerMoment.ts";

/** Glances until one finds no writer at work; together some 50 microseconds. */
const glancesMax = 24;

export type Glance =
  | { readonly ok: true; readonly look: FramesLook }
  | Extract<CacheStat, { readonly ok: false }>;

export function glanceAt(
  os: Os,
  wal: number,
  shm: OpenedWhenAsked,
  question: WalQuestion,
  mxFrame: number,
): Glance {
  const frameBytes = walFrameBytes(question.pageSizeBytes);
  const fromFrame = question.cacheFromFrame ?? 0;
  if (mxFrame <= fromFrame) return { ok: true, look: { kind: "clean" } };
  const range: FrameRange = { fromFrame, mxFrame, frameBytes };
  let isRolledBackTail = false;
  // The first glance asks for no lock: what is clean needs none.
  for (let glance = 0; glance <= glancesMax; glance += 1) {
    const moment = glance === 0 ? null : momentOf(os, shm, question);
    const cache = cacheOf(wal, range);
    if (!cache.ok) return cache;
    if (cache.cached === 0) return { ok: true, look: { kind: "notCached" } };
    if (isClean(cache)) return { ok: true, look: { kind: "clean" } };
    if (moment !== null && moment === momentOf(os, shm, question)) {
      isRolledBackTail = isUncommittedBehind(os, wal, question, range);
      if (!isRolledBackTail) return { ok: true, look: { kind: "unsynced" } };
      break;
    }
    if (question.writers === "hidden") break;
  }
  const cleanToFrame = cleanFrames(wal, range);
  // A folio that the commit in flight shares begins no earlier than this: what is dirty before it was not synced.
  if (firstByteOf({ ...range, fromFrame: cleanToFrame + 1 }) < firstByteOfFolio(range)) {
    return { ok: true, look: { kind: "unsynced" } };
  }
  isRolledBackTail ||= isUncommittedBehind(os, wal, question, range);
  const behind = countCommits(os, wal, frameBytes, { ...question, mxFrame, countFromFrame: cleanToFrame });
  const commitsBehindCount = behind.commitCount;
  return { ok: true, look: { kind: "inFlight", cleanToFrame, commitsBehindCount, isRolledBackTail } };
}

/** Frames fromFrame + 1 to mxFrame. */
interface FrameRange {
  readonly fromFrame: number;
  readonly mxFrame: number;
  readonly frameBytes: number;
}

function firstByteOf({ fromFrame, frameBytes }: FrameRange): number {
  return walHeaderBytes + fromFrame * frameBytes;
}

function cacheOf(wal: number, range: FrameRange): CacheStat {
  return cachestat(wal, firstByteOf(range), (range.mxFrame - range.fromFrame) * range.frameBytes);
}

/**
 * A cache that spilled leaves frames behind mxFrame that are not committed: by a transaction that goes on, or that was
 * rolled back, and then nobody will ever sync them; the next commit writes over them. The page that they share with the
 * last commit is dirty, though the commit may be durable.
 */
function isUncommittedBehind(os: Os, wal: number, { walIdentity }: WalQuestion, range: FrameRange): boolean {
  const endByte = walHeaderBytes + range.mxFrame * range.frameBytes;
  if (saltsOfFrame(os, wal, endByte) !== walIdentity) return false;
  const pageBytes = cachePageBytes() ?? 0;
  const wholeBytes = Math.floor(endByte / pageBytes) * pageBytes - firstByteOf(range);
  if (!(wholeBytes > 0)) return true;
  const cache = cachestat(wal, firstByteOf(range), wholeBytes);
  return cache.ok && isClean(cache);
}

/**
 * The largest folio that may hold the end of the range: one entry of the page middle directory, 2 MiB with pages of 4 KiB
 * (include/linux/pagemap.h, MAX_PAGECACHE_ORDER).
 */
function firstByteOfFolio({ mxFrame, frameBytes }: FrameRange): number {
  const pageBytes = cachePageBytes() ?? 0;
  const folioBytes = pageBytes * (pageBytes / 8);
  const endByte = walHeaderBytes + mxFrame * frameBytes;
  return Math.floor(endByte / folioBytes) * folioBytes;
}

/** The last frame of the clean beginning, by halving. */
function cleanFrames(wal: number, range: FrameRange): number {
  let clean = range.fromFrame;
  let doubtful = range.mxFrame;
  while (doubtful - clean > 1) {
    const middle = Math.floor((clean + doubtful) / 2);
    const cache = cacheOf(wal, { ...range, mxFrame: middle });
    if (cache.ok && isClean(cache)) clean = middle;
    else doubtful = middle;
  }
  return clean;
}
