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
import type {
  ExposureLook,
  ExposureQuestion,
  FramesLook,
  PagesLook,
  PagesQuestion,
} from "../domain/exposure.ts";
import { parseWalHeader, walFrameHeaderBytes, walHeaderBytes } from "../format/walHeader.ts";
import { errnoOf } from "../host/errno.ts";
import { probeLock } from "../host/lockProbe.ts";
import type { Os } from "../host/os.ts";
import { type CacheStat, cachePageBytes, cachestat } from "../host/pageCache.ts";
import { countCommits, type NewFrames } from "./newFrames.ts";

type WalQuestion = Extract<ExposureQuestion, { readonly kind: "wal" }>;

const writeLockByte = 120;
const checkpointLockByte = 121;
/** Glances until one finds no writer at work; together some 50 microseconds. */
const glancesMax = 24;

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

/** Most looks find nothing dirty and ask for no lock; closing a file that others have locked is dear. */
class OpenedWhenAsked {
  readonly #os: Os;
  readonly #path: string;
  #descriptor: number | null | undefined;

  constructor(os: Os, path: string) {
    this.#os = os;
    this.#path = path;
  }

  /** Null: it is gone, or may not be read. */
  get descriptor(): number | null {
    if (this.#descriptor === undefined) this.#descriptor = openIfThere(this.#os, this.#path);
    return this.#descriptor;
  }

  close(): void {
    if (this.#descriptor != null) this.#os.close(this.#descriptor);
  }
}

function lookAtWal(os: Os, path: string, shm: OpenedWhenAsked, question: WalQuestion): ExposureLook {
  const wal = openIfThere(os, `${path}-wal`);
  if (wal === null) return { kind: "changed" };
  try {
    if (os.fstat(wal).identity !== question.fileIdentity) return { kind: "changed" };
    const frameBytes = walFrameHeaderBytes + question.pageSizeBytes;
    const frames = countCommits(os, wal, frameBytes, question);
    const { mxFrame } = frames;
    const glance = question.cacheFromFrame === null ? null : glanceAt(os, wal, shm, question, mxFrame);
    if (glance !== null && !glance.ok) return { kind: "unobservable", reason: glance.reason };
    const database = lookAtPages(os, path, shm, question.database, { wal, frames, question, frameBytes });
    // Whoever starts the WAL over writes its header before the first frame.
    if (identityOfWal(os, wal) !== question.walIdentity) return { kind: "changed" };
    return {
      kind: "wal",
      walIdentity: question.walIdentity,
      mxFrame,
      newCommitCount: frames.commitCount,
      recentPages: frames.recentPages,
      frames: glance?.look ?? null,
      database,
    };
  } catch (error) {
    return { kind: "unobservable", reason: `${path}-wal cannot be read: ${errnoOf(error)}` };
  } finally {
    os.close(wal);
  }
}

type Glance = { readonly ok: true; readonly look: FramesLook } | Extract<CacheStat, { readonly ok: false }>;

function glanceAt(os: Os, wal: number, shm: OpenedWhenAsked, question: WalQuestion, mxFrame: number): Glance {
  const frameBytes = walFrameHeaderBytes + question.pageSizeBytes;
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
      isRolledBackTail = isRolledBackBehind(os, wal, question, range);
      if (!isRolledBackTail) return { ok: true, look: { kind: "unsynced" } };
      break;
    }
    if (question.writers === "hidden") break;
  }
  const cleanToFrame = cleanFrames(wal, range);
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
 * A cache that spilled and a ROLLBACK leave frames behind mxFrame that nobody will ever sync; the next commit writes over
 * them. The page that they share with the last commit is dirty then, though the commit may be durable.
 */
function isRolledBackBehind(os: Os, wal: number, { walIdentity }: WalQuestion, range: FrameRange): boolean {
  const endByte = walHeaderBytes + range.mxFrame * range.frameBytes;
  if (saltsOfFrameAt(os, wal, endByte) !== walIdentity) return false;
  const pageBytes = cachePageBytes() ?? 0;
  const wholeBytes = Math.floor(endByte / pageBytes) * pageBytes - firstByteOf(range);
  if (!(wholeBytes > 0)) return true;
  const cache = cachestat(wal, firstByteOf(range), wholeBytes);
  return cache.ok && isClean(cache);
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

function isClean(cache: Extract<CacheStat, { readonly ok: true }>): boolean {
  return cache.dirty + cache.writeback === 0;
}

const indexHeader = new Uint8Array(48);

/**
 * What stays the same while nobody writes: the header of the WAL-index, which counts transactions. Null: a writer is at
 * work, or it cannot be asked.
 */
function momentOf(os: Os, shm: OpenedWhenAsked, question: WalQuestion): string | null {
  if (question.writers === "none") return "";
  const { descriptor } = shm;
  if (descriptor === null || !isFree(question, shm)) return null;
  os.read(descriptor, indexHeader, 0);
  return indexHeader.join();
}

/** What cannot be asked is taken for held. */
function isFree({ writers }: WalQuestion, shm: OpenedWhenAsked): boolean {
  if (writers === "none") return true;
  if (writers === "hidden" || shm.descriptor === null) return false;
  return probeLock(shm.descriptor, writeLockByte, 1).kind === "free";
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
  const database = openIfThere(os, path);
  if (database === null) return null;
  try {
    if (os.fstat(database).identity !== fileIdentity || !noCheckpoint()) return null;
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
    if (unsyncedCount === 0) return { kind: "clean" };
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
  const fromByte = walHeaderBytes + (frames.mxFrame + 1) * frameBytes;
  const byteCount = os.fstat(wal).sizeBytes - fromByte;
  if (byteCount <= 0 || !isFree(question, shm)) return null;
  const cache = cachestat(wal, fromByte, byteCount);
  if (!cache.ok || cache.cached === 0 || !isFree(question, shm)) return null;
  return isClean(cache) ? { kind: "clean" } : { kind: "unsynced", byteCount: 0 };
}

function identityOfWal(os: Os, wal: number): string {
  const bytes = new Uint8Array(walHeaderBytes);
  const header = parseWalHeader(bytes.subarray(0, os.read(wal, bytes, 0)));
  return header.kind === "header" ? `${header.header.salt1} ${header.header.salt2}` : "";
}

function saltsOfFrameAt(os: Os, wal: number, offsetBytes: number): string {
  const bytes = new Uint8Array(walFrameHeaderBytes);
  if (os.read(wal, bytes, offsetBytes) < walFrameHeaderBytes) return "";
  const view = new DataView(bytes.buffer);
  return `${view.getUint32(8)} ${view.getUint32(12)}`;
}

/** Null: it is gone, or may not be read. */
function openIfThere(os: Os, path: string): number | null {
  try {
    return os.open(path);
  } catch (error) {
    errnoOf(error);
    return null;
  }
}
