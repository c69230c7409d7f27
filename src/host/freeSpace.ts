/** Free space on the file system of a path, statfs(2): what an unprivileged process may still write. */
import { errnoOf } from "./errno.ts";
import type { Os } from "./os.ts";

/** Null: statfs failed. */
export function readFreeBytes(os: Os, path: string): number | null {
  try {
    return os.statfsFreeBytes(path);
  } catch (error) {
    errnoOf(error);
    return null;
  }
}
