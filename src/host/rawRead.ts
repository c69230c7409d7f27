/** Bytes of a regular file, read without SQLite and without any chance to block (host/openSeen.ts). */
import { errnoOf } from "./errno.ts";
import { type NotSeenAgain, openSeen } from "./openSeen.ts";
import type { Os } from "./os.ts";

export type RawRead =
  /** Fewer bytes than asked for when the file is shorter. */
  { readonly kind: "bytes"; readonly bytes: Uint8Array } | NotSeenAgain;

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
  const opened = openSeen(os, path, identity);
  if (opened.kind !== "open") return opened;
  try {
    return { kind: "bytes", bytes: readFully(os, opened.descriptor, into) };
  } catch (error) {
    return { kind: "unreadable", operation: "read", code: errnoOf(error) };
  } finally {
    os.close(opened.descriptor);
  }
}

/** @returns the beginning of `buffer`: what there is of the file from that place on. Throws as `Os` does. */
export function readFully(os: Os, descriptor: number, buffer: Uint8Array, fromByte = 0): Uint8Array {
  let filledBytes = 0;
  while (filledBytes < buffer.byteLength) {
    const rest = filledBytes === 0 ? buffer : buffer.subarray(filledBytes);
    const readBytes = os.read(descriptor, rest, fromByte + filledBytes);
    if (readBytes === 0) break;
    filledBytes += readBytes;
  }
  return filledBytes === buffer.byteLength ? buffer : buffer.subarray(0, filledBytes);
}
