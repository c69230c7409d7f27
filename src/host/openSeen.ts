/**
 * Opens the regular file that was seen at a path, without any chance to block, and only that one: what was put there
 * meanwhile (a FIFO, a device) is never read: after opening (O_NONBLOCK, O_NOFOLLOW) the descriptor must be of that file.
 */
import { errnoOf } from "./errno.ts";
import type { Os } from "./os.ts";

export type NotSeenAgain =
  /** Another file, or none, is there now: look again. */
  | { readonly kind: "changed" }
  | { readonly kind: "unreadable"; readonly operation: string; readonly code: string };

export type OpenSeen =
  /** Whoever asked closes it. */
  { readonly kind: "open"; readonly descriptor: number; readonly sizeBytes: number } | NotSeenAgain;

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

/** What it means that a path that was looked at just before cannot be opened. */
function openFailure(code: string): NotSeenAgain {
  // ELOOP: O_NOFOLLOW met a symbolic link. ENXIO: a socket, or a FIFO's other end that nobody has.
  if (code === "ENOENT" || code === "ELOOP" || code === "ENXIO") return { kind: "changed" };
  return { kind: "unreadable", operation: "open", code };
}
