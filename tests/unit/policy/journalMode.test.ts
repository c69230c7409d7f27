import { describe, expect, test } from "bun:test";
import type { Observation } from "../../../src/domain/observation.ts";
import { decideJournalMode, journalModeHolds, wantsJournalMode } from "../../../src/policy/journalMode.ts";
import { effectiveMode, journalModeFlipsMax } from "../../../src/policy/mode.ts";
import { mayOpen } from "../../../src/policy/rollbackMode.ts";
import { mayCheck } from "../../../src/policy/sharing.ts";
import type { DatabaseState } from "../../../src/policy/state.ts";
import {
  type ConfigChange,
  config,
  endedState,
  holder,
  integrityStatus,
  locks,
  nowMs,
  observation,
  opener,
  regularFile,
  rollbackHeader,
} from "../../support/builders.ts";

const rollback = { header: rollbackHeader };
const openers = { kind: "seen", openers: [opener(42)], hiddenProcessCount: 0 } as const;

function verdict(
  seen: Partial<Observation> = rollback,
  state: Partial<DatabaseState> = {},
  change: ConfigChange = {},
) {
  return decideJournalMode(observation(seen), endedState(state), config(change));
}

describe("the journal mode", () => {
  test("holds when the file says WAL or not as configured; the other modes are not in the file", () => {
    expect(journalModeHolds(observation(), config())).toBe(true);
    expect(journalModeHolds(observation(rollback), config())).toBe(false);
    expect(journalModeHolds(observation(rollback), config({ profile: { journalMode: "TRUNCATE" } }))).toBe(
      true,
    );
  });

  test("is set while nobody else has the database open", () => {
    expect(verdict()).toEqual({ set: true, reason: "" });
    expect(verdict(rollback, { openers: null }).set).toBe(false);
    expect(verdict({ ...rollback, locks: locks({ databaseLockers: [holder(42)] }) }).set).toBe(false);
  });

  test("is not set beside an application that may not wait, and says who has it open", () => {
    expect(verdict(rollback, { openers })).toEqual({
      set: false,
      reason: expect.stringContaining("42 (app)"),
    });
    expect(verdict(rollback, { openers }, { busyTimeoutDeclared: true }).set).toBe(true);
    const impatient = { busyTimeoutDeclared: true, profile: { busyTimeoutMs: 20 } };
    expect(verdict(rollback, { openers }, impatient).set).toBe(false);
  });

  test("is not set between two writes of an application that opens it for each", () => {
    const written = { ...rollback, database: regularFile({ modifiedAtMs: nowMs - 100 }) };
    expect(verdict(written)).toEqual({ set: false, reason: expect.stringContaining("rests") });
  });

  test("is not set on an empty file that somebody has open: its application may be creating it", () => {
    const seen = { header: { kind: "empty" } } as const;
    expect(verdict(seen, { openers }, { busyTimeoutDeclared: true }).set).toBe(false);
    expect(verdict(seen).set).toBe(true);
  });

  test("is left alone in mode checkpoint", () => {
    expect(verdict(rollback, {}, { mode: "checkpoint" })).toEqual({
      set: false,
      reason: "mode is checkpoint",
    });
  });

  test("is tried again after a while, also when the clock was set back", () => {
    const at = (profileAtMs: number) =>
      wantsJournalMode(observation(rollback), endedState({ profileAtMs }), config(), nowMs);
    expect(at(nowMs - 1_000)).toBe(false);
    expect(at(nowMs - 10_000)).toBe(true);
    expect(at(nowMs + 1)).toBe(true);
  });
});

describe("a database in rollback mode", () => {
  test("is opened only when nobody else has it open or its application waits", () => {
    const seen = observation(rollback);
    expect(mayOpen(seen, endedState(), config())).toBe(true);
    expect(mayOpen(seen, endedState({ openers }), config())).toBe(false);
    expect(mayOpen(seen, endedState({ openers }), config({ busyTimeoutDeclared: true }))).toBe(true);
    expect(mayOpen(observation(), endedState({ openers }), config())).toBe(true);
  });

  test("is not checked while somebody has it open: a check would keep every writer out", () => {
    expect(mayCheck(observation(rollback), endedState({ openers }))).toBe(false);
    expect(mayCheck(observation(rollback), endedState())).toBe(true);
    expect(mayCheck(observation(), endedState({ openers }))).toBe(true);
  });
});

describe("the mode", () => {
  test("is as configured while nothing stands against it", () => {
    expect(effectiveMode(config(), endedState())).toEqual({ mode: "enforce", reason: "" });
  });

  test("is observe under a guard and over a corrupt file, and says why", () => {
    const guards = [{ guard: "owner", verdict: "wait", reason: "of user 7" }] as const;
    expect(effectiveMode(config(), endedState({ guards }))).toEqual({
      mode: "observe",
      reason: "owner: of user 7",
    });
    const quickCheck = integrityStatus({ verdict: "structural" });
    expect(effectiveMode(config(), endedState({ quickCheck })).mode).toBe("observe");
  });

  test("is checkpoint once the application has shown which journal mode it wants", () => {
    const flips = (journalModeFlipCount: number) =>
      effectiveMode(config(), endedState({ journalModeFlipCount })).mode;
    expect(flips(journalModeFlipsMax - 1)).toBe("enforce");
    expect(flips(journalModeFlipsMax)).toBe("checkpoint");
  });

  test("is never raised", () => {
    const state = endedState({ journalModeFlipCount: journalModeFlipsMax });
    expect(effectiveMode(config({ mode: "observe" }), state)).toEqual({ mode: "observe", reason: "" });
  });
});
