/**
 * What a commit takes with readers beside it: SQLite as it is, and the daemon alone, for each way of writing. No bar of its
 * own: here it shows if a stall grows somewhere.
 */
import type { Answer } from "../answer.ts";
import { cellTable } from "../load/cellTable.ts";
import { cell, cellsOf, type Extent, type Question } from "./question.ts";

const name = "readers";

export const readers: Question = {
  name: "readers",
  title: "Commits beside readers: SQLite as it is, and the daemon alone",
  comparisons: (extent: Extent) => {
    const writings = extent.quick ? (["four"] as const) : (["unpaused", "paced", "four"] as const);
    const settings = extent.quick
      ? [{ count: 2, holdMs: 30 }]
      : [
          ...[1, 2, 4, 8].flatMap((count) => [5, 30].map((holdMs) => ({ count, holdMs }))),
          { count: 1, holdMs: 5_000 },
        ];
    const cells = writings.flatMap((writing) =>
      settings.flatMap((setting) =>
        (["default", "alone"] as const).map((contender) =>
          cell(extent, { contender, writing, readers: setting, warmUpMs: 500, measureMs: 2_500 }),
        ),
      ),
    );
    return [{ name, roundCount: 1, cells }];
  },
  answer: (measured): Answer => ({ rows: [], details: cellTable(cellsOf(measured, name)), notes: [] }),
};
