/**
 * Which boot of the machine this is, and when it began. What a process wrote survives a crash of that process in the
 * page cache, but not the end of the boot.
 *
 * Sources: proc_sys_kernel(5), /proc/sys/kernel/random/boot_id, the same for the whole boot, in containers too;
 * proc_stat(5), btime in seconds, by the wall clock as it is set now.
 */
import { errnoOf } from "./errno.ts";
import type { Os } from "./os.ts";

/** Null: it cannot be read. */
export function readBootId(os: Pick<Os, "readProc">): string | null {
  const text = readProc(os, "/proc/sys/kernel/random/boot_id")?.trim() ?? "";
  return /^[0-9a-f-]{32,36}$/.test(text) ? text : null;
}

/** Milliseconds since the epoch, to a second. Null: it cannot be read. */
export function readBootedAtMs(os: Pick<Os, "readProc">): number | null {
  const seconds = /^btime (\d+)$/m.exec(readProc(os, "/proc/stat") ?? "")?.[1];
  return seconds === undefined ? null : Number(seconds) * 1000;
}

function readProc(os: Pick<Os, "readProc">, path: string): string | null {
  try {
    return os.readProc(path);
  } catch (error) {
    errnoOf(error);
    return null;
  }
}
