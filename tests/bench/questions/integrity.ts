/** integrity_check on 1 GB, in eight tables and in one, against the sqlite3 command line tool: tests/bench/integrity.ts. */
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import type { Answer, AnswerRow } from "../answer.ts";
import { type IntegrityFigure, measureIntegrity } from "../integrity.ts";
import { median } from "../statistics.ts";
import type { Question } from "./question.ts";

const bars: Readonly<Record<number, number>> = { 8: 0.5, 1: 0.7 };

function rowsOf(figure: IntegrityFigure): readonly AnswerRow[] {
  const { tableCount, check, fileBytes, ratioMedian, ratios, sameVerdict } = figure;
  const bar = check === "integrity_check" ? bars[tableCount] : undefined;
  const where = `${(fileBytes / 2 ** 30).toFixed(2)} GiB, ${tableCount} ${tableCount === 1 ? "table" : "tables"}`;
  return [
    {
      where,
      what: `${check} / sqlite3`,
      bar: bar === undefined ? "" : `<= ${bar.toFixed(2)}`,
      figure: `${ratioMedian.toFixed(2)} (${ratios.map((ratio) => ratio.toFixed(2)).join(", ")})`,
      reached: bar === undefined ? null : ratioMedian <= bar,
    },
    {
      where,
      what: `${check}, same verdict`,
      bar: "yes",
      figure: sameVerdict ? "yes" : "no",
      reached: sameVerdict,
    },
  ];
}

export const integrity: Question = {
  name: "integrity",
  title: "integrity_check on 1 GB, 2 workers, and the sqlite3 command line tool",
  comparisons: () => [],
  answer: async (_measured, { quick }): Promise<Answer> => {
    if (Bun.which("sqlite3") === null) {
      const row = { what: "integrity_check / sqlite3", figure: "not measured", reached: null };
      return {
        rows: [
          { ...row, where: "8 tables", bar: "<= 0.50" },
          { ...row, where: "1 table", bar: "<= 0.70" },
        ],
        details: null,
        notes: ["sqlite3 is not there to compare with"],
      };
    }
    using directory = makeTempDirectory();
    const extent = quick ? { megabytes: 200, runs: 1 } : { megabytes: 1024, runs: 3 };
    const figures = await measureIntegrity({ directory: directory.path, workerCount: 2, ...extent });
    const times = figures.map(
      ({ tableCount, check, commandLineMs, ownMs }) =>
        `${check}, ${tableCount}: sqlite3 ${median(commandLineMs)} ms, own ${median(ownMs)} ms`,
    );
    return { rows: figures.flatMap(rowsOf), details: null, notes: times };
  },
};
