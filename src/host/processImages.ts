/**
 * The files whose code a process runs: its executable and what it has mapped as executable.
 *
 * Sources: proc_pid_maps(5), proc_pid_exe(5), proc_pid_root(5), proc_pid_map_files(5). Reading them of another
 * process asks for the same user, or CAP_SYS_PTRACE. The executable is reachable by /proc/PID/exe when it has been
 * deleted or lies in another mount namespace; a library by /proc/PID/root and its path, a deleted one only by
 * /proc/PID/map_files, which asks for more rights.
 */
import { errnoOf } from "./errno.ts";
import type { Os } from "./os.ts";

export interface ProcessImage {
  /** As the process sees it, " (deleted)" taken away. */
  readonly path: string;
  /** Inode as maps names it; null for the executable. */
  readonly inode: string | null;
  /** Where it can be opened, the first that is the same file. */
  readonly openPaths: readonly string[];
}

export type ProcessImages =
  | {
      readonly kind: "seen";
      readonly executable: ProcessImage;
      readonly libraries: readonly ProcessImage[];
    }
  | { readonly kind: "hidden"; readonly reason: string };

const mapping = /^([0-9a-f]+-[0-9a-f]+) (\S{4}) [0-9a-f]+ \S+ (\d+)\s+(\/.*)$/;

export function readProcessImages(os: Os, pid: number): ProcessImages {
  try {
    const executablePath = withoutDeleted(os.readProcLink(`/proc/${pid}/exe`));
    const libraries = new Map<string, ProcessImage>();
    for (const line of os.readProc(`/proc/${pid}/maps`).split("\n")) {
      const [, range = "", rights = "", inode = "", named = ""] = mapping.exec(line) ?? [];
      if (!rights.includes("x") || inode === "0") continue;
      const path = withoutDeleted(named);
      if (path === executablePath || libraries.has(`${inode} ${path}`)) continue;
      const openPaths = [`/proc/${pid}/root${path}`, `/proc/${pid}/map_files/${range}`];
      libraries.set(`${inode} ${path}`, { path, inode, openPaths });
    }
    const executable = { path: executablePath, inode: null, openPaths: [`/proc/${pid}/exe`] };
    return { kind: "seen", executable, libraries: [...libraries.values()] };
  } catch (error) {
    return { kind: "hidden", reason: whyHidden(errnoOf(error)) };
  }
}

/**
 * Tells a process from a later one of the same number, and from the program it was before exec: its start (field 22 of
 * /proc/PID/stat) and its executable, where that may be seen. Null: there is no such process.
 */
export function processLife(os: Os, pid: number): string | null {
  if (pid <= 0) return null;
  try {
    const stat = os.readProc(`/proc/${pid}/stat`);
    // The name in field 2 may hold anything, parentheses too: the fields are counted from its end.
    const startedAt = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
    return `${startedAt} ${executableOf(os, pid)}`;
  } catch (error) {
    errnoOf(error);
    return null;
  }
}

function executableOf(os: Os, pid: number): string {
  try {
    return os.readProcLink(`/proc/${pid}/exe`);
  } catch (error) {
    errnoOf(error);
    return "";
  }
}

function withoutDeleted(path: string): string {
  return path.replace(/ \(deleted\)$/, "");
}

function whyHidden(code: string): string {
  if (code === "EACCES" || code === "EPERM")
    return "its files may not be looked at: it runs as another user, or hides itself (CAP_SYS_PTRACE is needed)";
  return code === "ENOENT" || code === "ESRCH" ? "it has ended" : `/proc cannot be read: ${code}`;
}
