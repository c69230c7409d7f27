/**
 * The 24 bytes before each page in a `-wal` file.
 *
 * Source: sqlite.org/fileformat2.html, "WAL File Format"; walEncodeFrame() in SQLite src/wal.c. All integers are
 * big-endian.
 *
 *    0  page number
 *    4  size of the database in pages after the commit; 0 on a frame that is no commit
 *    8  salt-1, copied from the WAL header
 *   12  salt-2
 *   16  checksum-1, over the first 24 bytes of the WAL header, and of each frame up to this one the first 8 bytes and
 *   20  checksum-2  the page
 *
 * A header by itself proves nothing: a frame is part of the WAL when format/walScan.ts says so, or when the WAL-index
 * counts it in. Invariant: no bytes make it throw.
 */
import { walFrameBytes, walFrameHeaderBytes, walHeaderBytes } from "./walHeader.ts";

export interface WalFrameHeader {
  readonly pageNumber: number;
  /** Pages of the database after the commit; 0: this frame is no commit. */
  readonly commitPageCount: number;
  readonly salt1: number;
  readonly salt2: number;
  readonly checksum1: number;
  readonly checksum2: number;
}

export type WalFrameHeaderResult =
  | { readonly kind: "frame"; readonly frame: WalFrameHeader }
  | { readonly kind: "tooShort"; readonly byteCount: number };

/** `bytes`: from the beginning of the frame, `walFrameHeaderBytes` of it or all there is. */
export function parseWalFrameHeader(bytes: Uint8Array): WalFrameHeaderResult {
  if (bytes.byteLength < walFrameHeaderBytes) return { kind: "tooShort", byteCount: bytes.byteLength };
  const view = new DataView(bytes.buffer, bytes.byteOffset, walFrameHeaderBytes);
  return {
    kind: "frame",
    frame: {
      pageNumber: view.getUint32(0),
      commitPageCount: view.getUint32(4),
      salt1: view.getUint32(8),
      salt2: view.getUint32(12),
      checksum1: view.getUint32(16),
      checksum2: view.getUint32(20),
    },
  };
}

/** Where a frame, the first being number 1, begins in the file; `frame` = last + 1 gives the end of the last. */
export function walFrameOffsetBytes(frame: number, pageSizeBytes: number): number {
  return walHeaderBytes + (frame - 1) * walFrameBytes(pageSizeBytes);
}
