/** A round that is skipped is one that would have rested and remembered nothing: in every world made up at random. */
import { describe, expect, test } from "bun:test";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import type { DatabaseConfig } from "../../../src/domain/databaseConfig.ts";
import type { Observation } from "../../../src/domain/observation.ts";
import { decide, decideCheck } from "../../../src/policy/decide.ts";
import { noteDueTime, queueDueWork } from "../../../src/policy/dueWork.ts";
import { noteObservation } from "../../../src/policy/noteObservation.ts";
import {
  changeBetween,
  noteCommits,
  notedApart,
  notedAtDueTimes,
  onlyDueTimesPassed,
  quietMaxMs,
  quietUntilMs,
  restsNow,
} from "../../../src/policy/quiet.ts";
import { readinessChecks } from "../../../src/policy/readiness.ts";
import { type DatabaseState, initialState } from "../../../src/policy/state.ts";
import {
  checkpointStatus,
  config,
  holder,
  locks,
  observation,
  regularFile,
  nowMs as startMs,
  walIndex,
  withWal,
} from "../../support/builders.ts";
import { carryOut, keep } from "./policyModel.ts";
import { configs, type Spell, spells } from "./worlds.ts";

interface Round {
  readonly observation: Observation;
  readonly state: DatabaseState;
  readonly config: DatabaseConfig;
  readonly nowMs: number;
}

/** One round without an act. */
function look({ state, config: settings }: Round, world: Observation, nowMs: number): Round {
  const seen = { ...world, observedAtMs: nowMs };
  const noted = noteObservation(state, seen, { config: settings, duplicateOf: null });
  const next = queueDueWork(noted, seen, settings, nowMs, () => nowMs + 60_000);
  return { observation: seen, state: next, config: settings, nowMs };
}

const roundsMax = 60;

/** Drives one world until it rests; null: it does not within its rounds. */
function settle(from: Round, { world, fates, queued }: Spell): Round | null {
  let round = from;
  if (queued === "checkpoint") round = { ...round, state: { ...round.state, pendingCheckpoint: "demand" } };
  let present = world;
  for (let count = 0; count < roundsMax; count += 1) {
    round = look(round, present, round.nowMs + 1);
    const fate = fates[count % fates.length];
    if (fate === undefined) return null;
    const turn = { ...round, fate };
    const pending = decideCheck(round.observation, round.state, round.config);
    if (pending !== null)
      round = { ...round, state: { ...keep(round.state, pending.check, turn), pendingChecks: [] } };
    const decision = decide(round.observation, round.state, round.config, round.nowMs);
    if (decision.kind === "rest") return round;
    if (decision.kind === "create" && fate.failure === null) present = observation();
    round = { ...round, state: carryOut(round.state, decision, turn) };
  }
  return null;
}

function differences(before: DatabaseState, now: DatabaseState): readonly string[] {
  const duePassed = onlyDueTimesPassed(before, now);
  return Object.keys(now).filter(
    (field) =>
      !notedApart.has(field) &&
      !(duePassed && notedAtDueTimes.has(field)) &&
      !isDeepStrictEqual(Reflect.get(before, field), Reflect.get(now, field)),
  );
}

/** The same generation of the WAL with more in it; the same observation where it has none. */
function withCommits(world: Observation): Observation {
  const { wal, walIndex: index } = world;
  if (wal.kind !== "regular" || index?.kind !== "index") return world;
  const sizeBytes = wal.sizeBytes + 41_200;
  const { mxFrame } = index.index;
  return {
    ...world,
    wal: { ...wal, sizeBytes, modifiedAtMs: wal.modifiedAtMs + 1_000 },
    walIndex: { kind: "index", index: { ...index.index, mxFrame: mxFrame + 10 } },
  };
}

/** Of a large fleet, where it lasts longest. */
const longMs = quietMaxMs(1_000);

const due = fc.option(fc.integer({ min: 1, max: 2 * longMs }), { nil: null });
/** Shares of a quiet time. Doubles made up at random are next to nothing, most of them. */
const passing = fc.array(
  fc.integer({ min: 0, max: 999 }).map((thousandth) => thousandth / 1_000),
  { minLength: 1, maxLength: 4 },
);

