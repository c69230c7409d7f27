import { describe, expect, test } from "bun:test";
import type { Observation } from "../../../src/domain/observation.ts";
import { needsOpeners, openersFreshMs } from "../../../src/policy/openersLook.ts";
import type { DatabaseState } from "../../../src/policy/state.ts";
import {
  config,
  endedState,
  failure,
  holder,
  locks,
  nowMs,
  observation,
  rollbackHeader,
  withWal,
} from "../../support/builders.ts";

const stale = { openersAtMs: nowMs - openersFreshMs };
const lockless = { guard: "open_without_locks", reason: "unix-none" } as const;

function needed(
  state: Partial<DatabaseState>,
  seen: Partial<Observation> = withWal(10, 0),
  mode = config().mode,
) {
  return needsOpeners(observation(seen), endedState({ ...stale, ...state }), config({ mode }), nowMs);
}

describe("who has the files open is looked for again", () => {
  test("before anything is opened, when the last look is old", () => {
    for (const state of [
      { stage: "profile" },
      { pendingCheckpoint: "periodic" },
      { pendingChecks: [{ check: "quick_check", trigger: "schedule" }] },
    ] as const) {
      expect(needed(state)).toBe(true);
      expect(needed({ ...state, openersAtMs: nowMs })).toBe(false);
      expect(needed({ ...state, openersAtMs: nowMs + 1 })).toBe(true);
    }
  });

  test("also when the last operation failed: a pause does not make an old look fresh", () => {
    const retry = { failureCount: 3, notBeforeMs: nowMs + 9_000, last: failure() };
    expect(needed({ pendingCheckpoint: "periodic", retry })).toBe(true);
  });

  test("not while a connected process shows that it locks", () => {
    const seen = { ...withWal(10, 0), locks: locks({ connected: [holder(42)] }) };
    expect(needed({ pendingCheckpoint: "periodic" }, seen)).toBe(false);
  });

  test("soon while a process without locks is in doubt, rarely once it is refused", () => {
    const doubt = { guards: [{ ...lockless, verdict: "wait" }] } as const;
    const refused = { guards: [{ ...lockless, verdict: "refuse" }] } as const;
    expect(needed({ ...doubt, openersAtMs: nowMs - 100 })).toBe(true);
    expect(needed({ ...refused, openersAtMs: nowMs - 1_000 })).toBe(false);
    expect(needed({ ...refused, openersAtMs: nowMs - 5_000 })).toBe(true);
  });

  test("rarely for a check that has to wait for the application to go", () => {
    const openers = {
      kind: "seen",
      openers: [{ ...holder(42), files: ["database"], writable: true }],
      hiddenProcessCount: 0,
    } as const;
    const waiting = { openers, pendingChecks: [{ check: "quick_check", trigger: "schedule" }] } as const;
    const settled = { ...waiting, profileAtMs: nowMs };
    expect(needed(settled, { header: rollbackHeader })).toBe(false);
    expect(needed({ ...settled, openersAtMs: nowMs - 5_000 }, { header: rollbackHeader })).toBe(true);
  });

  test("never in mode observe, and not while there is nothing to do", () => {
    expect(needed({ openers: null, stage: "guards" }, {}, "observe")).toBe(false);
    expect(needed({})).toBe(false);
  });
});
