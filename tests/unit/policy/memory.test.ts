/** What is remembered of a database from look to look: identity, stages, verdicts, residue. */
import { describe, expect, test } from "bun:test";
import { noteObservation, noteOpeners } from "../../../src/policy/noteObservation.ts";
import { describeResidue, residueOf } from "../../../src/policy/residue.ts";
import { clearedRetry, endStartup, enterStage, isStructurallyCorrupt } from "../../../src/policy/state.ts";
import {
  config,
  endedState,
  freshState,
  holder,
  integrityStatus,
  locks,
  nowMs,
  observation,
  opener,
  regularFile,
  withWal,
} from "../../support/builders.ts";

const context = { config: config(), duplicateOf: null };

describe("an observation is noted", () => {
  test("the sequence is about the file that was there when it began", () => {
    const first = noteObservation(freshState(), observation(), context);
    expect(first.identity).toBe("1:10");
    const other = observation({ database: regularFile({ identity: "1:99" }) });
    expect(noteObservation(first, other, context).identity).toBe("1:10");
    expect(noteObservation(freshState({ stage: "missing" }), other, context).identity).toBeNull();
  });

  test("a doubt counts from when it was first seen, and anew after it was gone", () => {
    const scrambled = observation({ header: { kind: "notADatabase" } });
    const doubted = noteObservation(endedState(), scrambled, context);
    const still = noteObservation(doubted, { ...scrambled, observedAtMs: nowMs + 200 }, context);
    expect(still.headerDoubtSinceMs).toBe(nowMs);
    expect(still.guards).toMatchObject([{ verdict: "wait" }]);
    const refused = noteObservation(still, { ...scrambled, observedAtMs: nowMs + 400 }, context);
    expect(refused.guards).toMatchObject([{ verdict: "refuse" }]);
    expect(noteObservation(refused, observation(), context)).toMatchObject({
      headerDoubtSinceMs: null,
      guards: [],
    });
  });

  test("a look at the openers carries its time", () => {
    const openers = { kind: "seen", openers: [], hiddenProcessCount: 0 } as const;
    expect(noteOpeners(freshState(), openers, nowMs)).toMatchObject({ openers, openersAtMs: nowMs });
  });
});

describe("a stage", () => {
  const failed = { failureCount: 3, notBeforeMs: nowMs, last: null };

  test("begins without the failures of the one before", () => {
    const entered = enterStage(endedState({ stage: "profile", retry: failed }), "recovery", nowMs);
    expect(entered).toMatchObject({ stage: "recovery", stageSinceMs: nowMs, retry: { failureCount: 0 } });
    const calm = endedState();
    expect(clearedRetry(calm)).toBe(calm);
  });

  test("a sequence begins from a missing or ended one, and goes on when a guard sends it back", () => {
    const startedAtMs = endedState().sequenceStartedAtMs;
    for (const stage of ["missing", "ended"] as const) {
      expect(enterStage(endedState({ stage }), "guards", nowMs).sequenceStartedAtMs).toBe(nowMs);
    }
    expect(enterStage(endedState({ stage: "profile" }), "guards", nowMs).sequenceStartedAtMs).toBe(
      startedAtMs,
    );
  });

  test("the first verdict's time stays", () => {
    const ended = endStartup(freshState(), nowMs);
    expect(endStartup(ended, nowMs + 9).startupEndedAtMs).toBe(nowMs);
  });
});

describe("structural damage", () => {
  const quick = integrityStatus({ verdict: "structural", endedAtMs: nowMs });
  const full = (verdict: "ok" | "unknown", endedAtMs: number) =>
    integrityStatus({ check: "integrity_check", verdict, endedAtMs });

  test("stands until a check that sees as much says otherwise", () => {
    const after = (integrityCheck: ReturnType<typeof full> | null) =>
      isStructurallyCorrupt(endedState({ quickCheck: quick, integrityCheck }));
    expect(after(null)).toBe(true);
    expect(after(full("ok", nowMs - 1))).toBe(true);
    expect(after(full("unknown", nowMs + 1))).toBe(true);
    expect(after(full("ok", nowMs + 1))).toBe(false);
  });
});

describe("residue", () => {
  const left = observation(withWal(10, 0));

  test("is frames that nobody is connected to, or a journal that nobody holds", () => {
    const residue = residueOf(left, null);
    expect(residue).toMatchObject({ walBytes: 32 + 10 * 4120, journalBytes: 0, shmLeft: true });
    expect(residue === null ? "" : describeResidue(residue)).toContain("a leftover -shm");
    const journal = observation({ journal: regularFile({ sizeBytes: 512 }) });
    expect(residueOf(journal, null)).toMatchObject({ journalBytes: 512 });
  });

  test("is nothing while somebody is there, and nothing where locks cannot be seen", () => {
    expect(residueOf(observation(), null)).toBeNull();
    const connected = observation({ ...withWal(10, 0), locks: locks({ connected: [holder(42)] }) });
    expect(residueOf(connected, null)).toBeNull();
    const openers = { kind: "seen", openers: [opener(42)], hiddenProcessCount: 0 } as const;
    expect(residueOf(left, openers)).toBeNull();
    expect(
      residueOf(observation({ ...withWal(10, 0), locks: { kind: "unobservable", reason: "-" } }), null),
    ).toBeNull();
  });
});
