/** What a number depends on, printed beside it, without naming the machine. */
import { readFileSync, realpathSync } from "node:fs";
import { availableParallelism, release, totalmem } from "node:os";
import { mountOf, parseMountInfo } from "../../src/format/mountInfo.ts";

export interface MachineContext {
  readonly bun: string;
  readonly kernel: string;
  readonly coreCount: number;
  readonly memoryBytes: number;
  readonly fileSystemType: string;
  readonly loadAverage: string;
}

export function machineContext(path: string): MachineContext {
  const mounts = parseMountInfo(readFileSync("/proc/self/mountinfo", "utf8"));
  return {
    bun: Bun.version,
    kernel: release(),
    coreCount: availableParallelism(),
    memoryBytes: totalmem(),
    fileSystemType: mountOf(mounts, realpathSync(path))?.fileSystemType ?? "unknown",
    loadAverage: readFileSync("/proc/loadavg", "utf8").split(" ").slice(0, 3).join(" "),
  };
}

export function describeMachine(context: MachineContext): string {
  const memoryGiB = (context.memoryBytes / 2 ** 30).toFixed(0);
  return (
    `Bun ${context.bun}, Linux ${context.kernel}, ${context.coreCount} cores, ${memoryGiB} GiB, ` +
    `${context.fileSystemType}, load ${context.loadAverage}`
  );
}
