import { describe, expect, test } from "bun:test";
import { beginRun } from "../../../src/policy/checkpointRun.ts";
import { decide, decideCheck, whyNotCheck, whyNotCheckpoint } from "../../../src/policy/decide.ts";
import type { GuardFinding } from "../../../src/policy/guardFinding.ts";
import { noteObservation } from "../../../src/policy/noteObservation.ts";
import type { PendingCheck } from "../../../src/policy/state.ts";
import {
  absent,
  config,
  endedState,
  freshState,
  holder,
  integrityStatus,
  locks,
  nowMs,
  observation,
  regularFile,
  rollbackHeader,
  withWal,
} from "../../support/builders.ts";

const exclusive: GuardFinding = { guard: "exclusive_lock", verdict: "wait", reason: "locked by app" };
const connected = { locks: locks({ connected: [holder(42)] }) };
const walSeen = observation({ ...withWal(10, 0), ...connected });
const corrupt = integrityStatus({ verdict: "structural" });
const check: PendingCheck = { check: "quick_check", trigger: "demand" };
const skipped = { kind: "checkpointStep", step: { kind: "done", outcome: "skipped", caughtUp: false } };

describe("another file at the path", () => {
  test("begins the sequence anew, in every stage", () => {
    const other = observation({ database: regularFile({ identity: "1:99" }) });
    for (const stage of ["guards", "evidence", "profile", "recovery", "check", "ended"] as const) {
      const state = noteObservation(endedState({ stage }), other, { config: config(), duplicateOf: null });
      expect(decide(other, state, config(), nowMs)).toEqual({ kind: "startOver", because: "replaced" });
    }
  });

  test("none at all is told from one that cannot be read", () => {
    expect(decide(observation(absent), endedState(), config(), nowMs)).toEqual({
      kind: "startOver",
      because: "vanished",
    });
    const unreadable = observation({
      database: { kind: "unreadable", operation: "open", code: "EIO" },
      header: null,
    });
    const state = noteObservation(endedState(), unreadable, { config: config(), duplicateOf: null });
    expect(decide(unreadable, state, config(), nowMs).kind).toBe("rest");
  });
});

describe("a checkpoint under way ends with nothing claimed", () => {
  const run = beginRun("periodic", walSeen);

  test("when a guard comes up", () => {
    expect(decide(walSeen, endedState({ run, guards: [exclusive] }), config(), nowMs)).toMatchObject(skipped);
  });

  test("when a guard comes up during recovery, before the sequence goes back", () => {
    const state = endedState({ stage: "recovery", run, guards: [exclusive] });
    expect(decide(walSeen, state, config(), nowMs)).toMatchObject(skipped);
  });

  test("when a check finds structural damage", () => {
    expect(decide(walSeen, endedState({ run, quickCheck: corrupt }), config(), nowMs)).toMatchObject(skipped);
  });

  test("when the settings become mode observe", () => {
    expect(decide(walSeen, endedState({ run }), config({ mode: "observe" }), nowMs)).toMatchObject(skipped);
    const again = endedState({ run, stage: "guards" });
    expect(decide(walSeen, again, config({ mode: "observe" }), nowMs)).toMatchObject(skipped);
  });

  test("when the startup sequence has begun again: nothing writes before its evidence", () => {
    expect(decide(walSeen, endedState({ run, stage: "guards" }), config(), nowMs)).toMatchObject(skipped);
  });
});

describe("during startup", () => {
  test("a guard that comes up sends the sequence back, and so does mode observe", () => {
    const back = { kind: "advance", to: "guards" } as const;
    for (const stage of ["evidence", "profile", "recovery", "check"] as const) {
      const state = endedState({ stage });
      expect(decide(walSeen, { ...state, guards: [exclusive] }, config(), nowMs)).toEqual(back);
      expect(decide(walSeen, state, config({ mode: "observe" }), nowMs)).toEqual(back);
    }
  });

  test("a failed operation rests until its pause is over", () => {
    const waiting = { failureCount: 2, notBeforeMs: nowMs + 500, last: null };
    const state = endedState({ stage: "profile", retry: waiting });
    expect(decide(walSeen, state, config(), nowMs).kind).toBe("rest");
    expect(decide(walSeen, state, config(), nowMs + 500).kind).toBe("applyProfile");
  });

  test("a file that appears is not kept waiting by a creation that failed", () => {
    const retry = { failureCount: 5, notBeforeMs: nowMs + 30_000, last: null };
    const state = freshState({ stage: "missing", retry });
    expect(decide(observation(), state, config({ whenMissing: "create" }), nowMs)).toEqual({
      kind: "advance",
      to: "guards",
    });
  });

  test("nothing is asked of a database in mode observe, not even who has it open", () => {
    const state = freshState();
    expect(decide(observation(), state, config({ mode: "observe" }), nowMs)).toEqual({
      kind: "advance",
      to: "ended",
    });
  });
});