function afterNothingPending({ checkpoint }: DatabaseState): Pick<DatabaseState, "checkpoint"> {
  const last = checkpointStatus({ reason: "nothing pending" });
  return { checkpoint: { ...checkpoint, last } };
}

/** Calls `check` for each moment of a quiet time, in order; @returns how many there were. */
function everyQuietRound(
  worldLater: (world: Observation) => Observation,
  check: (first: Round, later: Round, passed: DatabaseState) => void,
): number {
  let quietCount = 0;
  fc.assert(
    fc.property(
      configs,
      spells,
      fc.tuple(due, due, due),
      passing,
      (settings, all, [checkpointIn, quickIn, fullIn], moments) => {
        let round: Round = {
          observation: observation(),
          state: initialState(startMs),
          config: settings,
          nowMs: startMs,
        };
        for (const spell of all) {
          const settled = settle({ ...round, nowMs: round.nowMs + spell.afterMs }, spell);
          if (settled === null) return;
          const { nowMs } = settled;
          const at = (inMs: number | null) => (inMs === null ? null : nowMs + inMs);
          const foundNothing = checkpointIn !== null && checkpointIn % 2 === 0;
          const state = {
            ...settled.state,
            ...(foundNothing ? afterNothingPending(settled.state) : {}),
            nextCheckpointAtMs: at(foundNothing ? checkpointIn % 5_000 : checkpointIn),
            nextQuickCheckAtMs: at(quickIn),
            nextIntegrityCheckAtMs: at(fullIn),
          };
          // As the daemon does it: a second round has to show that seeing the same changes nothing.
          const first = look({ ...settled, state }, settled.observation, nowMs + 1);
          round = first;
          if (
            differences(state, first.state).length > 0 ||
            !restsNow(first.observation, first.state, settings, first.nowMs)
          )
            continue;
          const untilMs = quietUntilMs(first.observation, first.state, settings, first.nowMs, longMs);
          const quietMs = untilMs - first.nowMs;
          if (quietMs <= 0) continue;
          expect(quietMs).toBeLessThanOrEqual(longMs);
          quietCount += 1;
          let passed = first.state;
          for (const moment of moments.toSorted((a, b) => a - b)) {
            const seen = worldLater(first.observation);
            const momentMs = first.nowMs + Math.floor(moment * quietMs);
            const atMoment = { ...seen, observedAtMs: momentMs };
            if (!restsNow(atMoment, passed, settings, momentMs)) break;
            const later = look({ ...first, state: passed }, seen, momentMs);
            const due = noteDueTime(passed, later.observation, settings, momentMs, () => momentMs + 60_000);
            if (due === null) break;
            expect(later.state.checkpoint).toEqual(due.checkpoint);
            expect(later.state.nextCheckpointAtMs).toBe(due.nextCheckpointAtMs);
            if (due !== passed) duePassedCount += 1;
            const noted = noteCommits(due, later.observation, settings);
            if (noted === null) break;
            passed = noted;
            check(first, later, passed);
          }
        }
      },
    ),
    { numRuns: 2_000, includeErrorInReport: true },
  );
  return quietCount;
}

/** Due times of checkpoints that passed while it was quiet. */
let duePassedCount = 0;

describe.each([
  ["the same is seen", (world: Observation) => world],
  ["commits are seen and nothing else", withCommits],
] as const)("while it is quiet and %s", (_, worldLater) => {
  test("a round rests, remembers nothing, and says nothing else", () => {
    const quietCount = everyQuietRound(worldLater, (first, later, passed) => {
      expect(restsNow(later.observation, later.state, later.config, later.nowMs)).toBe(true);
      expect(differences(first.state, later.state)).toEqual([]);
      expect(later.state.activity).toEqual(passed.activity);
      expect(readinessChecks(later.observation, later.state, later.config)).toEqual(
        readinessChecks(first.observation, first.state, first.config),
      );
    });
    // Worlds in which nothing is ever quiet would prove nothing, nor those in which no due time ever passes.
    expect(quietCount).toBeGreaterThan(50);
    expect(duePassedCount).toBeGreaterThan(10);
  }, 60_000);
});

