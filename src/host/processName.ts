/**
 * What a process is called: /proc/PID/comm, proc_pid_comm(5). Never the argument list: it holds secrets.
 */
import { errnoOf } from "./errno.ts";
import type { Os } from "./os.ts";

/** Null: the process is gone, hidden, or never was one (-1 stands for an open file description). */
export function readProcessName(os: Os, pid: number): string | null {
  if (pid <= 0) return null;
  try {
    return os.readProc(`/proc/${pid}/comm`).replace(/\n$/, "");
  } catch (error) {
    errnoOf(error);
    return null;
  }
}
