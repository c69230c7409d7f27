/**
 * Opens the regular file that was seen at a path, without any chance to block, and only that one: what was put there
 * meanwhile is never read. For what reads more than a prefix (host/rawRead.ts).
 */
import { errnoOf } from "./errno.ts";
import type { Os } from "./os.ts";
import { openFailure } from "./rawRead.ts";

export type OpenSeen =
  /** Whoever asked closes it. */
  | { readonly kind: "open"; readonly descriptor: number; readonly sizeBytes: number }
  | ReturnType<typeof openFailure>;

/** @param identity "device:inode" of the regular file that was seen at the path. */
export function openSeen(os: Os, path: string, identity: string): OpenSeen {
  let descriptor: number;
  try {
    descriptor = os.open(path);
  } catch (error) {
    return openFailure(errnoOf(error));
  }
  let isOther = true;
  try {
    const stats = os.fstat(descriptor);
    isOther = stats.kind !== "regular" || stats.identity !== identity;
    return isOther ? { kind: "changed" } : { kind: "open", descriptor, sizeBytes: stats.sizeBytes };
  } catch (error) {
    return { kind: "unreadable", operation: "fstat", code: errnoOf(error) };
  } finally {
    if (isOther) os.close(descriptor);
  }
}

/** Fewer bytes than asked for only where the file ends. Throws the errors of node:fs. */
export function readAt(os: Os, descriptor: number, positionBytes: number, byteCount: number): Uint8Array {
  const buffer = new Uint8Array(byteCount);
  let filledBytes = 0;
  while (filledBytes < byteCount) {
    const readBytes = os.read(descriptor, buffer.subarray(filledBytes), positionBytes + filledBytes);
    if (readBytes === 0) break;
    filledBytes += readBytes;
  }
  return buffer.subarray(0, filledBytes);
}
