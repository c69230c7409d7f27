/**
 * The 32 bytes at the start of a `-wal` file.
 *
 * Source: sqlite.org/fileformat2.html, "WAL File Format"; SQLite src/wal.c. All integers are big-endian.
 *
 *    0  magic number, 0x377f0682 or 0x377f0683; its lowest bit says that checksums are big-endian
 *    4  file format version, 3007000
 *    8  database page size
 *   12  checkpoint sequence number
 *   16  salt-1, goes up by one with each reset
 *   20  salt-2, random, another with each reset
 *   24  checksum-1 of the first 24 bytes
 *   28  checksum-2
 *
 * The order of the checks is that of walIndexRecover(): the checksum comes before the version, so that a
 * version is only reported when SQLite wrote it.
 *
 * Invariant: no bytes make it throw.
 */
import { walChecksum } from "./walChecksum.ts";

export const walHeaderBytes = 32;
/** Before each page (format/walFrame.ts). */
export const walFrameHeaderBytes = 24;

export interface WalHeader {
  readonly bigEndianChecksums: boolean;
  readonly pageSizeBytes: number;
  readonly checkpointSequence: number;
  readonly salt1: number;
  readonly salt2: number;
}

/** "salt1 salt2": names one life of the WAL, from one start over to the next. */
export function saltsOf({ salt1, salt2 }: Pick<WalHeader, "salt1" | "salt2">): string {
  return `${salt1} ${salt2}`;
}

/** A page with the header before it. */
export function walFrameBytes(pageSizeBytes: number): number {
  return walFrameHeaderBytes + pageSizeBytes;
}

export type WalHeaderResult =
  | { readonly kind: "header"; readonly header: WalHeader }
  | { readonly kind: "empty" }
  | { readonly kind: "tooShort"; readonly byteCount: number }
  /** All 32 bytes are zero: a header that was never written, or lost. */
  | { readonly kind: "zeroes" }
  | { readonly kind: "badMagic" }
  | { readonly kind: "unsupportedVersion"; readonly version: number }
  | { readonly kind: "badPageSize"; readonly value: number }
  | { readonly kind: "checksumMismatch" };

const magicLittleEndianChecksums = 0x377f0682;
const magicBigEndianChecksums = 0x377f0683;
const supportedVersion = 3007000;

/** `bytes`: the file from its beginning, `walHeaderBytes` of it or all there is. */
export function parseWalHeader(bytes: Uint8Array): WalHeaderResult {
  if (bytes.byteLength === 0) return { kind: "empty" };
  if (bytes.byteLength < walHeaderBytes) return { kind: "tooShort", byteCount: bytes.byteLength };
  const view = new DataView(bytes.buffer, bytes.byteOffset, walHeaderBytes);
  const magic = view.getUint32(0);
  if (magic !== magicLittleEndianChecksums && magic !== magicBigEndianChecksums)
    return { kind: isAllZero(bytes) ? "zeroes" : "badMagic" };

  const pageSizeBytes = view.getUint32(8);
  if (pageSizeBytes < 512 || pageSizeBytes > 65536 || (pageSizeBytes & (pageSizeBytes - 1)) !== 0)
    return { kind: "badPageSize", value: pageSizeBytes };
  const bigEndianChecksums = magic === magicBigEndianChecksums;
  const [checksum1, checksum2] = walChecksum(view, 24, !bigEndianChecksums);
  if (checksum1 !== view.getUint32(24) || checksum2 !== view.getUint32(28))
    return { kind: "checksumMismatch" };
  const version = view.getUint32(4);
  if (version !== supportedVersion) return { kind: "unsupportedVersion", version };
  return {
    kind: "header",
    header: {
      bigEndianChecksums,
      pageSizeBytes,
      checkpointSequence: view.getUint32(12),
      salt1: view.getUint32(16),
      salt2: view.getUint32(20),
    },
  };
}

function isAllZero(bytes: Uint8Array): boolean {
  for (let offset = 0; offset < walHeaderBytes; offset += 1) if (bytes[offset] !== 0) return false;
  return true;
}
