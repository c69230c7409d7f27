/**
 * One look at one path: is something there, and of what kind? Opens nothing, so nothing can block on a FIFO
 * or wake a device. What went wrong is in the result, never thrown.
 */
import type { FileKind, FileLook } from "../domain/observation.ts";
import { errnoOf } from "./errno.ts";
import type { FileStats } from "./fileStats.ts";
import type { Os } from "./os.ts";

/** A look of which is also known when anything about the file last changed. */
export type StatLook =
  | Exclude<FileLook, { readonly kind: "regular" }>
  | Extract<FileStats, { readonly kind: "regular" }>;

const absent: StatLook = Object.freeze({ kind: "absent" });

const others: Readonly<Record<FileKind, StatLook>> = {
  directory: { kind: "other", what: "directory" },
  fifo: { kind: "other", what: "fifo" },
  socket: { kind: "other", what: "socket" },
  device: { kind: "other", what: "device" },
  symbolicLink: { kind: "other", what: "symbolicLink" },
};

/**
 * With `followLinks` a link that leads nowhere is `absent`, one that leads to itself `unreadable` (ELOOP). Without, a
 * look is the very value of the one before while nothing has changed.
 */
export function lookAtFile(os: Os, path: string, options: { readonly followLinks: boolean }): StatLook {
  try {
    const stats = options.followLinks ? os.stat(path) : os.lstat(path);
    return stats === undefined ? absent : lookOfStats(stats);
  } catch (error) {
    const code = errnoOf(error);
    if (code === "ENOENT") return absent;
    return { kind: "unreadable", operation: options.followLinks ? "stat" : "lstat", code };
  }
}

function lookOfStats(stats: FileStats): StatLook {
  return stats.kind === "regular" ? stats : others[stats.kind];
}
