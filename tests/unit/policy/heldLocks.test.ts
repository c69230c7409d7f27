/** A lock counts as held by whoever holds it, also where nobody can say who: nothing is opened, or called idle, beside it. */
import { describe, expect, test } from "bun:test";
import type { HiddenLocks } from "../../../src/domain/observation.ts";
import { isAlone, isIdle } from "../../../src/policy/lockPermission.ts";
import { noteObservation } from "../../../src/policy/noteObservation.ts";
import { residueOf } from "../../../src/policy/residue.ts";
import { walStateOf } from "../../../src/policy/walState.ts";
import {
  config,
  endedState,
  freshState,
  hiddenLocks,
  locks,
  nowMs,
  observation,
  withWal,
} from "../../support/builders.ts";

const context = { config: config(), duplicateOf: null };
const free = hiddenLocks({ connected: false, databaseLocked: false });

function beside(hidden: HiddenLocks | null) {
  const connectedWithOwnCount = hidden?.connected ? 1 : 0;
  return observation({
    ...withWal(10, 0),
    locks: locks({ viewIsComplete: false, hidden, connectedWithOwnCount }),
  });
}

describe("beside a process in another PID namespace", () => {
  test("a WAL is no residue while somebody is connected or locks the database, and is one otherwise", () => {
    expect(residueOf(beside(hiddenLocks()), null)).toBeNull();
    expect(residueOf(beside({ ...free, databaseLocked: true }), null)).toBeNull();
    expect(residueOf(beside(free), null)).not.toBeNull();
    expect(residueOf(beside(null), null)).not.toBeNull();
  });

  test("the WAL-index counts while somebody is connected, and the daemon is never alone", () => {
    expect(walStateOf(beside(hiddenLocks())).kind).toBe("known");
    expect(walStateOf(beside(free)).kind).toBe("unknown");
    for (const hidden of [hiddenLocks(), free, null]) expect(isAlone(beside(hidden))).toBe(false);
  });

  test("an application that holds the write lock is not idle", () => {
    const { activity } = noteObservation(endedState(), beside(free), context);
    const isIdleBeside = (hidden: HiddenLocks) =>
      isIdle(config(), activity, beside(hidden), nowMs + 3_600_000);
    expect(isIdleBeside(hiddenLocks())).toBe(true);
    expect(isIdleBeside(hiddenLocks({ writer: true }))).toBe(false);
  });

  test("a database that is locked exclusively is not opened, and nobody is named", () => {
    const { guards, exclusiveSinceMs } = noteObservation(
      freshState(),
      beside({ ...free, exclusive: true, databaseLocked: true }),
      context,
    );
    expect(exclusiveSinceMs).toBe(nowMs);
    const guard = guards.find((finding) => finding.guard === "exclusive_lock");
    expect(guard?.reason).toContain("a process in another PID namespace");
    expect(noteObservation(freshState(), beside(free), context).guards).toEqual([]);
  });
});
