/** What was measured in each cell, as a table below the answer of a question. */
import type { DetailTable } from "../answer.ts";
import { type MeasuredCell, medianFigure, whereText } from "./comparison.ts";

const columns = [
  "who checkpoints",
  "where",
  "commits/s",
  "p50 ms",
  "p99 ms",
  "p99.9 ms",
  "max ms",
  "busy",
  "WAL MB",
  "resets",
  "longest s",
  "CPU %",
] as const;

const contenderTexts = {
  default: "no daemon, autocheckpoint 1000",
  beside: "autocheckpoint 1000, daemon beside it",
  alone: "the daemon alone",
  truncate: "TRUNCATE, timeout 10 s",
  cli: "sqlite3 in a loop",
  litestream: "Litestream 0.3.13",
} as const;

/** A daemon whose workers fail measures nothing: that is said first of all. */
export function failureNotes(cells: readonly MeasuredCell[]): readonly string[] {
  return cells.flatMap(({ plan, results }) => {
    const count = results.reduce((sum, { daemon }) => sum + (daemon?.failedWorkerCount ?? 0), 0);
    return count === 0
      ? []
      : [
          `${contenderTexts[plan.contender]}, ${whereText(plan)}: ${count} sql workers crashed; its figures are void`,
        ];
  });
}

/** Medians over the rounds, but for what counts at its worst: `max`, `busy`, the WAL and the longest time without a reset. */
export function cellTable(cells: readonly MeasuredCell[]): DetailTable {
  const rows = cells.map((cell) => {
    const worst = (figure: Parameters<typeof medianFigure>[1]) => Math.max(...cell.results.map(figure));
    const cpu = cell.results.map(({ cpuPercent }) => cpuPercent).filter((percent) => percent !== null);
    return [
      contenderTexts[cell.plan.contender],
      whereText(cell.plan),
      medianFigure(cell, ({ commitsPerSecond }) => commitsPerSecond).toFixed(0),
      medianFigure(cell, ({ p50Ms }) => p50Ms).toFixed(2),
      medianFigure(cell, ({ p99Ms }) => p99Ms).toFixed(2),
      medianFigure(cell, ({ p999Ms }) => p999Ms).toFixed(2),
      worst(({ maxMs }) => maxMs).toFixed(1),
      worst(({ busyCount }) => busyCount).toFixed(0),
      (worst(({ walMaxBytes }) => walMaxBytes) / 1e6).toFixed(1),
      medianFigure(cell, ({ resetCount }) => resetCount).toFixed(0),
      (worst(({ longestRoundMs }) => longestRoundMs) / 1000).toFixed(1),
      cpu.length === 0 ? "-" : Math.max(...cpu).toFixed(0),
    ];
  });
  return { columns, rows };
}
