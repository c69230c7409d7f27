import { expect, test } from "bun:test";
import { renderDetails } from "../../../src/cli/statusDetails.ts";
import type { IntegrityProgress } from "../../../src/domain/integrityCheck.ts";
import type { DatabaseStatus } from "../../../src/domain/status.ts";
import { withIsoTimes } from "../../../src/report/statusJson.ts";
import { anIntegrityCheck, aStatus, baseTimeMs } from "../report/statusBuilder.ts";

const rendering = { nowMs: baseTimeMs, color: false, widthColumns: 200 };

function rendered(changes: Partial<DatabaseStatus>): string {
  return renderDetails(withIsoTimes(aStatus(changes)), rendering);
}

const progress: IntegrityProgress = {
  check: "integrity_check",
  trigger: "schedule",
  beganAtMs: baseTimeMs,
  percent: 43,
  remainingMs: 11_500,
  partCount: 10,
  endedPartCount: 4,
  pausedFor: "",
};

test("a check that runs is told with how far it has come, and why it waits", () => {
  expect(rendered({})).not.toContain("checking now");
  expect(rendered({ integrityProgress: progress })).toContain(
    "integrity_check (schedule), 43 %, about 12s left",
  );
  const paused = { ...progress, percent: null, remainingMs: null, pausedFor: "the WAL holds 9 bytes" };
  expect(rendered({ integrityProgress: paused })).toContain("not divided, waits: the WAL holds 9 bytes");
});

test("an ok that rests on an earlier check says on which", () => {
  const text = rendered({ integrity: [anIntegrityCheck({ restsOn: "integrity_check" })] });
  expect(text).toContain("unchanged since the integrity_check of 2026-01-02T03:04:05.678Z");
});
