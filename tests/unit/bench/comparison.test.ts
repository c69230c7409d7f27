/** How the benchmark makes one figure of several rounds, and what it says of it. */
import { expect, test } from "bun:test";
import { answerText } from "../../bench/answer.ts";
import type { CellPlan, CellResult } from "../../bench/load/cell.ts";
import { type MeasuredCell, noReaders, ratio, whereText } from "../../bench/load/comparison.ts";

const plan: CellPlan = {
  contender: "alone",
  writing: "unpaused",
  readers: noReaders,
  syncDelayMs: 0,
  synchronous: "EXTRA",
  busyTimeoutMs: 10_000,
  intervalMs: 1_000,
  warmUpMs: 0,
  warmUpCommitCount: 0,
  measureMs: 1_000,
};

function measured(rates: readonly number[]): MeasuredCell {
  const results = rates.map(
    (commitsPerSecond): CellResult => ({
      commitCount: commitsPerSecond,
      commitsPerSecond,
      p50Ms: 0,
      p99Ms: 0,
      p999Ms: 0,
      maxMs: 0,
      busyCount: 0,
      walMaxBytes: 0,
      resetCount: 0,
      longestRoundMs: 0,
      cpuPercent: null,
      daemon: null,
    }),
  );
  return { plan, results };
}

test("a ratio is the median of the rounds' own ratios, so a slow round of both is no difference", () => {
  const ours = measured([900, 90, 1000]);
  const theirs = measured([1000, 100, 900]);
  const { median, ratios } = ratio(ours, theirs, ({ commitsPerSecond }) => commitsPerSecond);
  expect(ratios.map((each) => each.toFixed(2))).toEqual(["0.90", "0.90", "1.11"]);
  expect(median).toBeCloseTo(0.9);
});

test("a cell is named by what differs from a writer that never pauses on a disk as it is", () => {
  expect(whereText(plan)).toBe("never pauses");
  const other: CellPlan = {
    ...plan,
    writing: "four",
    readers: { count: 2, holdMs: 30 },
    syncDelayMs: 20,
    synchronous: "NORMAL",
    busyTimeoutMs: 0,
    intervalMs: 60_000,
  };
  expect(whereText(other)).toBe(
    "4 writers, 50 a second each, 2 readers of 30 ms, fsync +20 ms, synchronous NORMAL, busy timeout 0, interval 60 s",
  );
});

test("an answer says of each bar whether it was reached, and of what has none nothing", () => {
  const row = { where: "here", what: "commits", bar: ">= 1.00", figure: "0.99" };
  const rows = [
    { ...row, reached: true },
    { ...row, reached: false },
    { ...row, reached: null },
  ];
  const lines = answerText("title", { rows, details: null, notes: ["a note"] }).split("\n");
  expect(lines[0]).toBe("title");
  expect(lines[2]).toEndWith("  reached");
  expect(lines[3]).toEndWith("  NOT REACHED");
  expect(lines[4]).toEndWith("0.99");
  expect(lines[5]).toBe("  a note");
});
