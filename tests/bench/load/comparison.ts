/**
 * Cells that are compared with one another, measured in turn, round after round, so that a slow moment of the machine
 * hits all of them alike; every other round goes backwards, so that neighbours stay neighbours and none is always first.
 * What counts is the ratio within a round, and of these the median.
 */
import { median } from "../statistics.ts";
import { type Bench, type CellPlan, type CellResult, measureCell, type Readers } from "./cell.ts";

export interface Comparison {
  /** Questions that ask for the same comparison share it. */
  readonly name: string;
  readonly roundCount: number;
  readonly cells: readonly CellPlan[];
}

export interface MeasuredCell {
  readonly plan: CellPlan;
  /** One for each round. */
  readonly results: readonly CellResult[];
}

export type Measured = ReadonlyMap<string, readonly MeasuredCell[]>;

export async function measureComparison(
  bench: Bench,
  comparison: Comparison,
  say: (progress: string) => void,
): Promise<readonly MeasuredCell[]> {
  const { cells, roundCount, name } = comparison;
  const results = cells.map((): CellResult[] => []);
  for (let round = 0; round < roundCount; round += 1) {
    for (let step = 0; step < cells.length; step += 1) {
      const at = round % 2 === 0 ? step : cells.length - 1 - step;
      const plan = cells[at];
      if (plan === undefined) continue;
      const cell = `${name}, ${plan.contender}, ${whereText(plan)}`;
      say(`round ${round + 1} of ${roundCount}: ${cell}`);
      try {
        results[at]?.push(await measureCell(bench, plan));
      } catch (error) {
        throw new Error(`${cell}: ${error instanceof Error ? error.message : String(error)}`, {
          cause: error,
        });
      }
    }
  }
  return cells.map((plan, at) => ({ plan, results: results[at] ?? [] }));
}

/** The median over the rounds of one cell's figure divided by the other's of the same round. */
export function ratio(
  cell: MeasuredCell,
  to: MeasuredCell,
  figure: (result: CellResult) => number,
): { readonly median: number; readonly ratios: readonly number[] } {
  const ratios = cell.results.map((result, round) => {
    const other = to.results[round];
    return other === undefined ? Number.NaN : figure(result) / figure(other);
  });
  return { median: median(ratios), ratios };
}

export function medianFigure({ results }: MeasuredCell, figure: (result: CellResult) => number): number {
  return median(results.map(figure));
}

export const noReaders: Readers = { count: 0, holdMs: 0 };

const writingTexts = {
  unpaused: "never pauses",
  paced: "200 a second",
  four: "4 writers, 50 a second each",
} as const;

export function whereText(plan: CellPlan): string {
  const { writing, readers, syncDelayMs, synchronous, busyTimeoutMs, intervalMs } = plan;
  const { count, holdMs } = readers;
  return [
    writingTexts[writing],
    ...(count === 0 ? [] : [`${count} reader${count === 1 ? "" : "s"} of ${holdMs} ms`]),
    ...(syncDelayMs === 0 ? [] : [`fsync +${syncDelayMs} ms`]),
    ...(synchronous === "EXTRA" ? [] : [`synchronous ${synchronous}`]),
    ...(busyTimeoutMs === 0 ? ["busy timeout 0"] : []),
    ...(intervalMs === 1000 ? [] : [`interval ${intervalMs / 1000} s`]),
  ].join(", ");
}
