/**
 * May this process see the locks of every other one? /proc/locks leaves out those of processes outside the
 * reader's PID namespace (locks_translate_pid() in the kernel's fs/locks.c).
 */
import { errnoOf } from "./errno.ts";
import type { Os } from "./os.ts";

/** PROC_PID_INIT_INO in include/linux/proc_ns.h of the kernel. */
const initialPidNamespace = "pid:[4026531836]";

/** False in a namespace of its own (a container), and when that cannot be told. */
export function isInInitialPidNamespace(os: Os): boolean {
  try {
    return os.readProcLink("/proc/self/ns/pid") === initialPidNamespace;
  } catch (error) {
    errnoOf(error);
    return false;
  }
}
