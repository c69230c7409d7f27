/**
 * One look at what is committed and not on disk: the page cache of -wal (cachestat), the headers of the new frames, and
 * the database pages that an ended WAL has left to a checkpoint. Opens -wal, -shm and the database for reading,
 * takes no lock, changes nothing; only for processes that never use SQLite.
 *
 * The kernel marks whole folios dirty, and the next commit may share one with frames that are durable. So dirty
 * counts only at a moment at which nobody holds the write lock (byte 120 of -shm, by F_GETLK, before and after):
 * nothing can be in flight then. A writer that syncs holds that lock during its sync.
 *
 * Source: SQLite src/wal.c (sqlite3WalFrames, walCheckpoint); the rules are in policy/exposure.ts.
 */
import type { ExposureLook, ExposureQuestion, PagesLook, PagesQuestion } from "../domain/exposure.ts";
import { walFrameBytes, walHeaderBytes } from "../format/walHeader.ts";
import { errnoOf } from "../host/errno.ts";
import { probeLock } from "../host/lockProbe.ts";
import { openSeen } from "../host/openSeen.ts";
import type { Os } from "../host/os.ts";
import { cachePageBytes, cachestat } from "../host/pageCache.ts";
import { glanceAt } from "./framesLook.ts";
import { countCommits, type NewFrames } from "./newFrames.ts";
import { saltsOfFrame, saltsOfWal } from "./readSalts.ts";
import { isClean, lastFrameAtMoment, momentOf, OpenedWhenAsked, type WalQuestion } from "./writerMoment.ts";

const checkpointLockByte = 121;

/** @param path of the database, links resolved */
export function lookAtExposure(os: Os, path: string, question: ExposureQuestion): ExposureLook {
  if (question.kind === "unobservable" || question.kind === "changed") return question;
  const shm = new OpenedWhenAsked(os, `${path}-shm`);
  try {
    if (question.kind === "wal") return lookAtWal(os, path, shm, question);
    return { kind: "noWal", database: lookAtPages(os, path, shm, question.database, null) };
  } finally {
    shm.close();
  }
}

function lookAtWal(os: Os, path: string, shm: OpenedWhenAsked, question: WalQuestion): ExposureLook {
  const opened = openSeen(os, `${path}-wal`, question.fileIdentity);
  if (opened.kind === "changed") return opened;
  if (opened.kind === "unreadable") {
    return { kind: "unobservable", reason: `${path}-wal cannot be read: ${opened.code}` };
  }
  const wal = opened.descriptor;
  try {
    const frameBytes = walFrameBytes(question.pageSizeBytes);
    const frames = countCommits(os, wal, frameBytes, question);
    const { mxFrame } = frames;
    const glance = question.cacheFromFrame === null ? null : glanceAt(os, wal, shm, question, mxFrame);
    if (glance !== null && !glance.ok) return { kind: "unobservable", reason: glance.reason };
    const database = lookAtPages(os, path, shm, question.database, { wal, frames, question, frameBytes });
    // Whoever starts the WAL over writes its header before the first frame.
    if (saltsOfWal(os, wal) !== question.walIdentity) return { kind: "changed" };
    if (frames.unsaltedFrame !== null)
      return { kind: "unobservable", reason: unsalted(frames.unsaltedFrame) };
    return {
      kind: "wal",
      walIdentity: question.walIdentity,
      mxFrame,
      newCommitCount: frames.commitCount,
      recentPages: frames.recentPages,
      followedFrame: frames.followedFrame,
      frames: glance?.look ?? null,
      database,
    };
  } catch (error) {
    return { kind: "unobservable", reason: `${path}-wal cannot be read: ${errnoOf(error)}` };
  } finally {
    os.close(wal);
  }
}

/** However well it is synced: format/walRemains.ts says how SQLite comes to leave it so. */
function unsalted(frame: number): string {
  return `frame ${frame} of the WAL is committed and has no salts, as SQLite up to some version leaves it after ROLLBACK TO: if all its processes die, recovery takes nothing from there on, synced or not; closing the database in order, or a TRUNCATE checkpoint, saves it`;
}

interface WalBeside {
  readonly wal: number;
  readonly frames: NewFrames;
  readonly question: WalQuestion;
  readonly frameBytes: number;
}

