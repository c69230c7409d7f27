/**
 * The text of /proc/PID/status: as whom a process acts.
 *
 * Source: proc_pid_status(5). "Uid:" has the real, effective, saved and file-system user id, with tabs in between. The
 * effective one decides what the process may do. Invariant: null when there is none, and nothing throws.
 */

/** 32 bits. */
const uidMax = 0xffffffff;

export function parseEffectiveUid(text: string): number | null {
  const uid = Number(/^Uid:\s+\d+\s+(\d+)/m.exec(text)?.[1] ?? Number.NaN);
  return uid <= uidMax ? uid : null;
}
