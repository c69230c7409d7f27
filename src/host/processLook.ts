/**
 * Who a process is: what it is called, whose it is, and to which service it belongs, from /proc/PID. Never the argument
 * list: it holds secrets.
 *
 * User and unit are read when a process is first asked about, and kept for as long as its number and its start time are
 * the same: a number that was given to another process is another process. So each further question costs one read.
 *
 * Sources: proc_pid_stat(5), proc_pid_status(5), proc_pid_cgroup(5), passwd(5).
 */
import type { LockHolder } from "../domain/observation.ts";
import { parsePasswd } from "../format/passwd.ts";
import { parseCgroupUnit } from "../format/procCgroup.ts";
import { type ProcStat, parseProcStat } from "../format/procStat.ts";
import { parseEffectiveUid } from "../format/procStatus.ts";
import { errnoOf } from "./errno.ts";
import type { Os } from "./os.ts";

/** What is null could not be read: the process is gone, hidden, or never was one (-1 stands for an open file description). */
export type LookAtProcess = (pid: number) => LockHolder;

interface Kept {
  readonly startTicks: string;
  readonly holder: LockHolder;
}

const keptCountMax = 4_096;
const passwdPath = "/etc/passwd";

export function createProcessMemory(os: Os): LookAtProcess {
  const kept = new Map<number, Kept>();
  const userName = createUserNames(os);
  return (pid) => {
    const stat = pid > 0 ? readStat(os, pid) : null;
    if (stat === null) return { pid, comm: null, user: null, unit: null };
    const { comm, startTicks } = stat;
    const known = kept.get(pid);
    if (known?.startTicks === startTicks && known.holder.comm === comm) return known.holder;
    const uid = effectiveUidOf(os, pid);
    const user = uid === null ? null : userName(uid);
    const holder: LockHolder = { pid, comm, user, uid, unit: unitOf(os, pid) };
    if (kept.size >= keptCountMax) kept.clear();
    kept.set(pid, { startTicks, holder });
    return holder;
  };
}

/** One that has ended, and that its parent has not asked about yet, is still there. Not known counts as there. */
export function processExists(os: Os, pid: number): boolean {
  try {
    return os.lstat(`/proc/${pid}`) !== undefined;
  } catch (error) {
    errnoOf(error);
    return true;
  }
}

function readStat(os: Os, pid: number): ProcStat | null {
  const text = readText(os, `/proc/${pid}/stat`);
  return text === null ? null : parseProcStat(text);
}

function effectiveUidOf(os: Os, pid: number): number | null {
  const status = readText(os, `/proc/${pid}/status`);
  return status === null ? null : parseEffectiveUid(status);
}

function unitOf(os: Os, pid: number): string | null {
  const text = readText(os, `/proc/${pid}/cgroup`);
  return text === null ? null : parseCgroupUnit(text);
}

/** Read again when the file is another one than before: users come and go. */
function createUserNames(os: Os): (uid: number) => string {
  let names: ReadonlyMap<number, string> = new Map();
  let version = "";
  return (uid) => {
    const present = fileVersion(os, passwdPath);
    if (present !== version) {
      version = present;
      names = parsePasswd(readText(os, passwdPath) ?? "");
    }
    return names.get(uid) ?? `uid ${uid}`;
  };
}

/** Empty: not a regular file, or not there. */
function fileVersion(os: Os, path: string): string {
  try {
    const stats = os.stat(path);
    return stats?.kind === "regular" ? `${stats.identity} ${stats.sizeBytes} ${stats.changedAtMs}` : "";
  } catch (error) {
    errnoOf(error);
    return "";
  }
}

function readText(os: Os, path: string): string | null {
  if (path === passwdPath && fileVersion(os, path) === "") return null;
  try {
    return os.readProc(path);
  } catch (error) {
    errnoOf(error);
    return null;
  }
}