/**
 * Two witnesses: the pages in the database, and what is left of the earlier WAL. Dirty is evidence. Clean alone is less:
 * XFS writes a file out when SQLite sets its size after a checkpoint, synced or not (measured).
 */
function lookAtPages(
  os: Os,
  path: string,
  shm: OpenedWhenAsked,
  pages: PagesQuestion | null,
  beside: WalBeside | null,
): PagesLook | null {
  if (pages === null) return null;
  const asked = pages.pageNumbers === "all" ? "all" : notWrittenSince(pages.pageNumbers, beside);
  const byDatabase = asked === "undecided" ? null : pagesInCache(os, path, shm, pages, asked);
  const byRemains = beside === null ? null : remainsOfEarlier(os, shm, beside);
  if (byDatabase?.kind === "unsynced") return byDatabase;
  return byRemains?.kind === "unsynced" ? byRemains : (byDatabase ?? byRemains ?? { kind: "undecided" });
}

/** A checkpoint of the WAL that came after, which need not be complete, has written its pages without a sync. */
function notWrittenSince(
  pageNumbers: readonly number[],
  beside: WalBeside | null,
): readonly number[] | "undecided" {
  if (beside === null || beside.question.nBackfill === 0) return pageNumbers;
  if (beside.frames.pages === null) return "undecided";
  const { pages } = beside.frames;
  const rest = pageNumbers.filter((page) => !pages.has(page));
  return rest.length === 0 ? "undecided" : rest;
}

/** Null: a checkpoint is at work, or the file cannot be read. */
function pagesInCache(
  os: Os,
  path: string,
  shm: OpenedWhenAsked,
  { fileIdentity, pageSizeBytes }: PagesQuestion,
  asked: readonly number[] | "all",
): PagesLook | null {
  const noCheckpoint = () =>
    shm.descriptor === null || probeLock(shm.descriptor, checkpointLockByte, 1).kind === "free";
  const opened = openSeen(os, path, fileIdentity);
  if (opened.kind !== "open") return null;
  const database = opened.descriptor;
  try {
    if (!noCheckpoint()) return null;
    const stats =
      asked === "all"
        ? [cachestat(database, 0, 0)]
        : asked.map((page) => cachestat(database, (page - 1) * pageSizeBytes, pageSizeBytes));
    let unsyncedCount = 0;
    for (const stat of stats) {
      if (!stat.ok) return null;
      unsyncedCount += stat.dirty + stat.writeback;
    }
    if (!noCheckpoint()) return null;
    if (unsyncedCount === 0) return { kind: "clean", isWhole: asked === "all" };
    return { kind: "unsynced", byteCount: unsyncedCount * (cachePageBytes() ?? 0) };
  } finally {
    os.close(database);
  }
}

/**
 * The frames of the WAL before that are not written over yet: a checkpoint that syncs puts the whole WAL on disk
 * before it copies it. Null: nothing of it is left, or a writer is at work.
 */
function remainsOfEarlier(os: Os, shm: OpenedWhenAsked, beside: WalBeside): PagesLook | null {
  const { wal, frames, question, frameBytes } = beside;
  const moment = momentOf(os, shm, question);
  if (moment === null) return null;
  // What was committed after the observation is dirty too, and no part of what is left.
  const mxFrame = question.writers === "none" ? frames.mxFrame : lastFrameAtMoment();
  const endByte = walHeaderBytes + mxFrame * frameBytes;
  // Nor is what a transaction left behind that spilled and was rolled back.
  if (saltsOfFrame(os, wal, endByte) === question.walIdentity) return null;
  const pageBytes = cachePageBytes() ?? 1;
  // The last commit may share its last page of the cache with several small frames.
  const fromByte = Math.ceil((endByte + frameBytes) / pageBytes) * pageBytes;
  const byteCount = os.fstat(wal).sizeBytes - fromByte;
  if (byteCount <= 0) return null;
  const cache = cachestat(wal, fromByte, byteCount);
  if (!cache.ok || cache.cached === 0 || moment !== momentOf(os, shm, question)) return null;
  return isClean(cache) ? { kind: "clean", isWhole: false } : { kind: "unsynced", byteCount: 0 };
}