describe("quiet", () => {
  const quiet: DatabaseState = {
    ...initialState(startMs - 60_000),
    stage: "ended",
    startupEndedAtMs: startMs - 50_000,
    profile: { journalModeBefore: "wal", journalModeChanged: false, pragmas: [] },
    identity: "1:10",
  };
  const quietMs = (change: Partial<DatabaseState>, seen: Partial<Observation> = {}) =>
    quietUntilMs(observation(seen), { ...quiet, ...change }, config(), startMs, quietMaxMs(1)) - startMs;

  test("lasts until the next thing is due, and never longer than its bound", () => {
    expect(quietMs({})).toBe(quietMaxMs(1));
    expect(quietMs({ nextQuickCheckAtMs: startMs + 700, nextCheckpointAtMs: startMs + 900 })).toBe(700);
    expect(quietMs({ nextCheckpointAtMs: startMs + 900 })).toBe(900);
  });

  test("goes on past the due time of a checkpoint that would find nothing to do, again", () => {
    const last = checkpointStatus({ reason: "nothing pending" });
    const checkpoint = { ...quiet.checkpoint, last };
    const due = { checkpoint, nextCheckpointAtMs: startMs + 900 };
    expect(quietMs(due)).toBe(quietMaxMs(1));
    expect(quietMs({ ...due, nextQuickCheckAtMs: startMs + 700 })).toBe(700);
    expect(quietMs(due, { ...withWal(10, 4), locks: locks({ connected: [holder(42)] }) })).toBe(900);
  });

  test("ends for ten databases a second, however many there are, and never before half a minute", () => {
    expect(quietMaxMs(1)).toBe(30_000);
    expect(quietMaxMs(300)).toBe(30_000);
    expect(quietMaxMs(1_000)).toBe(100_000);
  });

  test.each<[string, Partial<DatabaseState>, Partial<Observation>]>([
    ["work waits", { pendingCheckpoint: "demand" }, {}],
    ["a check runs", { checkRunning: true }, {}],
    ["a failure waits for its retry", { retry: { failureCount: 1, notBeforeMs: 0, last: null } }, {}],
    ["a guard has found something", { locklessSinceMs: startMs }, {}],
    ["the clock was set", { clockWasSet: true }, {}],
    ["somebody reads", {}, { locks: locks({ readers: [{ mark: 1, holder: holder(42) }] }) }],
    ["somebody writes", {}, { locks: locks({ writer: holder(42) }) }],
    ["locks cannot be seen", {}, { locks: { kind: "unobservable", reason: "hidden" } }],
    ["the startup sequence goes on", { stage: "check" }, {}],
  ])("is nobody while %s", (_, state, seen) => {
    expect(quietMs(state, seen)).toBeLessThanOrEqual(0);
  });
});

describe("what has changed", () => {
  const wal = { identity: "1:11", sizeBytes: 20 * 4_120 + 32 };
  const before = observation({
    ...withWal(10, 0, 20),
    wal: regularFile(wal),
    locks: locks({ connected: [holder(42)] }),
  });

  test("nothing, when only time has passed and another file has filled the disk", () => {
    expect(changeBetween(before, { ...before, observedAtMs: startMs + 1, freeBytes: 7 })).toBe("none");
  });

  test("commits, when the WAL and its index have grown", () => {
    expect(changeBetween(before, withCommits(before))).toBe("commits");
  });

  test.each<[string, Partial<Observation>]>([
    ["the database was written", { database: regularFile({ modifiedAtMs: startMs }) }],
    ["the WAL has started over", { walIndex: walIndex({ salt1: 6 }) }],
    ["the WAL is another file", { wal: regularFile({ ...wal, identity: "1:99" }) }],
    ["the WAL belongs to somebody else", { wal: regularFile({ ...wal, uid: 7 }) }],
    ["the WAL was emptied", { wal: regularFile({ ...wal, sizeBytes: 0 }) }],
    ["the WAL is gone", { wal: { kind: "absent" } }],
    ["somebody else is connected", { locks: locks({ connected: [holder(43)] }) }],
  ])("more, when %s", (_, change) => {
    expect(changeBetween(before, { ...before, ...change })).toBe("more");
  });
});
