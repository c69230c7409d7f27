/** The mounts of this process's mount namespace, /proc/self/mountinfo. */
import { type Mount, parseMountInfo } from "../format/mountInfo.ts";
import { errnoOf } from "./errno.ts";
import type { Os } from "./os.ts";

/** Null: it cannot be read, so nothing is known about file systems. */
export function readMounts(os: Os): readonly Mount[] | null {
  try {
    return parseMountInfo(os.readProc("/proc/self/mountinfo"));
  } catch (error) {
    errnoOf(error);
    return null;
  }
}
