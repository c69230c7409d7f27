/**
 * The open files of one process: /proc/PID/fd and /proc/PID/fdinfo, proc_pid_fd(5), proc_pid_fdinfo(5).
 * A process that ends meanwhile is not an error.
 */
import { constants } from "node:fs";
import { errnoOf } from "./errno.ts";
import type { Os } from "./os.ts";

/** Numbers of the descriptors. `hidden`: it belongs to another user. */
export function listDescriptors(os: Os, pid: number): readonly string[] | "hidden" | "gone" {
  try {
    return os.readProcDirectory(`/proc/${pid}/fd`);
  } catch (error) {
    const code = errnoOf(error);
    if (code === "ENOENT" || code === "ESRCH") return "gone";
    return isKernelThread(os, pid) ? [] : "hidden";
  }
}

/** "device:inode" of the file behind a descriptor; null: a pipe, a socket, or closed meanwhile. */
export function descriptorIdentity(os: Os, pid: number, descriptor: string): string | null {
  const path = `/proc/${pid}/fd/${descriptor}`;
  try {
    // Reading the link touches no file system, so most descriptors are sorted out for nothing.
    if (!os.readProcLink(path).startsWith("/")) return null;
    return os.stat(path)?.identity ?? null;
  } catch (error) {
    errnoOf(error);
    return null;
  }
}

/** Open for writing, by the octal `flags` of fdinfo; false when it was closed meanwhile. */
export function descriptorIsWritable(os: Os, pid: number, descriptor: string): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(os.readProc(`/proc/${pid}/fdinfo/${descriptor}`))?.[1] ?? "0";
    return (Number.parseInt(flags, 8) & (constants.O_WRONLY | constants.O_RDWR)) !== 0;
  } catch (error) {
    errnoOf(error);
    return false;
  }
}

/** PF_KTHREAD in include/linux/sched.h of the kernel; the flags are field 9 of /proc/PID/stat. */
const kernelThreadFlag = 0x00200000;

/** Kernel threads have no descriptors, yet nobody but root may see that they have none. */
function isKernelThread(os: Os, pid: number): boolean {
  try {
    const stat = os.readProc(`/proc/${pid}/stat`);
    // The name in field 2 may hold anything, parentheses too: the fields are counted from its end.
    const flags = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[6];
    return (Number(flags) & kernelThreadFlag) !== 0;
  } catch (error) {
    errnoOf(error);
    return false;
  }
}
