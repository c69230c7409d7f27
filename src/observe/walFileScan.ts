/**
 * A whole `-wal` file through format/walScan.ts, without SQLite and without a lock: read in pieces into one buffer, with
 * pauses, so that a file of gigabytes costs neither memory nor the event loop.
 *
 * The file is read as large as it was at the beginning. What is read of a WAL that somebody writes may be of several
 * moments; a generation that began meanwhile is noticed by the header, which is read once more at the end. What stands
 * behind the valid end is told of a file that nobody wrote meanwhile only.
 */
import { walHeaderBytes } from "../format/walHeader.ts";
import { createWalScanner, type WalScan, type WalScanOptions } from "../format/walScan.ts";
import { breather } from "../host/breather.ts";
import type { Clock } from "../host/clock.ts";
import { errnoOf } from "../host/errno.ts";
import { openSeen } from "../host/openSeen.ts";
import type { Os } from "../host/os.ts";
import { readFully } from "../host/rawRead.ts";

export interface WalFileScanHost {
  readonly os: Os;
  readonly clock: Clock;
}

export type WalFileScan =
  | { readonly kind: "scanned"; readonly scan: WalScan; readonly sizeBytes: number }
  /** Another file, or none, is there now, it became shorter, or the WAL started over meanwhile: look again. */
  | { readonly kind: "changed" }
  | { readonly kind: "unreadable"; readonly operation: string; readonly code: string };

/** Small enough to come from a slow disk within a slice, and to stay in the processor's cache between read and sum. */
const pieceBytesMax = 256 * 1024;

/** @param identity "device:inode" of the regular file that was seen at the path. */
export async function scanWalFile(
  host: WalFileScanHost,
  path: string,
  identity: string,
  options: WalScanOptions = {},
): Promise<WalFileScan> {
  const { os } = host;
  const opened = openSeen(os, path, identity);
  if (opened.kind !== "open") return opened;
  const { descriptor, sizeBytes } = opened;
  try {
    const before = os.fstat(descriptor);
    const scan = await scanDescriptor(host, descriptor, sizeBytes, options);
    if (scan === null) return { kind: "changed" };
    const after = os.fstat(descriptor);
    const isSettled = after.modifiedAtMs === before.modifiedAtMs && after.sizeBytes === sizeBytes;
    return { kind: "scanned", scan: isSettled ? scan : { ...scan, remains: null }, sizeBytes };
  } catch (error) {
    return { kind: "unreadable", operation: "read", code: errnoOf(error) };
  } finally {
    os.close(descriptor);
  }
}

/** Null: it became shorter, or began anew. */
async function scanDescriptor(
  { os, clock }: WalFileScanHost,
  descriptor: number,
  sizeBytes: number,
  options: WalScanOptions,
): Promise<WalScan | null> {
  const scanner = createWalScanner(options);
  const piece = new Uint8Array(Math.min(pieceBytesMax, sizeBytes));
  const headerBefore = new Uint8Array(Math.min(walHeaderBytes, sizeBytes));
  const breathe = breather(clock);
  for (let positionBytes = 0; positionBytes < sizeBytes && !scanner.ended; ) {
    const wanted = piece.subarray(0, Math.min(piece.byteLength, sizeBytes - positionBytes));
    const readBytes = os.read(descriptor, wanted, positionBytes);
    if (readBytes === 0) return null;
    const read = wanted.subarray(0, readBytes);
    if (positionBytes < headerBefore.byteLength)
      headerBefore.set(read.subarray(0, headerBefore.byteLength - positionBytes), positionBytes);
    scanner.feed(read);
    positionBytes += readBytes;
    const pause = breathe();
    if (pause !== null) await pause;
  }
  return beginsWith(os, descriptor, headerBefore) ? scanner.result(sizeBytes) : null;
}

function beginsWith(os: Os, descriptor: number, expected: Uint8Array): boolean {
  const bytes = readFully(os, descriptor, new Uint8Array(expected.byteLength));
  return bytes.byteLength === expected.byteLength && bytes.every((byte, index) => byte === expected[index]);
}
