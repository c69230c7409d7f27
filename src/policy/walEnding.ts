/**
 * How a WAL ends, and whether commits stand behind its end that recovery will drop. Pure; what frames behind the end can
 * be is reasoned out in format/walRemains.ts.
 *
 * "damaged" needs evidence that a commit behind the end had been published: the checksum chain behind it, or a WAL-index
 * of the same round that counts further than recovery will. Where an index of the same round ends exactly where
 * recovery does, what stands behind was dropped by an earlier recovery. A round's salt-1 is that of the one before it plus
 * one: so frames of a later round than the header's are told from those of an earlier one.
 */
import { isIndexOfWal, type WalIndex } from "../format/walIndex.ts";
import type { WalScan, WalScanStop } from "../format/walScan.ts";

export type WalEnding =
  /** Nothing that was committed stands behind it, as far as can be seen. */
  | { readonly kind: "whole"; readonly text: string }
  /** The last write did not end. */
  | { readonly kind: "torn"; readonly text: string }
  | {
      readonly kind: "damaged";
      readonly text: string;
      /** What may have come to pass. */
      readonly causes: string;
      /** The first frame that does not hold. */
      readonly frame: number;
      /** Commits that had been published and that recovery drops, at least; null: not known. */
      readonly droppedCommitCountMin: number | null;
    };

export interface WalEndingEvidence {
  /** Of a WAL that nobody uses: what stands behind the end of one in use may be under way. */
  readonly isQuiet: boolean;
  /** mxFrame of a WAL-index of this very round, left over or live; null: there is none. */
  readonly indexMxFrame: number | null;
}

/** @returns for `WalEndingEvidence.indexMxFrame`, of whatever index lies there */
export function mxFrameOfRound(index: WalIndex | null, { header }: WalScan): number | null {
  if (index === null || index.mxFrame === 0 || header.kind !== "header") return null;
  return isIndexOfWal(index, header.header) ? index.mxFrame : null;
}

export function walEnding(scan: WalScan, { isQuiet, indexMxFrame }: WalEndingEvidence): WalEnding {
  const { stop, header, mxFrame } = scan;
  if (stop.reason === "badHeader" || header.kind !== "header")
    return { kind: "whole", text: "the header does not stand: nothing in it counts" };
  const { frame } = stop;
  if (indexMxFrame !== null && indexMxFrame > mxFrame) {
    const frames = `the WAL-index counts ${indexMxFrame} committed frames, recovery will take ${mxFrame}`;
    const causes = causesOf(stop);
    const readers = isQuiet ? "" : ", and who has it open reads the others unchecked";
    return {
      kind: "damaged",
      frame,
      droppedCommitCountMin: 1,
      text: `broken at frame ${frame} (${fault(stop)}): ${frames}${readers}`,
      causes,
    };
  }
  if (!isQuiet) return { kind: "whole", text: `${plainEnd(stop)}${underWay(stop)}` };
  if (stop.reason === "saltMismatch" && stop.salt1 === (header.header.salt1 + 1) >>> 0) {
    return {
      kind: "damaged",
      frame,
      droppedCommitCountMin: null,
      text: `broken at frame ${frame}: from there on it holds a later round than its header's, of which nothing will be recovered`,
      causes: "a power cut kept it and not the new header, or the file was copied while it was written",
    };
  }
  const published = scan.remains?.publishedCommitCount ?? 0;
  if (published > 0 && indexMxFrame !== mxFrame) {
    const what = published === 1 ? "1 commit stands" : `${published} commits stand`;
    return {
      kind: "damaged",
      frame,
      droppedCommitCountMin: published,
      text: `broken at frame ${frame} (${fault(stop)}): at least ${what} behind it and will not be recovered`,
      causes: causesOf(stop),
    };
  }
  return undamaged(scan, published);
}

const changed =
  "the frame was changed, or a power cut wrote frames out of order (the last one, or one before an earlier recovery)";
const neverSalted =
  "SQLite can have left the frame so (3.40.1 does, after ROLLBACK TO a savepoint whose changes had spilled from its cache), a power cut can have lost it, or it was changed";

/** What may have come to pass; none of it is known. */
function causesOf(stop: WalScanStop): string {
  return stop.reason === "saltMismatch" && stop.salt1 === 0 && stop.salt2 === 0 ? neverSalted : changed;
}

function undamaged({ stop, remains }: WalScan, droppedEarlier: number): WalEnding {
  const behind = remains?.frameCount ?? 0;
  const frames = `behind it ${behind === 1 ? "stands 1 frame" : `stand ${behind} frames`} of this round`;
  if (droppedEarlier > 0) {
    const text = `${plainEnd(stop)}; ${frames} with commits that an earlier recovery dropped: the WAL-index ends here too`;
    return { kind: "whole", text };
  }
  if (stop.reason === "tornFrame") return { kind: "torn", text: plainEnd(stop) };
  // The frame itself, with nothing of its round behind it.
  if (stop.reason === "checksumMismatch" && behind <= 1) return { kind: "torn", text: cutShort(stop.frame) };
  if (behind === 0) return { kind: "whole", text: plainEnd(stop) };
  if (remains?.commitFrameCount === 0) {
    const text = `${plainEnd(stop)}; ${frames} without a commit: a transaction that was rolled back or cut off`;
    return { kind: "whole", text };
  }
  const text = `${plainEnd(stop)}; ${frames} with ${remains?.commitFrameCount} commit marks: a commit that failed or was cut off; that it had been acknowledged is not proven`;
  return { kind: stop.reason === "zeroPageNumber" ? "torn" : "whole", text };
}

/** Where nothing is wrong with the end. */
function plainEnd(stop: WalScanStop): string {
  switch (stop.reason) {
    case "badHeader":
      return "the header does not stand";
    case "endOfFile":
      return "whole, at the end of the file";
    case "tornFrame":
      return `the file ends ${stop.byteCount} bytes into frame ${stop.frame}`;
    case "saltMismatch":
      return stop.salt1 === 0 && stop.salt2 === 0
        ? `whole; frame ${stop.frame} has no salts: it was never written, or its transaction was not committed`
        : `whole; from frame ${stop.frame} on the file holds an earlier round of the WAL`;
    case "zeroPageNumber":
      return `frame ${stop.frame} has no page number`;
    case "checksumMismatch":
      return `whole up to frame ${stop.frame - 1}`;
  }
}

function cutShort(frame: number): string {
  return `frame ${frame} was written in part, or changed later: its checksum does not hold`;
}

function underWay({ reason }: WalScanStop): string {
  return reason === "checksumMismatch" ? "; what stands behind it is under way, or was rolled back" : "";
}

function fault(stop: WalScanStop): string {
  switch (stop.reason) {
    case "badHeader":
      return "the header does not stand";
    case "endOfFile":
    case "tornFrame":
      return "the file ends there";
    case "saltMismatch":
      return stop.salt1 === 0 && stop.salt2 === 0
        ? "it has no salts: it was never written, or never finished"
        : "its salts are not those of this round";
    case "zeroPageNumber":
      return "it has no page number";
    case "checksumMismatch":
      return "its checksum does not hold";
  }
}
