/** When a schedule is due next. Intervals are counted by us, cron expressions by node-cron. */
import { createTask, type ScheduledTask } from "node-cron";
import type { Schedule } from "../domain/databaseConfig.ts";

/** One task per expression, never started: it only tells times. */
export class CronTimes {
  readonly #tasks = new Map<string, ScheduledTask>();

  nextMs(expression: string): number | null {
    let task = this.#tasks.get(expression);
    if (task === undefined) {
      task = createTask(expression, () => {});
      this.#tasks.set(expression, task);
    }
    return task.getNextRuns(1)[0]?.getTime() ?? null;
  }

  close(): void {
    for (const task of this.#tasks.values()) void task.destroy();
    this.#tasks.clear();
  }
}

/**
 * @param phase 0 to 1: the share of the first interval that passes before the first run; 1 for a whole one.
 * @returns wall-clock milliseconds, or null when nothing is scheduled.
 */
export function nextDueMs(schedule: Schedule, cron: CronTimes, nowMs: number, phase: number): number | null {
  switch (schedule.kind) {
    case "off":
      return null;
    case "interval":
      return nowMs + Math.max(1, Math.round(schedule.intervalMs * phase));
    case "cron":
      return cron.nextMs(schedule.expression);
  }
}
