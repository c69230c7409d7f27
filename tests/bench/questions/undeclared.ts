/** A writer with busy timeout 0, of which the daemon was told nothing: it must never see SQLITE_BUSY while it is active. */
import type { Answer } from "../answer.ts";
import { cellTable } from "../load/cellTable.ts";
import { whereText } from "../load/comparison.ts";
import { cell, cellsOf, type Extent, type Question } from "./question.ts";

const name = "busy timeout 0";

export const undeclared: Question = {
  name: "undeclared",
  title: "A writer with busy timeout 0 and no declaration",
  comparisons: (extent: Extent) => [
    {
      name,
      roundCount: extent.quick ? 1 : 2,
      cells: (["beside", "alone"] as const).flatMap((contender) =>
        (["unpaused", "paced"] as const).map((writing) =>
          cell(extent, {
            contender,
            writing,
            busyTimeoutMs: 0,
            warmUpMs: 0,
            measureMs: extent.quick ? 4_000 : 6_000,
          }),
        ),
      ),
    },
  ],
  answer: (measured): Answer => {
    const cells = cellsOf(measured, name);
    const rows = cells.map((measuredCell) => {
      const count = measuredCell.results.reduce((sum, { busyCount }) => sum + busyCount, 0);
      const kept = measuredCell.plan.contender === "beside" ? "autocheckpoint 1000" : "autocheckpoint 0";
      return {
        where: `${whereText(measuredCell.plan)}, ${kept}`,
        what: "SQLITE_BUSY",
        bar: "0",
        figure: String(count),
        reached: count === 0,
      };
    });
    return { rows, details: cellTable(cells), notes: [] };
  },
};
