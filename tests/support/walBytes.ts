/**
 * WAL files made by hand, and real ones with their checksums in the other byte order. Written from the format's
 * description (sqlite.org/fileformat2.html, "WAL File Format") without the product's checksum, so that a mistake in one
 * is not repeated in the other.
 */

export interface HandmadeFrame {
  readonly pageNumber: number;
  /** 0: no commit. */
  readonly commitPageCount: number;
  readonly page: Uint8Array;
}

export interface HandmadeWal {
  readonly pageSizeBytes: number;
  readonly bigEndian?: boolean;
  readonly salts?: readonly [number, number];
  readonly checkpointSequence?: number;
  readonly frames: readonly HandmadeFrame[];
}

type Sums = readonly [bigint, bigint];

const wordMask = 0xffffffffn;

/** The format's own words: s0 += x(i) + s1; s1 += x(i+1) + s0; modulo 2^32. */
export function checksumOf(bytes: Uint8Array, bigEndian: boolean, [s0, s1]: Sums = [0n, 0n]): Sums {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const word = (offset: number) => BigInt(view.getUint32(offset, !bigEndian));
  let sum0 = s0;
  let sum1 = s1;
  for (let offset = 0; offset < bytes.byteLength; offset += 8) {
    sum0 = (sum0 + word(offset) + sum1) & wordMask;
    sum1 = (sum1 + word(offset + 4) + sum0) & wordMask;
  }
  return [sum0, sum1];
}

export function handmadeWal(wal: HandmadeWal): Uint8Array {
  const frameBytes = 24 + wal.pageSizeBytes;
  const bytes = new Uint8Array(32 + wal.frames.length * frameBytes);
  const view = new DataView(bytes.buffer);
  const [salt1, salt2] = wal.salts ?? [0x89abcdef, 0x01234567];
  view.setUint32(4, 3007000);
  view.setUint32(8, wal.pageSizeBytes);
  view.setUint32(12, wal.checkpointSequence ?? 0);
  view.setUint32(16, salt1);
  view.setUint32(20, salt2);
  for (const [index, frame] of wal.frames.entries()) {
    const offset = 32 + index * frameBytes;
    view.setUint32(offset, frame.pageNumber);
    view.setUint32(offset + 4, frame.commitPageCount);
    view.setUint32(offset + 8, salt1);
    view.setUint32(offset + 12, salt2);
    bytes.set(frame.page, offset + 24);
  }
  return resummed(bytes, wal.bigEndian ?? false, wal.frames.length);
}

/** A copy with the magic and the checksums of the header and the first frames in that byte order. */
export function resummed(wal: Uint8Array, bigEndian: boolean, frameCount: number): Uint8Array {
  const bytes = wal.slice();
  const view = new DataView(bytes.buffer);
  const store = (offset: number, [s0, s1]: Sums) => {
    view.setUint32(offset, Number(s0));
    view.setUint32(offset + 4, Number(s1));
  };
  view.setUint32(0, bigEndian ? 0x377f0683 : 0x377f0682);
  let sums = checksumOf(bytes.subarray(0, 24), bigEndian);
  store(24, sums);
  const frameBytes = 24 + view.getUint32(8);
  for (let frame = 0; frame < frameCount; frame += 1) {
    const offset = 32 + frame * frameBytes;
    sums = checksumOf(bytes.subarray(offset, offset + 8), bigEndian, sums);
    sums = checksumOf(bytes.subarray(offset + 24, offset + frameBytes), bigEndian, sums);
    store(offset + 16, sums);
  }
  return bytes;
}
