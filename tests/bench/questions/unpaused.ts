/**
 * A writer that never pauses, no readers: SQLite as it is, the daemon beside an application that keeps its
 * autocheckpoint, the daemon alone, and what people use instead, all of them in turn. Three questions rest on it.
 */
import type { Answer, AnswerRow } from "../answer.ts";
import type { CellResult, Writing } from "../load/cell.ts";
import { cellTable } from "../load/cellTable.ts";
import { type Comparison, type MeasuredCell, medianFigure, ratio, whereText } from "../load/comparison.ts";
import type { Contender } from "../load/contenders.ts";
import { cell, cellsOf, type Extent, type Question } from "./question.ts";

const unpausedName = "without a pause";
/** Some 80 MB of frames: whatever file a WAL keeps to has then grown to where it stays. */
const warmUpCommitCount = 8_000;

export function unpausedComparison(extent: Extent): Comparison {
  const peers: readonly Contender[] =
    extent.whyNoLitestream === null ? ["litestream", "truncate", "cli"] : ["truncate", "cli"];
  // Beside one another is what is divided by one another.
  const names: readonly Contender[] = ["beside", "default", "alone", ...peers];
  return {
    name: unpausedName,
    roundCount: extent.quick ? 2 : 11,
    cells: names.map((contender) =>
      cell(extent, {
        contender,
        warmUpMs: 1_000,
        warmUpCommitCount,
        measureMs: extent.quick ? 2_000 : 2_500,
      }),
    ),
  };
}

/** The longer it runs, the larger Litestream's WAL, and ours not: so it is given its time. */
function largestComparison(extent: Extent): Comparison {
  return {
    name: "largest WAL beside Litestream",
    roundCount: extent.quick ? 1 : 3,
    cells: (["alone", "litestream"] as const).map((contender) =>
      cell(extent, { contender, warmUpMs: 0, measureMs: extent.quick ? 6_000 : 10_000 }),
    ),
  };
}

/** Paced writers: what a commit waits is all that can change. */
function pacedComparison(extent: Extent, writing: Exclude<Writing, "unpaused">): Comparison {
  return {
    name: `paced ${writing}`,
    roundCount: extent.quick ? 1 : 3,
    cells: (["beside", "default", "alone"] as const).map((contender) =>
      cell(extent, { contender, writing, measureMs: extent.quick ? 2_000 : 5_000 }),
    ),
  };
}

const commitRate = ({ commitsPerSecond }: CellResult) => commitsPerSecond;
const p99 = ({ p99Ms }: CellResult) => p99Ms;
const p999 = ({ p999Ms }: CellResult) => p999Ms;

export function find(cells: readonly MeasuredCell[], contender: Contender): MeasuredCell {
  const found = cells.find(({ plan }) => plan.contender === contender);
  if (found === undefined) throw new Error(`${contender} was not measured`);
  return found;
}

function ratioRow(
  what: string,
  cells: readonly [MeasuredCell, MeasuredCell],
  figure: (result: CellResult) => number,
  bar: { readonly atLeast: number } | { readonly atMost: number },
): AnswerRow {
  const { median, ratios } = ratio(cells[0], cells[1], figure);
  const reached = "atLeast" in bar ? median >= bar.atLeast : median <= bar.atMost;
  return {
    where: whereText(cells[0].plan),
    what,
    bar: "atLeast" in bar ? `>= ${bar.atLeast.toFixed(2)}` : `<= ${bar.atMost.toFixed(2)}`,
    figure: `${median.toFixed(2)} (${ratios.map((each) => each.toFixed(2)).join(", ")})`,
    reached,
  };
}

export const beside: Question = {
  name: "beside",
  title: "The application keeps its autocheckpoint, the daemon runs beside it",
  comparisons: (extent) => [
    unpausedComparison(extent),
    pacedComparison(extent, "paced"),
    pacedComparison(extent, "four"),
  ],
  answer: (measured): Answer => {
    const names = [unpausedName, "paced paced", "paced four"];
    const rows = names.flatMap((name) => {
      const cells = cellsOf(measured, name);
      const pair = [find(cells, "beside"), find(cells, "default")] as const;
      return [
        ratioRow("commits a second / without daemon", pair, commitRate, { atLeast: 0.97 }),
        ratioRow("p99 of a commit / without daemon", pair, p99, { atMost: 1.1 }),
      ];
    });
    const shown = names.flatMap((name) => cellsOf(measured, name));
    const pairOnly = shown.filter(({ plan }) => plan.contender === "default" || plan.contender === "beside");
    return { rows, details: cellTable(pairOnly), notes: [] };
  },
};

export const alone: Question = {
  name: "alone",
  title: "The application leaves checkpoints to the daemon (wal_autocheckpoint = 0), no readers",
  comparisons: (extent) => [unpausedComparison(extent)],
  answer: (measured): Answer => {
    const cells = cellsOf(measured, unpausedName);
    const pair = [find(cells, "alone"), find(cells, "default")] as const;
    const rows = [
      ratioRow("commits a second / SQLite as it is", pair, commitRate, { atLeast: 1 }),
      ratioRow("p99.9 of a commit / SQLite as it is", pair, p999, { atMost: 1 }),
    ];
    return { rows, details: cellTable(cells), notes: [] };
  },
};

export const litestream: Question = {
  name: "litestream",
  title: "The daemon alone, and Litestream 0.3.13",
  comparisons: (extent) => [
    unpausedComparison(extent),
    ...(extent.whyNoLitestream === null ? [largestComparison(extent)] : []),
  ],
  answer: (measured, extent): Answer => {
    const reason = extent.whyNoLitestream;
    if (reason !== null) {
      const row = { where: "never pauses", figure: "not measured", reached: null };
      return {
        rows: [
          { ...row, what: "commits a second / Litestream", bar: ">= 1.50" },
          { ...row, what: "largest WAL / Litestream", bar: "<= 0.25" },
        ],
        details: null,
        notes: [`Litestream is not installed: ${reason}`],
      };
    }
    const cells = cellsOf(measured, unpausedName);
    const pair = [find(cells, "alone"), find(cells, "litestream")] as const;
    const largest = ({ walMaxBytes }: CellResult) => walMaxBytes;
    const long = cellsOf(measured, "largest WAL beside Litestream");
    const longPair = [find(long, "alone"), find(long, "litestream")] as const;
    const rows = [
      ratioRow("commits a second / Litestream", pair, commitRate, { atLeast: 1.5 }),
      ratioRow("largest WAL / Litestream", longPair, largest, { atMost: 0.25 }),
    ];
    const megabytes = longPair.map((one) => (medianFigure(one, largest) / 1e6).toFixed(0));
    return { rows, details: null, notes: [`largest WAL: ${megabytes.join(" and ")} MB (medians)`] };
  },
};
