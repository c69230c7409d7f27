/**
 * The headers of the frames that came to a WAL since it was last looked at: commits, and the database pages in them.
 * Only the 24 bytes of each are read; mxFrame is trusted, and checksums are for doubt (format/walScan.ts).
 *
 * Where no WAL-index can be trusted the headers are followed: a frame belongs to the WAL while it carries its salts. The
 * last commit frame among them is then taken for mxFrame. One look follows so many frames, and the next one goes on
 * there. A writer that nobody sees may meanwhile have written over what was followed behind the last commit: then the look
 * that comes to the end is followed by one that begins behind that commit again.
 */
import { walFrameHeaderBytes, walHeaderBytes } from "../format/walHeader.ts";
import type { Os } from "../host/os.ts";

export interface NewFrames {
  readonly mxFrame: number;
  /** Null: there were more frames than are read in one look. */
  readonly commitCount: number | null;
  /** The first of those that were read whose salts are zero: recovery would end there. Null: none. */
  readonly unsaltedFrame: number | null;
  /** The last of them. */
  readonly recentPages: readonly number[];
  /** The look ended at this one, and there may be more; null: it has come to the end. */
  readonly followedFrame: number | null;
  /** All of them; null: not read. */
  readonly pages: ReadonlySet<number> | null;
}

export interface FramesWanted {
  /** "salt1 salt2". */
  readonly walIdentity: string;
  /** Null: follow. */
  readonly mxFrame: number | null;
  readonly countFromFrame: number;
  /** Where frames are followed: after this one, for no commit lies between countFromFrame and it. */
  readonly followFromFrame: number;
}

/** Read in one look at most: some 5 ms. */
const framesMax = 8_192;
const recentPagesMax = 32;

const header = new Uint8Array(walFrameHeaderBytes);
const view = new DataView(header.buffer);

export function countCommits(os: Os, wal: number, frameBytes: number, wanted: FramesWanted): NewFrames {
  const { countFromFrame, followFromFrame, mxFrame: knownMxFrame } = wanted;
  const isTooMany = knownMxFrame !== null && knownMxFrame - countFromFrame > framesMax;
  const followFrame = knownMxFrame === null ? Math.max(countFromFrame, followFromFrame) : countFromFrame;
  const firstFrame = isTooMany ? knownMxFrame - recentPagesMax + 1 : followFrame + 1;
  const lastFrame = knownMxFrame ?? followFrame + framesMax;
  let followedFrame = knownMxFrame === null ? lastFrame : null;
  const pages: number[] = [];
  let mxFrame = knownMxFrame ?? countFromFrame;
  let commitCount = 0;
  let unsaltedFrame: number | null = null;
  for (let frame = firstFrame; frame <= lastFrame; frame += 1) {
    const offsetBytes = walHeaderBytes + (frame - 1) * frameBytes;
    const isWhole = os.read(wal, header, offsetBytes) === walFrameHeaderBytes;
    const isOfThisLife = () => `${view.getUint32(8)} ${view.getUint32(12)}` === wanted.walIdentity;
    if (!isWhole || (knownMxFrame === null && !isOfThisLife())) {
      followedFrame = null;
      break;
    }
    if (unsaltedFrame === null && view.getUint32(8) === 0 && view.getUint32(12) === 0) unsaltedFrame = frame;
    pages.push(view.getUint32(0));
    if (view.getUint32(4) === 0) continue;
    commitCount += 1;
    if (knownMxFrame === null) mxFrame = frame;
  }
  return {
    mxFrame,
    commitCount: isTooMany ? null : commitCount,
    unsaltedFrame,
    recentPages: [...new Set(pages.slice(-recentPagesMax))],
    followedFrame,
    pages: isTooMany || followedFrame !== null || followFrame > countFromFrame ? null : new Set(pages),
  };
}
