/**
 * The WAL as an inspection tells of it: the header, what is live in it by the WAL-index where that can be trusted and
 * by a scan of all frames in any case, and how its valid part ends.
 */
import type { FileLook, Observation } from "../domain/observation.ts";
import type { WalResidueLook } from "../domain/residueReport.ts";
import { saltsOf, type WalHeaderResult, walHeaderBytes } from "../format/walHeader.ts";
import type { WalIndex } from "../format/walIndex.ts";
import type { WalScan } from "../format/walScan.ts";
import { scanWalFile, type WalFileScanHost } from "../observe/walFileScan.ts";
import { mxFrameOfRound, walEnding } from "../policy/walEnding.ts";
import { type WalState, walHasFrames, walStateOf } from "../policy/walState.ts";
import { changingHeader, type WalIndexInspection, type WalInspection } from "./inspection.ts";

type RegularFile = Extract<FileLook, { readonly kind: "regular" }>;

/** A WAL that starts over while it is read is read again. */
const scanAttemptsMax = 3;

export interface ScannedWal {
  readonly inspection: WalInspection;
  /** Null: it could not be scanned. */
  readonly scan: WalScan | null;
  /** It is of several moments, so that what is wrong with it may be nothing: look again. */
  readonly startedOver: boolean;
  /**
   * What is wrong with it, the same words for the same thing; null: nothing. Who writes may have changed it between two
   * reads: so it is told only when two looks have found the same.
   */
  readonly fault: string | null;
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
  const isOfTwoRounds = found !== null && !isSameRound(found.header, walHeader);
  const isTrusted = state.kind === "known";
  const index = walIndex?.kind === "index" && (isQuiet || isTrusted) ? walIndex.index : null;
  const inspection = isOfTwoRounds
    ? describeWal(path, wal, found.header, ofTwoRounds, scanned, inUse)
    : describeWal(path, wal, walHeader, state, scanned, { isQuiet, index });
  const startedOver = isOfTwoRounds || scanned.kind === "changing" || isShorterThanSeen(inspection);
  return { inspection, scan: found, startedOver, fault: faultOf(inspection) };
}

/** The file was emptied between two reads of it. */
function isShorterThanSeen({ sizeBytes, header }: WalInspection): boolean {
  return sizeBytes >= walHeaderBytes && (header === "empty" || header === "tooShort");
}

function faultOf({ sizeBytes, header, by, reason, salts, damage }: WalInspection): string | null {
  if (sizeBytes <= walHeaderBytes) return null;
  if (header !== "header") return header;
  if (damage !== null) return `${salts} ${damage.frame}`;
  return by === "unknown" ? reason : null;
}

/** Of a WAL at which no two looks have found the same: that something is wrong with it is not known. */
export function neverSettled({ inspection, scan, startedOver, fault }: ScannedWal): ScannedWal {
  if (fault === null) return { inspection, scan, startedOver, fault };
  const { path, sizeBytes, modifiedAtMs } = inspection;
  return {
    inspection: {
      path,
      sizeBytes,
      modifiedAtMs,
      ...describeHeader(null),
      header: changingHeader,
      ...figuresOf(ofTwoRounds, { kind: "changing" }),
      ...endOf({ kind: "changing" }, inUse),
    },
    scan: null,
    startedOver,
    fault: null,
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
  /** It started over each time it was read. */
  | { readonly kind: "changing" }
  | { readonly kind: "nothing" };

async function scanOnce(
  host: WalFileScanHost,
  path: string,
  identity: string,
  state: WalState,
  residue: WalResidueLook | null,
): Promise<Scanned> {
  if (residue?.kind === "scanned") return residue;
  return scan(host, path, identity, state.kind === "known" ? { markFrame: state.mxFrame } : {});
}

const changing = "it started over each time it was read";
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
  const inspection = describeWal(path, wal, scannedWal?.header ?? null, noIndex, scanned, {
    isQuiet: true,
    index: null,
  });
  const startedOver = scanned.kind === "changing";
  return neverSettled({
    inspection,
    scan: scannedWal,
    startedOver,
    fault: startedOver ? changing : null,
  });
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
  return { kind: "changing" };
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
    return { by: "unknown", reason: scanned.kind === "unknown" ? scanned.reason : changing, ...unknown };
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
