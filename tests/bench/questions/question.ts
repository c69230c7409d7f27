/** A question of the benchmark: what it wants measured, and what it makes of it. */
import type { Answer } from "../answer.ts";
import type { CellPlan } from "../load/cell.ts";
import type { Comparison, Measured, MeasuredCell } from "../load/comparison.ts";
import { noReaders } from "../load/comparison.ts";

export interface Extent {
  readonly quick: boolean;
  /** Why there is no Litestream, or no slow disk; null: it is there. */
  readonly whyNoLitestream: string | null;
  readonly whyNoSlowDisk: string | null;
}

export interface Question {
  /** For --only. */
  readonly name: string;
  readonly title: string;
  readonly comparisons: (extent: Extent) => readonly Comparison[];
  readonly answer: (measured: Measured, extent: Extent) => Promise<Answer> | Answer;
}

/** A cell as most questions want it: a writer that never pauses, a disk as it is, a checkpoint every second. */
export function cell(extent: Extent, what: Partial<CellPlan> & Pick<CellPlan, "contender">): CellPlan {
  return {
    writing: "unpaused",
    readers: noReaders,
    syncDelayMs: 0,
    synchronous: "EXTRA",
    busyTimeoutMs: 10_000,
    intervalMs: 1_000,
    // What a WAL needs to grow to where it stays is no matter of months.
    warmUpCommitCount: 0,
    warmUpMs: extent.quick ? 1_000 : 2_000,
    measureMs: extent.quick ? 2_000 : 4_000,
    ...what,
  };
}

/** The cells of a comparison that was measured. A programmer's error where it was not asked for. */
export function cellsOf(measured: Measured, comparison: string): readonly MeasuredCell[] {
  const cells = measured.get(comparison);
  if (cells === undefined) throw new Error(`comparison ${comparison} was not measured`);
  return cells;
}
