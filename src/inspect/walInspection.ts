/**
 * The WAL as an inspection tells of it: the header, what is live in it by the WAL-index where that can be trusted and
 * by a scan of all frames in any case, and how its valid part ends.
 */
import type { FileLook, Observation } from "../domain/observation.ts";
import type { WalResidueLook } from "../domain/residueReport.ts";
import { saltsOf, type WalHeaderResult } from "../format/walHeader.ts";
import type { WalIndex } from "../format/walIndex.ts";
import type { WalScan } from "../format/walScan.ts";
import { scanWalFile, type WalFileScanHost } from "../observe/walFileScan.ts";
import { mxFrameOfRound, walEnding } from "../policy/walEnding.ts";
import { type WalState, walHasFrames, walStateOf } from "../policy/walState.ts";
import type { WalIndexInspection, WalInspection } from "./inspection.ts";

type RegularFile = Extract<FileLook, { readonly kind: "regular" }>;

/** A WAL that starts over while it is read is read again. */
const scanAttemptsMax = 3;

export interface ScannedWal {
  readonly inspection: WalInspection;
  /** Null: it could not be scanned. */
  readonly scan: WalScan | null;
  /** The scan is of another round of the WAL than the observation: look again. */
  readonly startedOver: boolean;
}

/**
 * @param residue the scan that was made of it because nobody uses it; null: it is scanned now
 * @param isQuiet nobody is seen to use it
 * @returns null: there is no WAL that could be read
 */
export async function inspectWal(
  host: WalFileScanHost,
  path: string,
  observation: Observation,
  residue: WalResidueLook | null,
  isQuiet: boolean,
): Promise<ScannedWal | null> {
  const { wal, walHeader, walIndex } = observation;
  if (wal.kind !== "regular") return null;
  const state = walStateOf(observation);
  const scanned = walHasFrames(observation)
    ? await scanOnce(host, path, wal.identity, state, residue)
    : { kind: "nothing" as const };
  const found = scanned.kind === "scanned" ? scanned.scan : null;
  const startedOver = found !== null && !isSameRound(found.header, walHeader);
  const isTrusted = state.kind === "known";
  const index = walIndex?.kind === "index" && (isQuiet || isTrusted) ? walIndex.index : null;
  return startedOver
    ? {
        inspection: describeWal(path, wal, found.header, ofTwoRounds, scanned, inUse),
        scan: found,
        startedOver,
      }
    : {
        inspection: describeWal(path, wal, walHeader, state, scanned, { isQuiet, index }),
        scan: found,
        startedOver,
      };
}

/** What else tells how the WAL ends. */
interface EndEvidence {
  readonly isQuiet: boolean;
  /** Left over beside a quiet WAL, trusted beside one in use. */
  readonly index: WalIndex | null;
}

const inUse: EndEvidence = { isQuiet: false, index: null };

type Scanned =
  | { readonly kind: "scanned"; readonly scan: WalScan }
  | { readonly kind: "unknown"; readonly reason: string }
  | { readonly kind: "nothing" };

async function scanOnce(
  host: WalFileScanHost,
  path: string,
  identity: string,
  state: WalState,
  residue: WalResidueLook | null,
): Promise<Scanned> {
  if (residue !== null && residue.kind !== "none") return residue;
  return scan(host, path, identity, state.kind === "known" ? { markFrame: state.mxFrame } : {});
}

const ofTwoRounds: WalState = {
  kind: "unknown",
  reason: "the WAL started over while it was looked at",
};

function isSameRound(scanned: WalHeaderResult, observed: WalHeaderResult | null): boolean {
  if (scanned.kind !== "header" || observed?.kind !== "header") return scanned.kind === observed?.kind;
  return scanned.header.salt1 === observed.header.salt1 && scanned.header.salt2 === observed.header.salt2;
}

/** A WAL without a database beside it. */
export async function inspectLoneWal(
  host: WalFileScanHost,
  path: string,
  wal: RegularFile,
): Promise<ScannedWal> {
  const scanned = await scan(host, path, wal.identity, {});
  const scannedWal = scanned.kind === "scanned" ? scanned.scan : null;
  const noIndex: WalState = { kind: "unknown", reason: "a WAL alone has no WAL-index" };
  return {
    inspection: describeWal(path, wal, scannedWal?.header ?? null, noIndex, scanned, {
      isQuiet: true,
      index: null,
    }),
    scan: scannedWal,
    startedOver: false,
  };
}

