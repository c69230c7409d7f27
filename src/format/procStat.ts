/**
 * The text of /proc/PID/stat: what a process is called, and when it began.
 *
 * Source: proc_pid_stat(5). "PID (comm) state ppid ...": comm may hold anything, spaces and parentheses too, so the
 * fields are counted from the last parenthesis. Field 22 is the start time in clock ticks since boot: together with
 * the process number it tells one process from another that got the same number later.
 *
 * Invariant: a text that is not understood is null, and nothing throws.
 */

export interface ProcStat {
  /** At most 15 bytes; newline and backslash are escaped. */
  readonly comm: string;
  /** Clock ticks since boot, as they stand there. */
  readonly startTicks: string;
}

/** Field 3 is the first behind the name. */
const startTicksAt = 22 - 3;

export function parseProcStat(text: string): ProcStat | null {
  const nameStart = text.indexOf("(");
  const nameEnd = text.lastIndexOf(")");
  if (nameStart === -1 || nameEnd < nameStart) return null;
  const startTicks = text.slice(nameEnd + 2).split(" ", startTicksAt + 1)[startTicksAt];
  if (startTicks === undefined || !/^\d+$/.test(startTicks)) return null;
  return { comm: text.slice(nameStart + 1, nameEnd), startTicks };
}
