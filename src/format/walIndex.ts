/**
 * The first 136 bytes of a `-shm` file, the header of the WAL-index.
 *
 * Source: sqlite.org/walformat.html, "The WAL-Index Header" (its table; the prose has nBackfill at another
 * place), and struct WalIndexHdr and struct WalCkptInfo in SQLite src/wal.c. In the byte order of the
 * machine, except the salts.
 *
 *    0  iVersion, 3007000               96  nBackfill: frames copied into the database
 *    4  unused                         100  aReadMark[0] to aReadMark[4]
 *    8  iChange: goes up by one        120  eight bytes for locks, never read nor written
 *       with each transaction          128  nBackfillAttempted
 *   12  isInit, 1 when initialized     132  unused
 *   13  bigEndCksum
 *   14  szPage, 16 bits; 1 stands for 65536
 *   16  mxFrame: last valid frame of the WAL
 *   20  nPage: database size in pages
 *   24  aFrameCksum[2]
 *   32  aSalt[2]: eight bytes copied from the WAL header, hence big-endian
 *   40  aCksum[2], over the first 40 bytes
 *   48  a second copy of the first 48 bytes
 *
 * A writer writes the second copy, then the first; a reader reads the first, then the second. Copies that
 * differ, or a checksum that does not hold, mean that it is being written: read again (walIndexTryHdr()).
 *
 * The file outlives its users: what stands here says nothing unless somebody holds the lock on byte 128, and
 * the salts are those of the WAL. Invariant: no bytes make it throw.
 */
import { walChecksum } from "./walChecksum.ts";
import type { WalHeader } from "./walHeader.ts";

export const walIndexHeaderBytes = 136;

export interface WalIndex {
  readonly mxFrame: number;
  readonly nBackfill: number;
  readonly nBackfillAttempted: number;
  /** aReadMark[0] to aReadMark[4]; 0xffffffff is a mark that is not in use. */
  readonly readMarks: readonly number[];
  readonly pageSizeBytes: number;
  readonly salt1: number;
  readonly salt2: number;
  readonly pageCount: number;
  readonly changeCounter: number;
  /** Checksum of frame mxFrame: the bytes 16..23 of its header say the same. */
  readonly frameChecksum1: number;
  readonly frameChecksum2: number;
}

export type WalIndexResult =
  | { readonly kind: "index"; readonly index: WalIndex }
  | { readonly kind: "tooShort"; readonly byteCount: number }
  /** Read while it was being written, most likely. */
  | { readonly kind: "copiesDiffer" }
  | { readonly kind: "checksumMismatch" }
  | { readonly kind: "notInitialized" }
  | { readonly kind: "unsupportedVersion"; readonly version: number };

const copyBytes = 48;
const checkedBytes = 40;
const supportedVersion = 3007000;
const machineIsLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** `bytes`: the file from its beginning, `walIndexHeaderBytes` of it or all there is. */
export function parseWalIndex(bytes: Uint8Array): WalIndexResult {
  if (bytes.byteLength < walIndexHeaderBytes) return { kind: "tooShort", byteCount: bytes.byteLength };
  for (let offset = 0; offset < copyBytes; offset += 1)
    if (bytes[offset] !== bytes[offset + copyBytes]) return { kind: "copiesDiffer" };
  const view = new DataView(bytes.buffer, bytes.byteOffset, walIndexHeaderBytes);
  const word = (offset: number): number => view.getUint32(offset, machineIsLittleEndian);
  if (view.getUint8(12) === 0) return { kind: "notInitialized" };
  const [checksum1, checksum2] = walChecksum(view, checkedBytes, machineIsLittleEndian);
  if (checksum1 !== word(40) || checksum2 !== word(44)) return { kind: "checksumMismatch" };
  const version = word(0);
  if (version !== supportedVersion) return { kind: "unsupportedVersion", version };
  const szPage = view.getUint16(14, machineIsLittleEndian);
  return {
    kind: "index",
    index: {
      mxFrame: word(16),
      nBackfill: word(96),
      nBackfillAttempted: word(128),
      readMarks: [word(100), word(104), word(108), word(112), word(116)],
      pageSizeBytes: (szPage & 0xfe00) + ((szPage & 1) << 16),
      salt1: view.getUint32(32),
      salt2: view.getUint32(36),
      pageCount: word(20),
      changeCounter: word(8),
      frameChecksum1: word(24),
      frameChecksum2: word(28),
    },
  };
}

/** An empty index belongs to any WAL: the WAL starts over in the index first, then in the file. */
export function isIndexOfWal(index: WalIndex, wal: WalHeader): boolean {
  return index.mxFrame === 0 || (index.salt1 === wal.salt1 && index.salt2 === wal.salt2);
}