describe("after startup", () => {
  test("a checkpoint that is asked for begins even where it cannot go on, so that who asked hears of it", () => {
    const state = endedState({ pendingCheckpoint: "demand", guards: [exclusive] });
    expect(decide(walSeen, state, config(), nowMs)).toEqual({ kind: "beginCheckpoint", trigger: "demand" });
  });

  test("a journal mode that does not hold is set by permission only, and nothing is opened without it", () => {
    const rollback = observation({ header: rollbackHeader, locks: locks({ databaseLockers: [holder(42)] }) });
    expect(decide(rollback, endedState(), config(), nowMs).kind).toBe("rest");
    const alone = observation({ header: rollbackHeader });
    expect(decide(alone, endedState(), config(), nowMs)).toEqual({
      kind: "applyProfile",
      setJournalMode: true,
    });
  });

  test("a sequence that came to nothing is begun again, but not at once", () => {
    const state = endedState({ profile: null, stageSinceMs: nowMs - 1_000 });
    expect(decide(walSeen, state, config(), nowMs).kind).toBe("rest");
    expect(decide(walSeen, state, config(), nowMs + 10_000)).toEqual({ kind: "advance", to: "guards" });
  });
});

describe("an integrity check", () => {
  test("runs beside a connected application in WAL mode", () => {
    expect(decideCheck(walSeen, endedState({ pendingChecks: [check] }), config())).toBe(check);
  });

  test("waits for a fresh look at who has the file open", () => {
    const state = endedState({ pendingChecks: [check], openersAtMs: nowMs - 5_000 });
    expect(decideCheck(observation(), state, config())).toBeNull();
    expect(decide(observation(), state, config(), nowMs).kind).toBe("scanOpeners");
    expect(decideCheck(observation(), { ...state, openersAtMs: nowMs }, config())).toBe(check);
  });

  test("looks again at a corrupt file, and never at one that a guard holds back", () => {
    const state = endedState({ pendingChecks: [check], quickCheck: corrupt });
    expect(decideCheck(walSeen, state, config())).toBe(check);
    expect(decideCheck(walSeen, { ...state, guards: [exclusive] }, config())).toBeNull();
  });

  test("one at a time", () => {
    const state = endedState({ pendingChecks: [check], checkRunning: true });
    expect(decideCheck(walSeen, state, config())).toBeNull();
  });
});

describe("who asks for work that cannot be done hears why", () => {
  test("in every case with its own reason", () => {
    const cases = [
      [null, endedState(), config(), "not been looked at yet"],
      [observation(absent), endedState(), config(), "is not there"],
      [walSeen, endedState(), config({ mode: "observe" }), "never opened"],
      [walSeen, endedState({ guards: [exclusive] }), config(), "exclusive_lock: locked by app"],
      [walSeen, endedState({ stage: "check" }), config(), "startup sequence has not ended"],
      [walSeen, endedState({ identity: "1:9" }), config(), "just been replaced"],
      [walSeen, endedState({ quickCheck: corrupt }), config(), "structurally corrupt"],
      [walSeen, endedState({ profile: null }), config(), "begins again"],
    ] as const;
    for (const [looked, state, settings, reason] of cases) {
      expect(whyNotCheckpoint(looked, state, settings)).toContain(reason);
    }
    expect(whyNotCheckpoint(walSeen, endedState(), config())).toBe("");
  });

  test("a check in rollback mode would keep the application's writers out", () => {
    const rollback = observation({ header: rollbackHeader, locks: locks({ databaseLockers: [holder(42)] }) });
    expect(whyNotCheck(rollback, endedState(), config())).toContain("keep its writers out");
    expect(whyNotCheck(walSeen, endedState(), config())).toBe("");
  });
});
