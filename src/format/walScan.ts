/**
 * What is valid in a `-wal` file, frame by frame, exactly as SQLite's recovery takes it.
 *
 * Source: walIndexRecover() and walDecodeFrame() in SQLite src/wal.c, in their order:
 *
 *   - A file of 32 bytes or less holds no frame. The header must stand (format/walHeader.ts).
 *   - Frames are read one after the other while a whole one is there. The first that is not valid ends the WAL, whatever
 *     comes behind it. It is not valid when its salts are not those of the WAL header, else when its page number is 0,
 *     else when the checksum chain does not hold.
 *   - mxFrame is the last valid frame that is a commit; its database size is that of the database. Valid frames behind
 *     it belong to a transaction that was not committed, and are forgotten.
 *
 * Behind the end there are usually frames of an earlier generation: a WAL is written over from its beginning, and the
 * file does not shrink. That is nothing wrong, and neither is a last frame that is cut short: `journal_size_limit` cuts
 * the file at any byte. Whether frames of this very round stand behind the end is told apart (format/walRemains.ts): none
 * of them will be recovered. They are looked for in the next 256 MiB.
 *
 * A file that is being written meanwhile gives what its bytes gave at the moment each was read.
 *
 * Invariants: no bytes make it throw; memory is one frame and one page, whatever the file's size, and a bit for each page
 * that is counted behind the file's end, where that was asked for (format/pagesBehind.ts).
 */
import { addToWalChecksum, newWalChecksum, type WalChecksum } from "./walChecksum.ts";
import { parseWalFrameHeader, walFrameOffsetBytes } from "./walFrame.ts";
import {
  parseWalHeader,
  type WalHeader,
  type WalHeaderResult,
  walFrameBytes,
  walFrameHeaderBytes,
  walHeaderBytes,
} from "./walHeader.ts";
import { createWalRemains, type WalRemains, type WalRemainsCount } from "./walRemains.ts";
import { createWalTally, type WalTallyOptions, type WalTallyResult } from "./walTally.ts";

export type WalScanStop =
  /** `WalScan.header` says why. */
  | { readonly reason: "badHeader"; readonly frame: 0 }
  /** The file ends behind a whole frame, or behind the header. */
  | { readonly reason: "endOfFile"; readonly frame: number }
  /** The file ends within a frame of this generation, or too early to tell its generation. */
  | { readonly reason: "tornFrame"; readonly frame: number; readonly byteCount: number }
  /** A frame of another generation, with its salts; both 0 where nothing was ever written, or salts were to follow. */
  | {
      readonly reason: "saltMismatch";
      readonly frame: number;
      readonly salt1: number;
      readonly salt2: number;
    }
  | { readonly reason: "zeroPageNumber"; readonly frame: number }
  /** Written in part, or changed later. */
  | { readonly reason: "checksumMismatch"; readonly frame: number };

/** The counts are those of format/walTally.ts, up to mxFrame: the last valid commit frame, the first being 1; 0: none. */
export interface WalScan extends WalTallyResult {
  readonly header: WalHeaderResult;
  /** Whole frames from the first on that are valid, committed or not. */
  readonly validFrameCount: number;
  /** Why it goes no further, and the number of the first frame that is not valid. */
  readonly stop: WalScanStop;
  /** Bytes behind the last valid frame: an old generation, a torn tail, all of the file if the header is bad. */
  readonly trailingBytes: number;
  /** Frames of this round from the end on. Null: not looked for (the header is bad), or the file changed meanwhile. */
  readonly remains: WalRemains | null;
}

export type WalScanOptions = WalTallyOptions;

export interface WalScanner {
  /** The next bytes of the file, as many as there are. They are not kept: the buffer may be used again. */
  feed(bytes: Uint8Array): void;
  /** All is found that is looked for: more bytes change nothing but `trailingBytes`. */
  readonly ended: boolean;
  /** @param sizeBytes of the file, where not all of it was fed because the end was found before. */
  result(sizeBytes?: number): WalScan;
}

