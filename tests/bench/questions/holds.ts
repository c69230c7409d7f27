/**
 * For how long writers are kept out: each hold as the daemon says it, and the slowest commit as the writer felt it. With
 * the disk as it is, and with syncs that take longer.
 */
import type { Answer, AnswerRow } from "../answer.ts";
import { cellTable } from "../load/cellTable.ts";
import { type Comparison, type MeasuredCell, whereText } from "../load/comparison.ts";
import { median, quantile } from "../statistics.ts";
import { cell, cellsOf, type Extent, type Question } from "./question.ts";
import { unpausedComparison } from "./unpaused.ts";

const holdMaxMs = 50;
const holdMedianMs = 10;
/** checkpoint.holdBudgetMax, as it is by default. */
const holdBudgetMs = 100;
/** What a timer, a scheduler and the end of a transaction may add. */
const toleranceMs = 10;

function otherWriters(extent: Extent): Comparison {
  const writings = ["paced", "four"] as const;
  const cells = writings.map((writing) => cell(extent, { contender: "alone", writing, measureMs: 6_000 }));
  return { name: "holds, other writers", roundCount: extent.quick ? 1 : 2, cells };
}

function withReaders(extent: Extent): Comparison {
  const readers = { count: 2, holdMs: 30 };
  const cells = [cell(extent, { contender: "alone", readers, measureMs: 6_000 })];
  return { name: "holds, readers", roundCount: extent.quick ? 1 : 2, cells };
}

function slowDisk(extent: Extent): Comparison {
  const delaysMs = extent.whyNoSlowDisk !== null ? [] : extent.quick ? [20] : [5, 20, 100];
  const contenders = extent.quick ? (["alone"] as const) : (["default", "alone"] as const);
  const cells = delaysMs.flatMap((syncDelayMs) =>
    contenders.flatMap((contender) => {
      const common = { contender, syncDelayMs, measureMs: extent.quick ? 4_000 : 6_000 };
      return [
        cell(extent, common),
        cell(extent, { ...common, writing: "four" }),
        // It waits for no sync, so its WAL grows while a checkpoint waits for its own.
        cell(extent, { ...common, synchronous: "NORMAL" }),
      ];
    }),
  );
  return { name: "slow disk", roundCount: 1, cells };
}

function holdsOf({ results }: MeasuredCell): readonly number[] {
  return results.flatMap(({ daemon }) => daemon?.holdsMs ?? []);
}

/** What the writer felt: that is more, for it also waits for the disk and for SQLite's own pauses between two attempts. */
function slowestText({ results }: MeasuredCell): string {
  return `; slowest commit ${Math.max(...results.map(({ maxMs }) => maxMs)).toFixed(0)} ms`;
}

function row(measured: MeasuredCell, what: string, barMs: number, figureMs: number, note = ""): AnswerRow {
  const none = Number.isNaN(figureMs);
  return {
    where: whereText(measured.plan),
    what,
    bar: `<= ${barMs} ms`,
    figure: none ? "never kept out" : `${figureMs.toFixed(1)} ms${note}`,
    reached: none || figureMs <= barMs,
  };
}

function plainRows(measured: MeasuredCell, hasReaders: boolean): readonly AnswerRow[] {
  const holdsMs = holdsOf(measured);
  return [
    row(
      measured,
      "longest hold",
      holdMaxMs,
      quantile(holdsMs, 1),
      ` of ${holdsMs.length}${slowestText(measured)}`,
    ),
    ...(hasReaders ? [] : [row(measured, "median hold", holdMedianMs, median(holdsMs))]),
  ];
}

export const holds: Question = {
  name: "holds",
  title: "Writers are kept out for how long, the daemon alone",
  comparisons: (extent) => [
    unpausedComparison(extent),
    otherWriters(extent),
    withReaders(extent),
    slowDisk(extent),
  ],
  answer: (measured, extent): Answer => {
    const unpaused = cellsOf(measured, "without a pause").filter(({ plan }) => plan.contender === "alone");
    const plain = [...unpaused, ...cellsOf(measured, "holds, other writers")];
    const readers = cellsOf(measured, "holds, readers");
    const slow = cellsOf(measured, "slow disk");
    const rows = [
      ...plain.flatMap((one) => plainRows(one, false)),
      ...readers.flatMap((one) => plainRows(one, true)),
      ...slow
        .filter(({ plan }) => plan.contender === "alone")
        .map((one) => {
          const barMs = holdBudgetMs + one.plan.syncDelayMs + toleranceMs;
          return row(one, "longest hold", barMs, quantile(holdsOf(one), 1), slowestText(one));
        }),
    ];
    return {
      rows,
      details: cellTable([...plain, ...readers, ...slow]),
      notes: [
        `With slow syncs the bar is the hold budget (${holdBudgetMs} ms) plus one sync, plus ${toleranceMs} ms for timers.`,
        ...(extent.whyNoSlowDisk === null ? [] : [`No slow disk: ${extent.whyNoSlowDisk}`]),
      ],
    };
  },
};