async function scan(
  host: WalFileScanHost,
  path: string,
  identity: string,
  options: NonNullable<Parameters<typeof scanWalFile>[3]>,
): Promise<Scanned> {
  for (let attempt = 1; attempt <= scanAttemptsMax; attempt += 1) {
    const scanned = await scanWalFile(host, path, identity, options);
    if (scanned.kind === "scanned") return scanned;
    if (scanned.kind === "unreadable")
      return { kind: "unknown", reason: `it cannot be read: ${scanned.operation} ${scanned.code}` };
  }
  return { kind: "unknown", reason: "it started over each time it was read" };
}

function describeWal(
  path: string,
  file: RegularFile,
  header: WalHeaderResult | null,
  state: WalState,
  scanned: Scanned,
  evidence: EndEvidence,
): WalInspection {
  const { sizeBytes, modifiedAtMs } = file;
  return {
    path,
    sizeBytes,
    modifiedAtMs,
    ...describeHeader(header),
    ...figuresOf(state, scanned),
    ...endOf(scanned, evidence),
  };
}

function describeHeader(header: WalHeaderResult | null) {
  if (header?.kind !== "header") {
    const unknown = { pageSizeBytes: null, salts: null, checkpointSequence: null };
    return { header: header?.kind ?? "could not be read", ...unknown };
  }
  const { pageSizeBytes, checkpointSequence } = header.header;
  return { header: "header", pageSizeBytes, salts: saltsOf(header.header), checkpointSequence };
}

type Figures = Pick<
  WalInspection,
  "by" | "reason" | "frameCount" | "commitCount" | "backfilledFrameCount" | "pageCount"
>;

function figuresOf(state: WalState, scanned: Scanned): Figures {
  const empty = { frameCount: 0, commitCount: 0, backfilledFrameCount: 0, pageCount: null };
  if (scanned.kind === "nothing") return { by: "scan", reason: "", ...empty };
  const found = scanned.kind === "scanned" ? scanned.scan : null;
  if (state.kind === "known") {
    const { mxFrame, nBackfill } = state;
    return {
      by: "index",
      reason: "",
      frameCount: mxFrame,
      commitCount: mxFrame === 0 ? 0 : (found?.markedCommitCount ?? null),
      backfilledFrameCount: nBackfill,
      pageCount: found?.mxFrame === mxFrame ? found.pageCount : null,
    };
  }
  const reason = state.kind === "unknown" ? state.reason : "";
  if (found === null) {
    const unknown = { frameCount: null, commitCount: null, backfilledFrameCount: null, pageCount: null };
    return { by: "unknown", reason: scanned.kind === "unknown" ? scanned.reason : "", ...unknown };
  }
  const { mxFrame, commitCount, pageCount } = found;
  return { by: "scan", reason, frameCount: mxFrame, commitCount, backfilledFrameCount: null, pageCount };
}

function endOf(
  scanned: Scanned,
  evidence: EndEvidence,
): Pick<WalInspection, "uncommittedFrameCount" | "end" | "endsTorn" | "damage" | "trailingBytes"> {
  if (scanned.kind !== "scanned")
    return { uncommittedFrameCount: null, end: null, endsTorn: false, damage: null, trailingBytes: null };
  const { scan } = scanned;
  const ending = walEnding(scan, {
    isQuiet: evidence.isQuiet,
    indexMxFrame: mxFrameOfRound(evidence.index, scan),
  });
  const { validFrameCount, mxFrame, trailingBytes } = scan;
  return {
    uncommittedFrameCount: validFrameCount - mxFrame,
    end: ending.text,
    endsTorn: ending.kind === "torn",
    damage:
      ending.kind === "damaged"
        ? {
            frame: ending.frame,
            droppedCommitCountMin: ending.droppedCommitCountMin,
            causes: ending.causes,
          }
        : null,
    trailingBytes,
  };
}

/** @returns null: there is none */
export function inspectWalIndex(observation: Observation): WalIndexInspection | null {
  const { shm, walIndex } = observation;
  if (shm.kind !== "regular") return null;
  const state = walStateOf(observation);
  const index = walIndex?.kind === "index" ? walIndex.index : null;
  return {
    sizeBytes: shm.sizeBytes,
    trusted: state.kind === "known",
    reason:
      state.kind === "known" ? "" : state.kind === "noWal" ? "there is no WAL with frames" : state.reason,
    mxFrame: index?.mxFrame ?? null,
    backfilledFrameCount: index?.nBackfill ?? null,
    readMarks: index === null ? null : index.readMarks,
  };
}
