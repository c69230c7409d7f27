/**
 * One look at one path: is something there, and of what kind? Opens nothing, so nothing can block on a FIFO
 * or wake a device. What went wrong is in the result, never thrown.
 */
import type { BigIntStats } from "node:fs";
import type { FileKind, FileLook } from "../domain/observation.ts";
import { errnoOf } from "./errno.ts";
import type { Os } from "./os.ts";

/** With `followLinks` a link that leads nowhere is `absent`, one that leads to itself `unreadable` (ELOOP). */
export function lookAtFile(os: Os, path: string, options: { readonly followLinks: boolean }): FileLook {
  const operation = options.followLinks ? "stat" : "lstat";
  try {
    const stats = os[operation](path);
    return stats === undefined ? { kind: "absent" } : lookOfStats(stats);
  } catch (error) {
    const code = errnoOf(error);
    return code === "ENOENT" ? { kind: "absent" } : { kind: "unreadable", operation, code };
  }
}

/** "device:inode", decimal, as stat(2) says them; the device is not always the one that mountinfo says. */
export function identityOf(stats: BigIntStats): string {
  return `${stats.dev}:${stats.ino}`;
}

function lookOfStats(stats: BigIntStats): FileLook {
  if (!stats.isFile()) return { kind: "other", what: kindOf(stats) };
  return {
    kind: "regular",
    identity: identityOf(stats),
    sizeBytes: Number(stats.size),
    modifiedAtMs: Number(stats.mtimeMs),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    permissions: Number(stats.mode) & 0o7777,
    linkCount: Number(stats.nlink),
  };
}

function kindOf(stats: BigIntStats): FileKind {
  if (stats.isDirectory()) return "directory";
  if (stats.isFIFO()) return "fifo";
  if (stats.isSocket()) return "socket";
  if (stats.isSymbolicLink()) return "symbolicLink";
  return "device";
}
