/** 1,000 databases of which 50 are written to: when a checkpoint that is due comes to be done, and what that costs. */
import { fleetCheckpoint } from "../fleetCheckpoint.ts";
import type { Question } from "./question.ts";

export const fleet: Question = {
  name: "fleet",
  title: "1,000 databases, 50 active, a checkpoint every second",
  comparisons: () => [],
  answer: async (_measured, extent) => {
    const { quick } = extent;
    const { longestDelayMs, medianDelayMs, cpuPercent, checkpointCount, notes } = await fleetCheckpoint({
      databaseCount: quick ? 200 : 1_000,
      activeCount: quick ? 20 : 50,
      intervalMs: 1_000,
      measureMs: quick ? 10_000 : 30_000,
    });
    const where = `${quick ? 200 : 1_000} databases, ${quick ? 20 : 50} active`;
    return {
      rows: [
        {
          where,
          what: "longest delay of a due checkpoint",
          bar: "<= 2000 ms",
          figure: `${longestDelayMs.toFixed(0)} ms (median ${medianDelayMs.toFixed(0)} ms of ${checkpointCount})`,
          reached: longestDelayMs <= 2_000,
        },
        {
          where,
          what: "CPU of the daemon and its workers",
          bar: "<= 30 % of a core",
          figure: `${cpuPercent.toFixed(1)} %`,
          reached: cpuPercent <= 30,
        },
      ],
      details: null,
      notes,
    };
  },
};
