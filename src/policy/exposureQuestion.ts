/**
 * What to ask the page cache of one database, and with what to judge the answer. Pure; see exposure.ts.
 *
 * The answer is believed only on file systems on which it was compared with real power cuts (tests/crash). overlayfs
 * answers zero for everything, tmpfs is never on disk, and without write barriers no sync proves anything.
 */
import type { ExposureQuestion, PagesQuestion } from "../domain/exposure.ts";
import type { Observation } from "../domain/observation.ts";
import { saltsOf, walFrameBytes } from "../format/walHeader.ts";
import { type ChangeCount, type ExposureState, hiddenPid, type LookContext } from "./exposureState.ts";
import { somebodyLocksDatabase } from "./heldLocks.ts";
import type { DatabaseState } from "./state.ts";
import { isWal, type WalState, walStateOf } from "./walState.ts";

const provenFileSystems = new Set(["ext4", "xfs", "btrfs"]);

/** A database up to this size is asked about whole: half a millisecond at most. */
const wholeBytesMax = 256 * 1024 * 1024;

export interface ExposureAsking {
  readonly question: ExposureQuestion;
  readonly context: LookContext;
}

/** @param previousAtMs when it was last known what is exposed; null: too long ago */
export function askExposure(
  observation: Observation,
  state: DatabaseState,
  previousAtMs: number | null,
): ExposureAsking {
  const wal = walStateOf(observation);
  const frameBytes = wal.kind === "known" ? wal.frameBytes : frameBytesByHeader(observation);
  const context: LookContext = {
    nowMs: observation.observedAtMs,
    previousAtMs,
    frameBytes,
    checkpointSequence: walHeaderOf(observation)?.checkpointSequence ?? 0,
    backfilledFrame: wal.kind === "known" ? wal.nBackfill : null,
    changes: changesOf(observation, wal),
    databaseModifiedAtMs: modifiedAtMs(observation),
  };
  return { question: questionOf(observation, state, wal, previousAtMs), context };
}

function questionOf(
  observation: Observation,
  state: DatabaseState,
  wal: WalState,
  previousAtMs: number | null,
): ExposureQuestion {
  const reason = whyUnobservable(observation, state);
  if (reason !== null) return { kind: "unobservable", reason };
  const { exposure } = state;
  if (wal.kind === "noWal" || (wal.kind === "known" && wal.mxFrame === 0)) {
    return { kind: "noWal", database: pagesOfEnded(observation, exposure) };
  }
  const header = walHeaderOf(observation);
  const writers = wal.kind === "known" ? "byLock" : writersWithoutIndex(observation);
  if (header === null || writers === null || observation.wal.kind !== "regular") {
    // A WAL that starts over is met in the middle of it at times; what lasts is said.
    if (exposure !== null && previousAtMs !== null) return { kind: "changed" };
    return { kind: "unobservable", reason: wal.kind === "unknown" ? wal.reason : "the WAL cannot be read" };
  }
  const walIdentity = saltsOf(header);
  const known = exposure?.wal?.walIdentity === walIdentity ? exposure.wal : null;
  const isExposed = known !== null && known.exposedSinceMs !== null;
  return {
    kind: "wal",
    fileIdentity: observation.wal.identity,
    walIdentity,
    pageSizeBytes: header.pageSizeBytes,
    mxFrame: wal.kind === "known" ? wal.mxFrame : null,
    countFromFrame: known?.seenFrame ?? 0,
    followFromFrame: known?.followedFrame ?? 0,
    // What is exposed does not become proven by turning clean: there is nothing to ask then.
    cacheFromFrame: isExposed ? null : (known?.provenFrame ?? 0),
    nBackfill: wal.kind === "known" ? wal.nBackfill : null,
    writers,
    database:
      known === null
        ? pagesUnderWal(observation, exposure, wal)
        : pagesNamed(observation, exposure?.reset?.pageNumbers ?? []),
  };
}

function whyUnobservable(observation: Observation, { fsyncError }: DatabaseState): string | null {
  const { mount, database } = observation;
  if (database.kind !== "regular") return "there is no regular file that could be read";
  if (!isWal(observation)) return "it is not in WAL mode: what a rollback journal would cost is not measured";
  if (mount.kind !== "seen") return mount.reason;
  if (!provenFileSystems.has(mount.fileSystemType)) {
    return `it is on ${mount.fileSystemType}: what the page cache says is known to be true on ext4, xfs and btrfs only`;
  }
  if (!mount.writeBarriers) return "it is mounted without write barriers: no sync proves anything";
  return fsyncError === null ? null : `a sync failed with ${fsyncError.code}: what is on disk is not known`;
}

