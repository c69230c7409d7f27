import { expect, test } from "bun:test";
import { tallyProgress } from "../../../src/policy/integrityProgress.ts";

const nothingYet = { totalWeight: 1000, endedWeight: 0, endedBusyMs: 0, running: [], workerCount: 2 };

test("nothing is foretold before a part has ended", () => {
  const running = [{ weight: 500, beganAtMs: 0 }];
  expect(tallyProgress({ ...nothingYet, running }, 9_000)).toEqual({ percent: 0, remainingMs: null });
});

test("parts that ended give the pace, and those that run are credited by it", () => {
  const half = { ...nothingYet, endedWeight: 500, endedBusyMs: 5_000 };
  expect(tallyProgress(half, 0)).toEqual({ percent: 50, remainingMs: 2_500 });
  const running = [{ weight: 400, beganAtMs: 0 }];
  expect(tallyProgress({ ...half, running }, 1_000)).toEqual({ percent: 60, remainingMs: 2_000 });
});

test("no part counts as ended before it has, and 100 % is never told", () => {
  const late = {
    ...nothingYet,
    endedWeight: 500,
    endedBusyMs: 5_000,
    running: [{ weight: 500, beganAtMs: 0 }],
  };
  const { percent, remainingMs } = tallyProgress(late, 1_000_000);
  expect(percent).toBe(97);
  expect(remainingMs).toBeCloseTo(125);
  expect(tallyProgress({ ...nothingYet, endedWeight: 1000, endedBusyMs: 10 }, 0).percent).toBe(99);
  expect(tallyProgress({ ...nothingYet, totalWeight: 0 }, 0).percent).toBe(0);
});
