/** When a glance may stand for a look at a database's files, and what must be looked at all the same. */
import { describe, expect, test } from "bun:test";
import type { Observation } from "../../../src/domain/observation.ts";
import { looksApartMaxMs } from "../../../src/policy/exposureState.ts";
import {
  filesSeenEveryMs,
  glanceAboveCount,
  glanceUntilMs,
  sweepsPerLook,
} from "../../../src/policy/glance.ts";
import { quietMaxMs, quietUntilMs } from "../../../src/policy/quiet.ts";
import type { DatabaseState } from "../../../src/policy/state.ts";
import {
  config,
  endedState,
  hiddenLocks,
  holder,
  locks,
  nowMs,
  observation,
  regularFile,
  withWal,
} from "../../support/builders.ts";

type Exposure = NonNullable<DatabaseState["exposure"]>;

const intervalMs = 1_000;
const seen = observation({ ...withWal(10, 0), locks: locks({ connected: [holder(42)] }) });

const wal: NonNullable<Exposure["wal"]> = {
  walIdentity: walIdentityOf(seen),
  checkpointSequence: 0,
  frameBytes: 4_120,
  lifeSinceMs: nowMs,
  seenFrame: 10,
  followedFrame: null,
  seenCommitCount: 10,
  provenFrame: 10,
  backfilledFrame: 0,
  exposedCommitCount: 0,
  exposedSinceMs: null,
  undecided: false,
  inFlight: null,
  recentPages: [],
};
const exposure: Exposure = {
  unobservableReason: "",
  lookedAtMs: nowMs,
  wal,
  database: null,
  databaseUndecidedMs: null,
  databaseUnverifiedMs: null,
  suspectedAtMs: 0,
  reset: null,
  changes: null,
  databaseModifiedAtMs: null,
  suspectPids: [],
};
const guardFinding: DatabaseState["guards"][number] = {
  guard: "exclusive_lock",
  verdict: "wait",
  reason: "pid 42 holds it",
};
const doubt = {
  pageNumbers: [1],
  exposure: { sinceMs: nowMs, commitCount: 1, byteCount: 1, isOfSuspect: false },
  firstLookMs: nowMs,
};

function walIdentityOf({ walIndex }: Observation): string {
  if (walIndex?.kind !== "index") throw new Error("the builder gives an index");
  return `${walIndex.index.salt1} ${walIndex.index.salt2}`;
}

/** For how long glances do after this look. */
function glancesMs(change: Partial<DatabaseState>, look: Partial<Observation> = {}): number {
  const state = endedState({ exposure, ...change });
  const present = { ...seen, ...look };
  const quietMs = quietUntilMs(present, state, config(), nowMs, quietMaxMs(1_000));
  const times = { quietUntilMs: quietMs, filesSeenAtMs: present.observedAtMs, sweepIntervalMs: intervalMs };
  return glanceUntilMs(present, state, times) - present.observedAtMs;
}

describe("of a fleet", () => {
  test("each database has its turn at each sweep, up to a hundred of them", () => {
    expect(sweepsPerLook(1, intervalMs)).toBe(1);
    expect(sweepsPerLook(glanceAboveCount, intervalMs)).toBe(1);
  });

  test("all have had their turn within the promised time, whatever the interval", () => {
    for (const everyMs of [50, 100, 700, 1_000, 3_000, 4_000, 60_000]) {
      const sweepCount = sweepsPerLook(glanceAboveCount + 1, everyMs);
      expect(sweepCount).toBeGreaterThanOrEqual(1);
      if (sweepCount > 1) expect(sweepCount * everyMs).toBeLessThanOrEqual(filesSeenEveryMs);
    }
    expect(sweepsPerLook(1_000, intervalMs)).toBe(3);
  });

  test("two looks are never so far apart that what is exposed could no longer be told", () => {
    expect(filesSeenEveryMs).toBeLessThan(looksApartMaxMs);
  });
});