/** Without a WAL-index the frames are followed. Null: neither. */
function writersWithoutIndex({ locks }: Observation): "none" | "hidden" | null {
  if (locks.kind !== "seen" || locks.connectedWithOwnCount > 0) return null;
  const seesAll = locks.viewIsComplete || locks.hidden !== null;
  return seesAll && !somebodyLocksDatabase(locks) ? "none" : "hidden";
}

function walHeaderOf({ walHeader }: Observation) {
  return walHeader?.kind === "header" ? walHeader.header : null;
}

function frameBytesByHeader(observation: Observation): number {
  const header = walHeaderOf(observation);
  return header === null ? 0 : walFrameBytes(header.pageSizeBytes);
}

function changesOf({ walIndex, locks }: Observation, wal: WalState): ChangeCount | null {
  if (wal.kind !== "known" || walIndex?.kind !== "index" || locks.kind !== "seen") return null;
  const named = locks.connected.map(({ pid }) => pid);
  const connectedPids = locks.hidden?.connected === true ? [...named, hiddenPid] : named;
  return { changeCounter: walIndex.index.changeCounter, connectedPids };
}

function modifiedAtMs({ database }: Observation): number | null {
  return database.kind === "regular" ? database.modifiedAtMs : null;
}

/** A WAL that is new: what became of the one before it, or of one that nobody saw. */
function pagesUnderWal(
  observation: Observation,
  exposure: ExposureState | null,
  wal: WalState,
): PagesQuestion | null {
  // A checkpoint that is not complete has not synced: what is dirty then says nothing, but for pages that it did not copy.
  const isSettled = wal.kind === "known" && (wal.nBackfill === 0 || wal.nBackfill === wal.mxFrame);
  const whole = isSettled ? wholeDatabase(observation, exposure) : null;
  return whole ?? (exposure?.wal == null ? null : pagesNamed(observation, exposure.wal.recentPages));
}

function pagesOfEnded(observation: Observation, exposure: ExposureState | null): PagesQuestion | null {
  const pageNumbers = exposure?.wal?.recentPages ?? exposure?.reset?.pageNumbers ?? [];
  return wholeDatabase(observation, exposure) ?? pagesNamed(observation, pageNumbers);
}

function wholeDatabase(observation: Observation, exposure: ExposureState | null): PagesQuestion | null {
  const { database } = observation;
  if (database.kind !== "regular" || database.sizeBytes > wholeBytesMax) return null;
  const isUntouched = exposure?.wal == null && exposure?.databaseModifiedAtMs === database.modifiedAtMs;
  return isUntouched ? null : pagesOf(observation, "all");
}

function pagesNamed(observation: Observation, pageNumbers: readonly number[]): PagesQuestion | null {
  return pageNumbers.length === 0 ? null : pagesOf(observation, pageNumbers);
}

function pagesOf(
  { database, header }: Observation,
  pageNumbers: PagesQuestion["pageNumbers"],
): PagesQuestion | null {
  if (database.kind !== "regular" || header?.kind !== "header") return null;
  return { fileIdentity: database.identity, pageSizeBytes: header.header.pageSizeBytes, pageNumbers };
}

/** An idle database that was looked at and has nothing open: the look would tell nothing new. */
export function needsLook(observation: Observation, state: DatabaseState): boolean {
  const { exposure, fsyncError } = state;
  if (exposure === null || exposure.lookedAtMs === null || exposure.reset !== null) return true;
  // A sync has failed since, or what it left unknown is known again.
  if (exposure.unobservableReason !== "" || fsyncError !== null) {
    if (exposure.unobservableReason !== (whyUnobservable(observation, state) ?? "")) return true;
  }
  const wal = walStateOf(observation);
  if (wal.kind === "noWal") {
    return exposure.wal !== null || exposure.databaseModifiedAtMs !== modifiedAtMs(observation);
  }
  if (wal.kind !== "known" || exposure.wal === null || exposure.unobservableReason !== "") return true;
  const { seenFrame, provenFrame, walIdentity, exposedSinceMs, undecided } = exposure.wal;
  const isSettled = provenFrame === seenFrame || exposedSinceMs !== null || undecided;
  return !(isSettled && walIdentity === wal.walIdentity && seenFrame === wal.mxFrame);
}
