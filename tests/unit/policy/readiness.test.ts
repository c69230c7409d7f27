import { describe, expect, test } from "bun:test";
import type { Observation } from "../../../src/domain/observation.ts";
import type { DatabaseReadiness } from "../../../src/domain/status.ts";
import { fleetReadiness } from "../../../src/policy/fleetReadiness.ts";
import { type CheckVerdict, readinessChecks } from "../../../src/policy/readiness.ts";
import type { DatabaseState } from "../../../src/policy/state.ts";
import {
  absent,
  type ConfigChange,
  checkpointStatus,
  config,
  endedState,
  failure,
  integrityStatus,
  nowMs,
  observation,
  regularFile,
  rollbackHeader,
} from "../../support/builders.ts";

function checks(
  seen: Partial<Observation> = {},
  state: Partial<DatabaseState> = {},
  change: ConfigChange = {},
): readonly CheckVerdict[] {
  return readinessChecks(observation(seen), endedState(state), config(change));
}

function check(
  name: CheckVerdict["name"],
  seen: Partial<Observation> = {},
  state: Partial<DatabaseState> = {},
  change: ConfigChange = {},
): CheckVerdict | undefined {
  return checks(seen, state, change).find((verdict) => verdict.name === name);
}

interface Given {
  readonly seen?: Partial<Observation>;
  readonly state?: Partial<DatabaseState>;
  readonly change?: ConfigChange;
}
type Case = readonly [promise: string, check: CheckVerdict["name"], given: Given];

const exclusive = [{ guard: "exclusive_lock", verdict: "refuse", reason: "locked" }] as const;

test("a database that is in order is ok in every check", () => {
  expect(checks().map(({ state }) => state)).toEqual(checks().map(() => "ok"));
});

describe("not ready, for a proven fact", () => {
  const failures = { ...endedState().checkpoint, consecutiveFailureCount: 3, last: checkpointStatus() };
  const cases: readonly Case[] = [
    [
      "structurally corrupt",
      "integrity",
      { state: { quickCheck: integrityStatus({ verdict: "structural" }) } },
    ],
    ["a guard refused", "guards", { state: { guards: exclusive } }],
    ["the journal mode does not hold", "profile", { seen: { header: rollbackHeader } }],
    ["missing", "file", { seen: absent }],
    ["the startup sequence has not ended", "startup", { state: { stage: "profile" } }],
    ["three checkpoints failed in a row", "checkpoint", { state: { checkpoint: failures } }],
  ];
  test.each(cases)("%s", (_name, name, { seen, state, change }) => {
    expect(check(name, seen, state, change)).toMatchObject({
      state: "failed",
      reason: expect.stringMatching(/./),
    });
  });

  test("not observed yet", () => {
    expect(readinessChecks(null, endedState(), config())).toMatchObject([{ state: "failed" }]);
  });
});

describe("degraded, for what is unknown or the daemon's own trouble", () => {
  const crash = failure({ reason: "crash", code: null });
  const failures = { ...endedState().checkpoint, consecutiveFailureCount: 9, last: checkpointStatus() };
  const cases: readonly Case[] = [
    ["content findings", "integrity", { state: { quickCheck: integrityStatus({ verdict: "content" }) } }],
    [
      "a check that did not end",
      "integrity",
      { state: { quickCheck: integrityStatus({ verdict: "unknown" }) } },
    ],
    ["no check yet", "integrity", { state: { quickCheck: null } }],
    [
      "one checkpoint failed",
      "checkpoint",
      { state: { checkpoint: { ...failures, consecutiveFailureCount: 1 } } },
    ],
    [
      "the worker died in every checkpoint",
      "checkpoint",
      { state: { checkpoint: failures, retry: { failureCount: 9, notBeforeMs: 0, last: crash } } },
    ],
    ["locks cannot be seen", "observation", { seen: { locks: { kind: "unobservable", reason: "hidden" } } }],
    [
      "openers cannot be seen",
      "observation",
      { state: { openers: { kind: "unobservable", reason: "hidden" } } },
    ],
    [
      "a guard that is only waited for",
      "guards",
      { state: { guards: [{ ...exclusive[0], verdict: "wait" }] } },
    ],
    ["synchronous=OFF was configured", "profile", { change: { profile: { synchronous: "OFF" } } }],
    ["the profile was never verified", "profile", { state: { profile: null } }],
    [
      "no descriptors left",
      "file",
      { seen: { database: { kind: "unreadable", operation: "open", code: "EMFILE" }, header: null } },
    ],
  ];
  test.each(cases)("%s", (_name, name, { seen, state, change }) => {
    expect(check(name, seen, state, change)).toMatchObject({
      state: "degraded",
      reason: expect.stringMatching(/./),
    });
  });
});

describe("mode observe", () => {
  const observe = { mode: "observe" } as const;

  test("is not made unready by what only stands against opening", () => {
    expect(check("guards", {}, { guards: exclusive }, observe)?.state).toBe("degraded");
    const truncated = { guard: "truncated", verdict: "refuse", reason: "cut off" } as const;
    expect(check("guards", {}, { guards: [...exclusive, truncated] }, observe)?.state).toBe("failed");
  });

  test("needs no profile of its own", () => {
    expect(check("profile", {}, { profile: null }, observe)?.state).toBe("ok");
  });
});

describe("a missing database", () => {
  test("is accepted with whenMissing: pass", () => {
    expect(checks(absent, {}, { whenMissing: "pass" })).toMatchObject([{ name: "file", state: "ok" }]);
  });

  test("that is not created says why", () => {
    const left = { ...absent, wal: regularFile() };
    expect(check("file", left, {}, { whenMissing: "create" })?.reason).toContain("-wal is still there");
    const retry = { failureCount: 1, notBeforeMs: 0, last: failure({ code: "SQLITE_CANTOPEN" }) };
    expect(check("file", absent, { retry }, { whenMissing: "create" })?.reason).toContain("SQLITE_CANTOPEN");
  });
});

test("an integrity_check that passed takes an older quick_check back, not the other way round", () => {
  const damage = { verdict: "structural", endedAtMs: nowMs - 10 } as const;
  const whole = integrityStatus({ check: "integrity_check", endedAtMs: nowMs });
  expect(check("integrity", {}, { quickCheck: integrityStatus(damage), integrityCheck: whole })?.state).toBe(
    "ok",
  );
  const broken = integrityStatus({ ...damage, check: "integrity_check" });
  const quick = integrityStatus({ endedAtMs: nowMs });
  expect(check("integrity", {}, { quickCheck: quick, integrityCheck: broken })?.state).toBe("failed");
});

describe("the daemon", () => {
  const database = (change: Partial<DatabaseReadiness>): DatabaseReadiness => ({
    database: "kv",
    required: true,
    ready: true,
    checks: [],
    ...change,
  });
  const failed = { name: "guards", state: "failed", reason: "-", sinceMs: 0 } as const;

  test("is not ready when a required database is not, or while it shuts down", () => {
    expect(fleetReadiness([database({ ready: false })], false).status).toBe("not ready");
    expect(fleetReadiness([database({})], true).status).toBe("not ready");
    expect(fleetReadiness([database({})], false).status).toBe("ready");
  });

  test("is degraded by one that is not required", () => {
    const optional = database({ required: false, ready: false, checks: [failed] });
    expect(fleetReadiness([optional, database({})], false).status).toBe("degraded");
  });
});
