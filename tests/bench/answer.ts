/** What a question of the benchmark comes to, as data and for people. */

export interface AnswerRow {
  /** Where it was measured: workload, readers, disk. */
  readonly where: string;
  readonly what: string;
  readonly bar: string;
  readonly figure: string;
  /** Null: there is no bar here, or nothing could be measured. */
  readonly reached: boolean | null;
}

export interface DetailTable {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface Answer {
  readonly rows: readonly AnswerRow[];
  readonly details: DetailTable | null;
  /** What could not be measured and why, and how to read the rows. */
  readonly notes: readonly string[];
}

export function answerText(title: string, { rows, details, notes }: Answer): string {
  const columns = ["where", "measured", "bar", "figure", ""];
  const lines = rows.map((row) => [row.where, row.what, row.bar, row.figure, reachedText(row.reached)]);
  return [
    title,
    ...(lines.length === 0 ? [] : [tableText(columns, lines)]),
    ...(details === null ? [] : ["", tableText(details.columns, details.rows)]),
    ...notes.map((note) => `  ${note}`),
    "",
  ].join("\n");
}

function reachedText(reached: boolean | null): string {
  if (reached === null) return "";
  return reached ? "reached" : "NOT REACHED";
}

/** The first column to the left, figures to the right where all of them look like figures. */
function tableText(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [columns, ...rows];
  const widths = columns.map((_, at) => Math.max(...all.map((cells) => (cells[at] ?? "").length)));
  const isFigure = columns.map(
    (_, at) => at > 0 && rows.every((cells) => /^(-?[\d.,]+%?|-)?$/.test(cells[at] ?? "")),
  );
  return all
    .map((cells) => {
      const padded = cells.map((cell, at) =>
        isFigure[at] === true ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0),
      );
      return `  ${padded.join("  ")}`.trimEnd();
    })
    .join("\n");
}
