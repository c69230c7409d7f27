import { expect, test } from "bun:test";
import type { Observation } from "../../../src/domain/observation.ts";
import { decide } from "../../../src/policy/decide.ts";
import { noteObservation } from "../../../src/policy/noteObservation.ts";
import {
  config,
  databaseHeader,
  endedState,
  nowMs,
  observation,
  regularFile,
  withWal,
} from "../../support/builders.ts";

const context = { config: config(), duplicateOf: null };
const counter = (changeCounter: number, inWalMode = true) => ({
  header: databaseHeader({ changeCounter, inWalMode }),
});

/** What is decided after looks that are so far apart that a doubt is over. */
function decidedAfter(...looks: readonly Partial<Observation>[]) {
  let state = endedState({ restartVerdict: verdict });
  let last = observation();
  for (const [index, look] of looks.entries()) {
    last = observation({ observedAtMs: nowMs + index * 300, ...look });
    state = noteObservation(state, last, context);
  }
  return decide(last, state, config(), last.observedAtMs);
}

const verdict = {
  kind: "intact",
  reason: "",
  lostExposedCommitCountMin: 0,
  lostProvenCommitCountMin: 0,
  judgedAtMs: nowMs,
} as const;
const startOver = { kind: "startOver", because: "rolledBack" } as const;

test("a counter that went back and stays so, with no WAL beside it, is another content: the sequence begins anew", () => {
  expect(decidedAfter(counter(9), counter(7))).not.toEqual(startOver);
  expect(decidedAfter(counter(9), counter(7), counter(7))).toEqual(startOver);
  expect(decidedAfter(counter(3), counter(0xfffffff0), counter(0xfffffff0))).toEqual(startOver);
});

test("a counter that goes on, also over its end, or is back at once, is the same database", () => {
  for (const looks of [
    [counter(9), counter(10), counter(10)],
    [counter(0xffffffff), counter(2), counter(2)],
    [counter(9), counter(7), counter(9)],
  ])
    expect(decidedAfter(...looks)).not.toEqual(startOver);
});

test("in rollback mode, beside a journal and beside a WAL with frames it says nothing", () => {
  const journal = { journal: regularFile({ identity: "1:13", sizeBytes: 512 }) };
  for (const beside of [journal, withWal(10, 0)])
    expect(decidedAfter(counter(9), { ...counter(7), ...beside }, { ...counter(7), ...beside })).not.toEqual(
      startOver,
    );
  expect(decidedAfter(counter(9, false), counter(7, false), counter(7, false))).not.toEqual(startOver);
});

test("another file has a counter of its own", () => {
  const other = { ...counter(2), database: regularFile({ identity: "1:99" }) };
  expect(decidedAfter(counter(9), other, other)).toEqual({ kind: "startOver", because: "replaced" });
});
