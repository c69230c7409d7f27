import { describe, expect, test } from "bun:test";
import type { Observation } from "../../../src/domain/observation.ts";
import { afterFailure, backoffMs, isWorkerTrouble } from "../../../src/policy/backoff.ts";
import { shiftTimes } from "../../../src/policy/clockJump.ts";
import { queueCheck, queueDueWork } from "../../../src/policy/dueWork.ts";
import type { DatabaseState } from "../../../src/policy/state.ts";
import {
  type ConfigChange,
  checkpointStatus,
  config,
  endedState,
  failure,
  integrityStatus,
  nowMs,
  observation,
  regularFile,
} from "../../support/builders.ts";

const nextAtMs = nowMs + 3_600_000;

function queued(
  state: Partial<DatabaseState>,
  change: ConfigChange = {},
  seen: Partial<Observation> = {},
): DatabaseState {
  return queueDueWork(endedState(state), observation(seen), config(change), nowMs, () => nextAtMs);
}

describe("a checkpoint is queued", () => {
  test("when it is due, and the next one is set", () => {
    expect(queued({ nextCheckpointAtMs: nowMs })).toMatchObject({
      pendingCheckpoint: "periodic",
      nextCheckpointAtMs: nextAtMs,
    });
    expect(queued({ nextCheckpointAtMs: nowMs + 1 }).pendingCheckpoint).toBeNull();
  });

  test("not in place of one that was asked for, and not during startup", () => {
    expect(queued({ nextCheckpointAtMs: nowMs, pendingCheckpoint: "demand" }).pendingCheckpoint).toBe(
      "demand",
    );
    expect(queued({ nextCheckpointAtMs: nowMs, stage: "check" }).pendingCheckpoint).toBeNull();
  });

  test("not while the mode is lowered to observe: the round is passed over", () => {
    const guards = [{ guard: "owner", verdict: "refuse", reason: "" }] as const;
    expect(queued({ nextCheckpointAtMs: nowMs, guards })).toMatchObject({
      pendingCheckpoint: null,
      nextCheckpointAtMs: nextAtMs,
    });
  });

  test("again soon after one failed, though the schedule is a day away, and not at once", () => {
    const failedAt = (endedAtMs: number, notBeforeMs = 0) => {
      const last = checkpointStatus({ outcome: "failed", endedAtMs });
      const checkpoint = { ...endedState().checkpoint, last, consecutiveFailureCount: 1 };
      const retry = { failureCount: 1, notBeforeMs, last: failure() };
      return queued({ checkpoint, retry, nextCheckpointAtMs: nowMs + 86_400_000 }).pendingCheckpoint;
    };
    expect(failedAt(nowMs - 1_000)).toBeNull();
    expect(failedAt(nowMs - 10_000)).toBe("periodic");
    expect(failedAt(nowMs - 10_000, nowMs + 1)).toBeNull();
  });
});

describe("a check is queued", () => {
  test("when it is due, each kind by itself", () => {
    const state = queued({ nextQuickCheckAtMs: nowMs, nextIntegrityCheckAtMs: nowMs + 1 });
    expect(state.pendingChecks).toEqual([{ check: "quick_check", trigger: "schedule" }]);
    expect(state.nextQuickCheckAtMs).toBe(nextAtMs);
  });

  test("once, however often it is asked for", () => {
    const once = queueCheck(endedState(), { check: "quick_check", trigger: "demand" });
    expect(queueCheck(once, { check: "quick_check", trigger: "schedule" })).toBe(once);
  });

  const corrupt: Partial<DatabaseState> = {
    quickCheck: integrityStatus({ verdict: "structural" }),
    verdictOfModifiedAtMs: nowMs - 1,
  };

  test("of a corrupt file that changed since, so that a restore in place is noticed", () => {
    expect(queued(corrupt)).toMatchObject({
      pendingChecks: [{ check: "quick_check", trigger: "schedule" }],
      recheckQueuedAtMs: nowMs,
    });
    const { modifiedAtMs } = regularFile();
    expect(queued({ ...corrupt, verdictOfModifiedAtMs: modifiedAtMs }).pendingChecks).toEqual([]);
  });

  test("of a corrupt file at most every 30 s, also when the check itself dies each time", () => {
    expect(queued({ ...corrupt, recheckQueuedAtMs: nowMs - 29_999 }).pendingChecks).toEqual([]);
    expect(queued({ ...corrupt, recheckQueuedAtMs: nowMs - 30_000 }).pendingChecks).toHaveLength(1);
  });

  test("of a corrupt file though the clock was set back before its verdict", () => {
    const quickCheck = integrityStatus({ verdict: "structural", endedAtMs: nowMs + 86_400_000 });
    expect(queued({ ...corrupt, quickCheck }).pendingChecks).toHaveLength(1);
  });
});

describe("when the clock is set", () => {
  const state = endedState({
    nextQuickCheckAtMs: nowMs + 5,
    nextIntegrityCheckAtMs: nowMs + 6,
    retry: { failureCount: 1, notBeforeMs: nowMs + 250, last: null },
    exclusiveSinceMs: nowMs - 9,
  });

  test("what waits for a moment and what counts from one move with it; history stays", () => {
    const shifted = shiftTimes(state, -1_000);
    expect(shifted.retry.notBeforeMs).toBe(nowMs - 750);
    expect(shifted.exclusiveSinceMs).toBe(nowMs - 1_009);
    expect(shifted.nextQuickCheckAtMs).toBe(nowMs - 995);
    expect(shifted.nextIntegrityCheckAtMs).toBe(nowMs - 994);
    expect(shifted.openersAtMs).toBe(nowMs - 1_000);
    expect(shifted.quickCheck).toEqual(state.quickCheck);
    expect(shifted.locklessSinceMs).toBeNull();
  });

  test("a cron expression means the new time of day, an interval goes on", () => {
    const cron = { kind: "cron", expression: "0 3 * * *" } as const;
    const shifted = shiftTimes(state, 7_200_000);
    const again = queued(shifted, { integrity: { quickSchedule: cron } });
    expect(again.nextQuickCheckAtMs).toBe(nextAtMs);
    expect(again.nextIntegrityCheckAtMs).toBe(nowMs + 7_200_006);
    expect(again.clockWasSet).toBe(false);
  });
});

describe("an operation that failed", () => {
  test("is tried again after pauses that double up to half a minute", () => {
    expect([1, 2, 3, 8, 1_000].map(backoffMs)).toEqual([250, 500, 1_000, 30_000, 30_000]);
    const retry = afterFailure({ failureCount: 1, notBeforeMs: 0, last: null }, failure(), nowMs);
    expect(retry).toEqual({ failureCount: 2, notBeforeMs: nowMs + 500, last: failure() });
  });

  test("because the worker died says nothing about the database; one past its deadline may", () => {
    const reasons = ["crash", "spawn", "protocol", "deadline", "sqlite", "system"] as const;
    expect(reasons.filter((reason) => isWorkerTrouble(failure({ reason })))).toEqual([
      "crash",
      "spawn",
      "protocol",
    ]);
  });
});
