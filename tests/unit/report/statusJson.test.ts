import { expect, test } from "bun:test";
import { withIsoTimes } from "../../../src/report/statusJson.ts";
import { aCheck, aStatus } from "./statusBuilder.ts";

test("every time leaves as ISO 8601 under a name without its unit, at any depth", () => {
  const json = withIsoTimes(aStatus({ checks: [aCheck("file", "failed", "gone")] }));
  const time = "2026-01-02T03:04:05.678Z";
  expect(json.observedAt).toBe(time);
  expect(json.startup.endedAt).toBe(time);
  expect(json.readiness.checks[0]?.since).toBe(time);
  expect(json.integrity[0]?.endedAt).toBe(time);
  expect(json.checkpoint?.endedAt).toBe(time);
  expect(JSON.stringify(json)).not.toMatch(/AtMs|sinceMs/);
});

test("durations are rounded, at any depth, to digits that a clock can tell", () => {
  const heldMs = 1.749_371_999_999_98;
  const json = withIsoTimes({
    checkpoint: { heldMs, durationMs: 166.999_871 },
    list: [{ lagMs: 15.459_927 }],
  });
  expect(json).toEqual({ checkpoint: { heldMs: 1.749, durationMs: 167 }, list: [{ lagMs: 15.5 }] });
});

test("durations stay numbers and a time that is not known stays null", () => {
  const json = withIsoTimes(aStatus({ observedAtMs: null }));
  expect(json.checkpoint?.durationMs).toBe(12.5);
  expect(json.observedAt).toBeNull();
});
