/**
 * How large the WAL becomes under a writer that never pauses, and how often it starts over, with readers that follow
 * upon one another without a gap, and with one that holds each snapshot for 5 s.
 */
import type { Answer, AnswerRow } from "../answer.ts";
import { cellTable } from "../load/cellTable.ts";
import { type Comparison, type MeasuredCell, whereText } from "../load/comparison.ts";
import { cell, cellsOf, type Extent, type Question } from "./question.ts";
import { find, unpausedComparison } from "./unpaused.ts";

const targetBytes = 64 * 1024 * 1024;
const intervalMs = 1_000;
const intervalsMax = 10;
/** Ten intervals, and what `starved` needs to be said. */
const measureMs = 18_000;
const longReaderMs = 5_000;

function gapless(extent: Extent): Comparison {
  const settings = extent.quick
    ? [{ count: 4, holdMs: 30 }]
    : [5, 30].flatMap((holdMs) => [1, 2, 4, 8].map((count) => ({ count, holdMs })));
  return {
    name: "gapless readers",
    roundCount: 1,
    cells: settings.map((readers) => cell(extent, { contender: "alone", readers, warmUpMs: 0, measureMs })),
  };
}

/** With the daemon's own interval a fast writer has to be noticed in between. */
function others(extent: Extent): Comparison {
  const long = { count: 1, holdMs: longReaderMs };
  return {
    name: "other largest WALs",
    roundCount: 1,
    cells: [
      cell(extent, { contender: "alone", intervalMs: 60_000, warmUpMs: 0, measureMs: 8_000 }),
      ...(extent.quick ? [] : [cell(extent, { contender: "alone", readers: long, warmUpMs: 0, measureMs })]),
    ],
  };
}

function sizeRow(measured: MeasuredCell, hasBar: boolean): AnswerRow {
  const bytes = Math.max(...measured.results.map(({ walMaxBytes }) => walMaxBytes));
  return {
    where: whereText(measured.plan),
    what: "largest WAL",
    bar: hasBar ? "<= 67.1 MB" : "",
    figure: `${(bytes / 1e6).toFixed(1)} MB`,
    reached: hasBar ? bytes <= targetBytes : null,
  };
}

function readerRows(measured: MeasuredCell): readonly AnswerRow[] {
  const longestMs = Math.max(...measured.results.map(({ longestRoundMs }) => longestRoundMs));
  const resets = measured.results.reduce((sum, { resetCount }) => sum + resetCount, 0);
  const verdicts = new Set(measured.results.flatMap(({ daemon }) => daemon?.verdicts ?? []));
  const said = [...verdicts].filter((verdict) => verdict !== "healthy").join(", ");
  const often = longestMs <= intervalsMax * intervalMs;
  return [
    {
      where: whereText(measured.plan),
      what: "longest time without a reset",
      bar: "<= 10 intervals, or `starved`",
      figure: `${(longestMs / 1000).toFixed(1)} s, ${resets} resets${said === "" ? "" : `; ${said}`}`,
      reached: often || verdicts.has("starved"),
    },
    sizeRow(measured, false),
  ];
}

export const largestWal: Question = {
  name: "wal",
  title: "Largest WAL under a writer that never pauses, the daemon alone",
  comparisons: (extent) => [unpausedComparison(extent), gapless(extent), others(extent)],
  answer: (measured): Answer => {
    const withReaders = cellsOf(measured, "gapless readers");
    const [ownInterval, ...longReader] = cellsOf(measured, "other largest WALs");
    if (ownInterval === undefined) throw new Error("a cell is missing");
    const noReader = find(cellsOf(measured, "without a pause"), "alone");
    return {
      rows: [
        sizeRow(noReader, true),
        sizeRow(ownInterval, true),
        ...withReaders.flatMap(readerRows),
        ...longReader.map((one) => sizeRow(one, false)),
      ],
      details: cellTable([noReader, ownInterval, ...withReaders, ...longReader]),
      notes: ["The reader of 5 s pins the WAL: it cannot start over before that snapshot is given up."],
    };
  },
};
