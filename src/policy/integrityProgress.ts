/**
 * How far a divided check has come, from the weights of its parts and the pace of those that ended. A part that runs is
 * credited with what it should have done by now, never with all of it: 100 % is told by the verdict alone.
 */

export interface CheckTally {
  readonly totalWeight: number;
  readonly endedWeight: number;
  /** Of the parts that ended, added. */
  readonly endedBusyMs: number;
  readonly running: readonly { readonly weight: number; readonly beganAtMs: number }[];
  readonly workerCount: number;
}

const runningShareMax = 0.95;

/** @returns percent 0 to 99; remainingMs null while no part has ended. */
export function tallyProgress(
  tally: CheckTally,
  nowMs: number,
): { readonly percent: number; readonly remainingMs: number | null } {
  const { totalWeight, endedWeight, endedBusyMs, running, workerCount } = tally;
  const weightPerMs = endedBusyMs > 0 ? endedWeight / endedBusyMs : 0;
  const credit = running.reduce(
    (sum, part) =>
      sum + Math.min(part.weight * runningShareMax, Math.max(0, nowMs - part.beganAtMs) * weightPerMs),
    0,
  );
  const left = Math.max(0, totalWeight - endedWeight - credit);
  const percent = totalWeight > 0 ? Math.min(99, Math.floor((100 * (totalWeight - left)) / totalWeight)) : 0;
  return { percent, remainingMs: weightPerMs > 0 ? left / weightPerMs / Math.max(1, workerCount) : null };
}
