/**
 * The beginning of a regular file, read without SQLite and without any chance to block: the path was looked
 * at before, and after opening (O_NONBLOCK, O_NOFOLLOW) the descriptor must be that same file. So a FIFO or a
 * device that was put there meanwhile is never read.
 */

import { errnoOf } from "./errno.ts";
import type { Os } from "./os.ts";

export type RawRead =
  /** Fewer bytes than asked for when the file is shorter. */
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  /** Another file, or none, is there now: look again. */
  | { readonly kind: "changed" }
  | { readonly kind: "unreadable"; readonly operation: string; readonly code: string };

/**
 * @param identity "device:inode" of the regular file that was seen at the path.
 * @param into as long as what is to be read; the result is its beginning.
 */
export function readPrefix(
  os: Os,
  path: string,
  identity: string,
  byteCount: number,
  into: Uint8Array = new Uint8Array(byteCount),
): RawRead {
  let descriptor: number;
  try {
    descriptor = os.open(path);
  } catch (error) {
    return openFailure(errnoOf(error));
  }
  let operation = "fstat";
  try {
    const stats = os.fstat(descriptor);
    if (stats.kind !== "regular" || stats.identity !== identity) return { kind: "changed" };
    operation = "read";
    return { kind: "bytes", bytes: readFully(os, descriptor, into) };
  } catch (error) {
    return { kind: "unreadable", operation, code: errnoOf(error) };
  } finally {
    os.close(descriptor);
  }
}

/** What it means that a path that was looked at just before cannot be opened. */
export function openFailure(code: string): Exclude<RawRead, { readonly kind: "bytes" }> {
  // ELOOP: O_NOFOLLOW met a symbolic link. ENXIO: a socket, or a FIFO's other end that nobody has.
  if (code === "ENOENT" || code === "ELOOP" || code === "ENXIO") return { kind: "changed" };
  return { kind: "unreadable", operation: "open", code };
}

/** @returns the beginning of `buffer`: what there is of the file, as far as it goes. Throws as `Os` does. */
export function readFully(os: Os, descriptor: number, buffer: Uint8Array): Uint8Array {
  let filledBytes = 0;
  while (filledBytes < buffer.byteLength) {
    const rest = filledBytes === 0 ? buffer : buffer.subarray(filledBytes);
    const readBytes = os.read(descriptor, rest, filledBytes);
    if (readBytes === 0) break;
    filledBytes += readBytes;
  }
  return filledBytes === buffer.byteLength ? buffer : buffer.subarray(0, filledBytes);
}