describe("a glance", () => {
  test("does for a quiet database until its files have their turn", () => {
    const untilMs = glancesMs({});
    expect(untilMs).toBeGreaterThan(filesSeenEveryMs - intervalMs);
    expect(untilMs).toBeLessThan(filesSeenEveryMs);
  });

  test("does for one without a WAL that nobody is connected to", () => {
    const noWal = { ...exposure, wal: null, databaseModifiedAtMs: regularFile().modifiedAtMs };
    expect(glancesMs({ exposure: noWal }, { ...observation(), locks: locks() })).toBeGreaterThan(0);
  });

  test("that saw commits does not put the turn of the files off", () => {
    const state = endedState({ exposure });
    const times = { quietUntilMs: nowMs + quietMaxMs(1_000), sweepIntervalMs: intervalMs };
    const filesSeenAtMs = seen.observedAtMs - 3 * intervalMs;
    expect(glanceUntilMs(seen, state, { ...times, filesSeenAtMs })).toBe(
      glanceUntilMs(seen, state, { ...times, filesSeenAtMs: seen.observedAtMs }) - 3 * intervalMs,
    );
  });

  test("does no longer than nothing is due", () => {
    expect(glancesMs({ nextCheckpointAtMs: nowMs + 700 })).toBe(700);
    const times = {
      quietUntilMs: nowMs + quietMaxMs(1_000),
      filesSeenAtMs: seen.observedAtMs,
      sweepIntervalMs: 60_000,
    };
    expect(glanceUntilMs(seen, endedState({ exposure }), times)).toBeLessThan(nowMs);
  });

  test.each<[string, Partial<DatabaseState>, Partial<Observation>]>([
    ["not all locks are listed", {}, { locks: locks({ viewIsComplete: false }) }],
    ["some locks are hidden", {}, { locks: locks({ hidden: hiddenLocks() }) }],
    ["locks cannot be seen", {}, { locks: { kind: "unobservable", reason: "hidden" } }],
    ["somebody writes", {}, { locks: locks({ connected: [holder(42)], writer: holder(42) }) }],
    ["somebody reads", {}, { locks: locks({ readers: [{ mark: 1, holder: holder(42) }] }) }],
    ["the startup sequence has not ended", { stage: "check", startupEndedAtMs: null }, {}],
    ["a guard has found something", { guards: [guardFinding] }, {}],
    ["somebody may write without locks", { locklessSinceMs: nowMs }, {}],
    ["a checkpoint waits", { pendingCheckpoint: "demand" }, {}],
    ["a check runs", { checkRunning: true }, {}],
    ["it is in rollback mode", {}, { header: null }],
    ["it is gone", {}, { database: { kind: "absent" }, header: null, walIndex: null }],
    ["it was never asked what is exposed", { exposure: null }, {}],
    ["there are frames that were not asked about", { exposure: { ...exposure, wal: null } }, {}],
    ["new frames have come", {}, withWal(11, 0)],
    ["there are frames and nobody is connected", {}, { locks: locks() }],
    ["frames are still followed", { exposure: { ...exposure, wal: { ...wal, followedFrame: 4 } } }, {}],
    ["commits are exposed", { exposure: { ...exposure, wal: { ...wal, exposedSinceMs: nowMs } } }, {}],
    ["commits are undecided", { exposure: { ...exposure, wal: { ...wal, undecided: true } } }, {}],
    [
      "a commit may be in flight",
      {
        exposure: {
          ...exposure,
          wal: { ...wal, inFlight: { frame: 10, sinceMs: nowMs, firstLookMs: nowMs, isAmbiguous: false } },
        },
      },
      {},
    ],
    [
      "what a checkpoint moved is exposed",
      {
        exposure: {
          ...exposure,
          database: { sinceMs: nowMs, commitCount: 1, byteCount: 1, isOfSuspect: false },
        },
      },
      {},
    ],
    ["the database is undecided", { exposure: { ...exposure, databaseUndecidedMs: 1 } }, {}],
    ["a reset is in doubt", { exposure: { ...exposure, reset: doubt } }, {}],
  ])("does never while %s", (_, state, look) => {
    expect(glancesMs(state, look)).toBeLessThanOrEqual(0);
  });
});
