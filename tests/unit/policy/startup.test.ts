import { describe, expect, test } from "bun:test";
import type { GuardFinding } from "../../../src/policy/guardFinding.ts";
import { nextStartupStep } from "../../../src/policy/startup.ts";
import type { Stage } from "../../../src/policy/state.ts";
import {
  absent,
  config,
  endedState,
  failure,
  freshState,
  integrityStatus,
  nowMs,
  observation,
  opener,
  regularFile,
  rollbackHeader,
  withWal,
} from "../../support/builders.ts";

const refused: GuardFinding = { guard: "exclusive_lock", verdict: "refuse", reason: "locked" };
const residue = observation(withWal(10, 0));

function at(stage: Stage, change: Parameters<typeof endedState>[0] = {}) {
  return endedState({ stage, quickCheck: null, profile: null, ...change });
}

describe("a missing database", () => {
  const missing = freshState({ stage: "missing" });
  const create = config({ whenMissing: "create" });

  test("is created only where that is configured, and never in mode observe", () => {
    expect(nextStartupStep(observation(absent), missing, create)).toEqual({ kind: "act", act: "create" });
    for (const settings of [config(), config({ whenMissing: "create", mode: "observe" })]) {
      expect(nextStartupStep(observation(absent), missing, settings).kind).toBe("stop");
    }
  });

  test("is not created beside what an earlier one has left: SQLite would delete that WAL", () => {
    const left = { ...absent, wal: regularFile({ sizeBytes: 32 }) };
    expect(nextStartupStep(observation(left), missing, create)).toMatchObject({
      kind: "stop",
      reason: expect.stringContaining("kv.db-wal is still there"),
    });
    const journal = { ...absent, journal: regularFile({ sizeBytes: 512 }) };
    expect(nextStartupStep(observation(journal), missing, create).kind).toBe("stop");
  });

  test("is not created where a guard refuses the place", () => {
    const state = { ...missing, guards: [{ ...refused, guard: "file_system", reason: "on nfs" }] } as const;
    expect(nextStartupStep(observation(absent), state, create)).toMatchObject({
      reason: expect.stringContaining("on nfs"),
    });
  });
});

describe("guards", () => {
  test("stop the sequence when they refuse and hold it for five seconds when they doubt", () => {
    const doubt: GuardFinding = { ...refused, verdict: "wait" };
    const doubting = (sequenceMs: number) =>
      at("guards", { guards: [doubt], sequenceStartedAtMs: nowMs - sequenceMs });
    expect(nextStartupStep(residue, doubting(4_999), config()).kind).toBe("wait");
    expect(nextStartupStep(residue, doubting(5_000), config())).toEqual({ kind: "stop", reason: "locked" });
    expect(nextStartupStep(residue, at("guards", { guards: [refused] }), config())).toEqual({
      kind: "stop",
      reason: "locked",
    });
  });

  test("that only stand against opening do not hold up mode observe", () => {
    const observe = config({ mode: "observe" });
    expect(nextStartupStep(residue, at("guards", { guards: [refused] }), observe)).toEqual({
      kind: "advance",
      to: "ended",
    });
    const truncated: GuardFinding = { guard: "truncated", verdict: "refuse", reason: "cut off" };
    expect(nextStartupStep(residue, at("guards", { guards: [truncated] }), observe).kind).toBe("stop");
  });
});

describe("evidence comes first", () => {
  test("with residue a read-only check looks before anything writes", () => {
    expect(nextStartupStep(residue, at("evidence"), config())).toEqual({ kind: "act", act: "evidenceCheck" });
    expect(nextStartupStep(observation(), at("evidence"), config())).toEqual({
      kind: "advance",
      to: "profile",
    });
  });

  test("a check of an earlier sequence is no evidence of what was left since", () => {
    const sequence = { sequenceStartedAtMs: nowMs - 1_000 };
    const old = at("evidence", { ...sequence, quickCheck: integrityStatus() });
    expect(nextStartupStep(residue, old, config()).kind).toBe("act");
    const now = at("evidence", { ...sequence, quickCheck: integrityStatus({ endedAtMs: nowMs }) });
    expect(nextStartupStep(residue, now, config())).toEqual({ kind: "advance", to: "profile" });
  });

  test("a hot rollback journal cannot be looked behind by a reader", () => {
    const hot = observation({ ...withWal(10, 0), journal: regularFile({ sizeBytes: 512 }) });
    expect(nextStartupStep(hot, at("evidence"), config()).kind).toBe("advance");
  });

  test("damage ends the sequence without a write", () => {
    const corrupt = { quickCheck: integrityStatus({ verdict: "structural" as const }) };
    for (const stage of ["profile", "recovery"] as const) {
      const state = at(stage, { ...corrupt, walResidue: true });
      expect(nextStartupStep(residue, state, config())).toEqual({ kind: "advance", to: "check" });
    }
  });
});

describe("the profile", () => {
  const retry = (code: string) => ({ failureCount: 1, notBeforeMs: 0, last: failure({ code }) });

  test("where SQLite called the file corrupt, a read-only check decides before the next attempt", () => {
    const called = at("profile", { retry: retry("SQLITE_CORRUPT") });
    expect(nextStartupStep(observation(), called, config())).toEqual({ kind: "act", act: "evidenceCheck" });
    const busy = at("profile", { retry: retry("SQLITE_BUSY") });
    expect(nextStartupStep(observation(), busy, config())).toEqual({ kind: "act", act: "applyProfile" });
    const looked = { ...called, quickCheck: integrityStatus({ endedAtMs: nowMs }) };
    expect(nextStartupStep(observation(), looked, config())).toEqual({ kind: "act", act: "applyProfile" });
  });

  test("in rollback mode nothing is opened beside an application that may not wait", () => {
    const openers = { kind: "seen", openers: [opener(42)], hiddenProcessCount: 0 } as const;
    const rollback = observation({ header: rollbackHeader });
    expect(nextStartupStep(rollback, at("profile", { openers }), config())).toEqual({
      kind: "advance",
      to: "check",
    });
    expect(nextStartupStep(rollback, at("profile"), config())).toEqual({ kind: "act", act: "applyProfile" });
  });
});

describe("recovery and the startup check", () => {
  test("only a WAL that was left is recovered", () => {
    expect(nextStartupStep(residue, at("recovery", { walResidue: true }), config()).kind).toBe("act");
    expect(nextStartupStep(residue, at("recovery"), config()).kind).toBe("advance");
  });

  test("OFF checks nothing", () => {
    const off = config({ integrity: { startup: "OFF" } });
    expect(nextStartupStep(observation(), at("check"), off)).toEqual({ kind: "advance", to: "ended" });
    expect(nextStartupStep(observation(), at("check"), config()).kind).toBe("act");
  });

  test("a worker that dies in every check does not keep the startup from ending", () => {
    const crash = failure({ reason: "crash", code: null });
    const after = (failureCount: number) =>
      at("check", { retry: { failureCount, notBeforeMs: 0, last: crash } });
    expect(nextStartupStep(observation(), after(2), config()).kind).toBe("act");
    expect(nextStartupStep(observation(), after(3), config())).toEqual({ kind: "advance", to: "ended" });
  });
});
