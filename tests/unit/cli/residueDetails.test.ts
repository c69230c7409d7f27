import { expect, test } from "bun:test";
import { renderDetails } from "../../../src/cli/statusDetails.ts";
import type { ResidueReport } from "../../../src/domain/residueReport.ts";
import { withIsoTimes } from "../../../src/report/statusJson.ts";
import { aStatus, baseTimeMs } from "../report/statusBuilder.ts";

const residueReport: ResidueReport = {
  database: "kv",
  path: "/var/lib/app/kv.db",
  foundAtMs: baseTimeMs,
  found: {
    database: null,
    wal: null,
    journal: null,
    shm: null,
    lineage: { kind: "fits" },
    expectation: "the WAL brings 3 commits back",
  },
  walCopy: null,
  recovery: {
    endedAtMs: baseTimeMs,
    copiedFrameCount: 9,
    databaseBytes: 4096,
    pageCount: 1,
    verdict: "differs",
    remarks: ["9 frames were copied, 10 were announced"],
  },
};

function details(report: ResidueReport | null): string {
  const status = withIsoTimes(aStatus({ residueReport: report }));
  return renderDetails(status, { nowMs: baseTimeMs, color: false });
}

test("status shows what was left behind, and whether recovery brought it", () => {
  const text = details(residueReport);
  expect(text).toMatch(/left behind +the WAL brings 3 commits back/);
  expect(text).toMatch(/recovery +brought something else back; 9 frames were copied, 10 were announced/);
  expect(details({ ...residueReport, recovery: null })).not.toMatch(/recovery/);
  expect(details(null)).not.toMatch(/left behind/);
});
