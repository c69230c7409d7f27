/** What a process uses, from /proc, as proc(5) describes it. */
import { readdirSync, readFileSync } from "node:fs";

/** CPU time of all threads so far, in milliseconds; schedstat counts nanoseconds, stat only 10 ms ticks. */
export function cpuTimeMs(pid: number): number {
  const tasks = readdirSync(`/proc/${pid}/task`);
  const nanoseconds = tasks.map((task) => {
    const text = readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8");
    return Number(text.split(" ")[0]);
  });
  return nanoseconds.reduce((sum, value) => sum + value, 0) / 1e6;
}

/** By thread, so that what a thread used that ends meanwhile is not taken off the sum. */
export function threadTimesMs(pid: number): ReadonlyMap<string, number> {
  const tasks = readdirSync(`/proc/${pid}/task`);
  return new Map(
    tasks.map((task) => {
      const text = readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8");
      return [task, Number(text.split(" ")[0]) / 1e6];
    }),
  );
}

/** What the threads that are there now have used since; a little less than all. */
export function cpuTimeSinceMs(
  before: ReadonlyMap<string, number>,
  now: ReadonlyMap<string, number>,
): number {
  let sumMs = 0;
  for (const [task, timeMs] of now) sumMs += timeMs - (before.get(task) ?? 0);
  return sumMs;
}

export function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kilobytes) * 1024;
}

export function childPids(pid: number): readonly number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return text === "" ? [] : text.split(" ").map(Number);
}
