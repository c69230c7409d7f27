/**
 * The beginning of a regular file, read without SQLite and without any chance to block: the path was looked
 * at before, and after opening (O_NONBLOCK, O_NOFOLLOW) the descriptor must be that same file. So a FIFO or a
 * device that was put there meanwhile is never read.
 */

import { errnoOf } from "./errno.ts";
import { identityOf } from "./fileLook.ts";
import type { Os } from "./os.ts";

export type RawRead =
  /** Fewer bytes than asked for when the file is shorter. */
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  /** Another file, or none, is there now: look again. */
  | { readonly kind: "changed" }
  | { readonly kind: "unreadable"; readonly operation: string; readonly code: string };

/** @param identity "device:inode" of the regular file that was seen at the path. */
export function readPrefix(os: Os, path: string, identity: string, byteCount: number): RawRead {
  let descriptor: number;
  try {
    descriptor = os.open(path);
  } catch (error) {
    return openFailure(errnoOf(error));
  }
  let operation = "fstat";
  try {
    const stats = os.fstat(descriptor);
    if (!stats.isFile() || identityOf(stats) !== identity) return { kind: "changed" };
    operation = "read";
    return { kind: "bytes", bytes: readFully(os, descriptor, byteCount) };
  } catch (error) {
    return { kind: "unreadable", operation, code: errnoOf(error) };
  } finally {
    os.close(descriptor);
  }
}

function openFailure(code: string): RawRead {
  // ELOOP: O_NOFOLLOW met a symbolic link. ENXIO: a socket, or a FIFO's other end that nobody has.
  if (code === "ENOENT" || code === "ELOOP" || code === "ENXIO") return { kind: "changed" };
  return { kind: "unreadable", operation: "open", code };
}

function readFully(os: Os, descriptor: number, byteCount: number): Uint8Array {
  const buffer = new Uint8Array(byteCount);
  let filledBytes = 0;
  while (filledBytes < byteCount) {
    const readBytes = os.read(descriptor, buffer.subarray(filledBytes), filledBytes);
    if (readBytes === 0) break;
    filledBytes += readBytes;
  }
  return buffer.subarray(0, filledBytes);
}
