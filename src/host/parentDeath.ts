/**
 * A worker dies with its supervisor, however that one ends: PR_SET_PDEATHSIG, prctl(2).
 *
 * The kernel sends the signal when the thread that made this process ends; the supervisor starts workers
 * from its main thread only. Whether the parent was already gone before the call is checked afterwards.
 */
import { parentPid, setParentDeathSignal } from "./libc.ts";

const sigkill = 9;

export type ParentDeathResult = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/**
 * From now on this process is killed when its parent dies.
 * @param supervisorPid who the parent must still be; by default whoever it was when this process started.
 */
export function killWithParent(supervisorPid: number = process.ppid): ParentDeathResult {
  try {
    const set = setParentDeathSignal(sigkill);
    if (!set.ok) return { ok: false, reason: `prctl(PR_SET_PDEATHSIG) failed, errno ${set.errorNumber}` };
    const parent = parentPid();
    if (parent !== supervisorPid)
      return { ok: false, reason: `the parent ${supervisorPid} is gone, now it is ${parent}` };
    return { ok: true };
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : String(error) };
  }
}
