import { expect, test } from "bun:test";
import { renderDetails } from "../../../src/cli/statusDetails.ts";
import { renderTable } from "../../../src/cli/statusTable.ts";
import { withIsoTimes } from "../../../src/report/statusJson.ts";
import { holder } from "../../support/builders.ts";
import { aStatus, baseTimeMs } from "../report/statusBuilder.ts";

const rendering = { nowMs: baseTimeMs, color: false };
const atWork = {
  name: "Litestream",
  evidence: "process",
  checkpointsLeftToIt: true,
  holders: [holder(77, "litestream")],
  sinceMs: baseTimeMs,
  reason: "Litestream is at work on it: checkpoints are left to it",
} as const;

test("a database whose checkpoints are left to Litestream says so in the table and in its details", () => {
  const status = withIsoTimes(aStatus({ replicator: atWork }));
  expect(renderTable([status], rendering).at(-1)).toBe(`  ${atWork.reason}`);
  expect(renderDetails(status, rendering)).toMatch(
    /^replicator +litestream \(77[^)]*\): Litestream is at work/m,
  );
});

test("a leftover directory is told of in the details alone", () => {
  const leftover = {
    ...atWork,
    evidence: "leftover",
    checkpointsLeftToIt: false,
    holders: [],
    sinceMs: null,
  } as const;
  const status = withIsoTimes(aStatus({ replicator: { ...leftover, reason: "it is a leftover" } }));
  expect(renderTable([status], rendering).join("\n")).not.toContain("leftover");
  expect(renderDetails(status, rendering)).toMatch(/^replicator +it is a leftover$/m);
});