export function createWalScanner(options: WalScanOptions = {}): WalScanner {
  const tally = createWalTally(options);
  // The header, or later a frame, of which only the beginning has come.
  let part: Uint8Array = new Uint8Array(walHeaderBytes);
  let partBytes = 0;
  let fedBytes = 0;
  let frames: FrameChain | null = null;
  let header: WalHeaderResult | null = null;
  let validFrameCount = 0;
  let stop: WalScanStop | null = null;
  let remains: WalRemainsCount | null = null;
  let remainsBytes = 0;

  const take = (view: DataView, offset: number): void => {
    if (frames === null) {
      header = parseWalHeader(new Uint8Array(view.buffer, view.byteOffset + offset, walHeaderBytes));
      if (header.kind === "header") {
        frames = startChain(header.header, view, offset);
        part = new Uint8Array(walFrameBytes(header.header.pageSizeBytes));
      } else stop = badHeader;
      return;
    }
    if (stop === null) {
      const frame = validFrameCount + 1;
      stop = takeFrame(frames, frame, view, offset);
      if (stop === null) {
        validFrameCount = frame;
        tally.add(frame, view, offset);
        return;
      }
      remains = createWalRemains(frames.header);
    }
    remains?.add(view, offset);
    remainsBytes += part.byteLength;
  };
  const hasEnded = () => stop !== null && (remains === null || remainsBytes >= remainsBytesMax);

  return {
    feed(bytes) {
      fedBytes += bytes.byteLength;
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      for (let offset = 0; offset < bytes.byteLength && !hasEnded(); ) {
        const wantedBytes = part.byteLength;
        const takenBytes = Math.min(wantedBytes - partBytes, bytes.byteLength - offset);
        if (takenBytes === wantedBytes) take(view, offset);
        else {
          part.set(bytes.subarray(offset, offset + takenBytes), partBytes);
          partBytes += takenBytes;
          if (partBytes === wantedBytes) {
            partBytes = 0;
            take(new DataView(part.buffer), 0);
          }
        }
        offset += takenBytes;
      }
    },
    get ended() {
      return hasEnded();
    },
    result(sizeBytes = fedBytes) {
      const rest = part.subarray(0, partBytes);
      const validBytes =
        frames === null ? 0 : walFrameOffsetBytes(validFrameCount + 1, frames.header.pageSizeBytes);
      return {
        ...tally.result(),
        header: header ?? parseWalHeader(rest),
        validFrameCount,
        stop: stop ?? stopAtEnd(frames, validFrameCount + 1, rest),
        trailingBytes: sizeBytes - validBytes,
        remains: frames === null ? null : (remains?.result() ?? nothingBehind),
      };
    },
  };
}

/** What the validity of the next frame depends on. */
interface FrameChain {
  readonly header: WalHeader;
  /** Up to the last valid frame. */
  readonly sums: WalChecksum;
}

/** A file can be far larger than what counts in it, or sparse. */
const remainsBytesMax = 256 * 1024 * 1024;
const nothingBehind: WalRemains = { frameCount: 0, commitFrameCount: 0, publishedCommitCount: 0 };

const badHeader: WalScanStop = { reason: "badHeader", frame: 0 };

/** The chain begins with the sum of the first 24 bytes of the file. */
function startChain(header: WalHeader, view: DataView, offset: number): FrameChain {
  const sums = newWalChecksum();
  addToWalChecksum(sums, view, offset, walHeaderBytes - 8, !header.bigEndianChecksums);
  return { header, sums };
}

/** Null: the frame at `offset`, which is there as a whole, is valid, and the chain goes on. */
function takeFrame(chain: FrameChain, frame: number, view: DataView, offset: number): WalScanStop | null {
  const { header, sums } = chain;
  const salt1 = view.getUint32(offset + 8);
  const salt2 = view.getUint32(offset + 12);
  if (salt1 !== header.salt1 || salt2 !== header.salt2)
    return { reason: "saltMismatch", frame, salt1, salt2 };
  if (view.getUint32(offset) === 0) return { reason: "zeroPageNumber", frame };
  const littleEndian = !header.bigEndianChecksums;
  addToWalChecksum(sums, view, offset, 8, littleEndian);
  addToWalChecksum(sums, view, offset + walFrameHeaderBytes, header.pageSizeBytes, littleEndian);
  const holds = sums[0] === view.getInt32(offset + 16) && sums[1] === view.getInt32(offset + 20);
  return holds ? null : { reason: "checksumMismatch", frame };
}

/** `rest`: the beginning of a frame, or of the header, that the file does not go on with. */
function stopAtEnd(chain: FrameChain | null, frame: number, rest: Uint8Array): WalScanStop {
  if (chain === null) return badHeader;
  if (rest.byteLength === 0) return { reason: "endOfFile", frame };
  const parsed = parseWalFrameHeader(rest);
  if (parsed.kind === "frame") {
    const { salt1, salt2 } = parsed.frame;
    if (salt1 !== chain.header.salt1 || salt2 !== chain.header.salt2)
      return { reason: "saltMismatch", frame, salt1, salt2 };
  }
  return { reason: "tornFrame", frame, byteCount: rest.byteLength };
}
