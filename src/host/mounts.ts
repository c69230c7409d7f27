/** The mounts of this process's mount namespace, /proc/self/mountinfo. */
import { errnoOf } from "./errno.ts";
import type { Os } from "./os.ts";

/** Its text. Null: it cannot be read, so nothing is known about file systems. */
export function readMountText(os: Os): string | null {
  try {
    return os.readProc("/proc/self/mountinfo");
  } catch (error) {
    errnoOf(error);
    return null;
  }
}
