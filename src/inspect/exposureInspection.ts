/**
 * What a power cut would cost, as far as one look can tell: what is dirty is not on disk, and that is sure. What is
 * clean is on disk or only written back, and only who watched while it was written can tell the two apart
 * (policy/exposure.ts).
 */
import type { ExposureLook, ExposureQuestion } from "../domain/exposure.ts";
import type { Observation } from "../domain/observation.ts";
import { saltsOf, walFrameBytes, walHeaderBytes } from "../format/walHeader.ts";
import type { WalScan } from "../format/walScan.ts";
import { errnoOf } from "../host/errno.ts";
import type { Os } from "../host/os.ts";
import { cachePageBytes, cachestat } from "../host/pageCache.ts";
import { lookAtExposure } from "../observe/exposureLook.ts";
import { askExposure } from "../policy/exposureQuestion.ts";
import type { DatabaseState } from "../policy/state.ts";
import type { ExposureInspection } from "./inspection.ts";

type WalQuestion = Extract<ExposureQuestion, { readonly kind: "wal" }>;

/** Files that change during a look are looked at again. */
const looksMax = 5;

const clean: ExposureInspection = {
  kind: "clean",
  reason: "nothing is dirty: on disk, or written back unsynced (one look cannot tell, the daemon can)",
};

/**
 * @param path of the database, links resolved
 * @param scan of all of the WAL: where no WAL-index is trusted, a look by itself goes through a part of the frames only
 */
export function inspectExposure(
  os: Os,
  path: string,
  observation: Observation,
  state: DatabaseState,
  scan: WalScan | null,
): ExposureInspection {
  const unreadable = whyNotAsked(observation, scan);
  if (unreadable !== null) return { kind: "unobservable", reason: unreadable };
  const question = withScannedEnd(askExposure(observation, state, null).question, scan);
  const look = lookUntilSettled(os, path, question);
  switch (look.kind) {
    case "unobservable":
      return look;
    case "changed":
      return { kind: "unobservable", reason: "the WAL changed during every look" };
    case "noWal":
      return whyNotTold(os, path) ?? ofDatabase(question, look);
    case "wal":
      if (question.kind === "wal" && look.frames?.kind === "unsynced")
        return exposed(os, path, question, look.mxFrame, scan);
      if (look.frames?.kind === "inFlight") {
        const reason = look.frames.isRolledBackTail
          ? "what is dirty is shared with frames of a transaction that was rolled back"
          : "a writer was at work at every look: what is dirty may be in flight";
        return { kind: "unobservable", reason };
      }
      if (look.followedFrame !== null && look.database?.kind !== "unsynced") {
        const reason = `its frames were followed up to ${look.followedFrame}: what lies behind them was not looked at`;
        return { kind: "unobservable", reason };
      }
      return look.database?.kind === "unsynced" ? ofDatabase(question, look) : clean;
  }
}

/** Of what cannot be read as a database or a WAL it is not said which commits it holds. */
function whyNotAsked({ header, database }: Observation, scan: WalScan | null): string | null {
  if (database.kind === "regular" && database.sizeBytes === 0) return "the database is empty";
  if (header?.kind !== "header") return "the header of the database does not stand";
  return scan !== null && scan.header.kind !== "header" ? "the header of the WAL does not stand" : null;
}

/** The kernel tells of a file only whom it lets write it, or who owns it. Null: it tells. */
function whyNotTold(os: Os, path: string): ExposureInspection | null {
  let descriptor: number;
  try {
    descriptor = os.open(path);
  } catch (error) {
    return { kind: "unobservable", reason: `the database cannot be opened: ${errnoOf(error)}` };
  }
  try {
    const cache = cachestat(descriptor, 0, 0);
    return cache.ok ? null : { kind: "unobservable", reason: cache.reason };
  } finally {
    os.close(descriptor);
  }
}

function lookUntilSettled(os: Os, path: string, question: ExposureQuestion): ExposureLook {
  for (let lookCount = 1; ; lookCount += 1) {
    const look = lookAtExposure(os, path, question);
    const inFlight = look.kind === "wal" && look.frames?.kind === "inFlight";
    if ((look.kind !== "changed" && !inFlight) || lookCount === looksMax) return look;
  }
}

function ofDatabase(
  question: ExposureQuestion,
  { database }: Extract<ExposureLook, { readonly kind: "wal" | "noWal" }>,
): ExposureInspection {
  if (database?.kind === "unsynced") {
    const { byteCount } = database;
    return {
      kind: "exposed",
      reason:
        "nobody has synced these pages of the database: a copy of the file wrote them, or a checkpoint with synchronous=OFF",
      dirtyBytes: byteCount === 0 ? null : byteCount,
      fromFrame: null,
      commitCount: null,
    };
  }
  const asked = "database" in question && question.database !== null;
  if (database?.kind === "clean") return clean;
  const reason = asked
    ? "a checkpoint is at work: what is dirty may be in flight"
    : "there is no WAL, and the database is too large to ask about whole";
  return { kind: "unobservable", reason };
}

function withScannedEnd(question: ExposureQuestion, scan: WalScan | null): ExposureQuestion {
  if (question.kind !== "wal" || question.mxFrame !== null || scan?.header.kind !== "header") return question;
  return question.walIdentity === saltsOf(scan.header.header)
    ? { ...question, mxFrame: scan.mxFrame }
    : question;
}

function exposed(
  os: Os,
  path: string,
  question: WalQuestion,
  mxFrame: number,
  scan: WalScan | null,
): ExposureInspection {
  const frameBytes = walFrameBytes(question.pageSizeBytes);
  const dirty = dirtyTail(os, `${path}-wal`, frameBytes, mxFrame);
  const reason = "these pages of -wal are in the page cache only, and nobody has synced them";
  if (dirty === null)
    return { kind: "exposed", reason, dirtyBytes: null, fromFrame: null, commitCount: null };
  const counted = lookAtExposure(os, path, { ...question, countFromFrame: dirty.fromFrame - 1 });
  // Too many for one look; of all of them the scan knows.
  const scannedCount = dirty.fromFrame === 1 && scan?.mxFrame === mxFrame ? scan.commitCount : null;
  const commitCount = (counted.kind === "wal" ? counted.newCommitCount : null) ?? scannedCount;
  return { kind: "exposed", reason, ...dirty, commitCount };
}

/** Null: it is gone, or was written back meanwhile. */
function dirtyTail(
  os: Os,
  walPath: string,
  frameBytes: number,
  mxFrame: number,
): { readonly dirtyBytes: number; readonly fromFrame: number } | null {
  let descriptor: number;
  try {
    descriptor = os.open(walPath);
  } catch (error) {
    errnoOf(error);
    return null;
  }
  try {
    const dirtyBytesUpTo = (frame: number): number => {
      const cache = cachestat(descriptor, 0, walHeaderBytes + frame * frameBytes);
      return cache.ok ? (cache.dirty + cache.writeback) * (cachePageBytes() ?? 0) : 0;
    };
    const dirtyBytes = dirtyBytesUpTo(mxFrame);
    if (dirtyBytes === 0) return null;
    let clean = 0;
    let doubtful = mxFrame;
    while (doubtful - clean > 1) {
      const middle = Math.floor((clean + doubtful) / 2);
      if (dirtyBytesUpTo(middle) === 0) clean = middle;
      else doubtful = middle;
    }
    return { dirtyBytes, fromFrame: doubtful };
  } finally {
    os.close(descriptor);
  }
}
