/** Verdicts against what was really lost, in thousands of histories that a seed makes up. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { LedgerEntry, RestartVerdict } from "../../../src/domain/ledger.ts";
import { restartVerdict } from "../../../src/policy/restartVerdict.ts";
import { type Draw, History, type Synchronous } from "./restartHistory.ts";

const seed = 20260115;
const runCount = 4_000;

const step = fc.constantFrom(
  ...([
    "commit",
    "commit",
    "commit",
    "commit",
    "sync",
    "checkpoint",
    "partial",
    "lastClose",
    "note",
  ] as const),
);
const ending = fc.constantFrom(...(["kill", "cut", "cut"] as const));
const after = fc.constantFrom(
  ...(["commit", "commit", "checkpoint", "partial", "lastClose", "sync"] as const),
);

interface Ended {
  readonly history: History;
  readonly noted: LedgerEntry;
  readonly seenCommitCount: number;
  readonly verdict: RestartVerdict;
}

type Step = "commit" | "sync" | "checkpoint" | "partial" | "lastClose" | "note";

function take(history: History, name: Exclude<Step, "note">): void {
  if (name === "commit") history.commit();
  else if (name === "sync") history.sync();
  else if (name === "lastClose") history.lastClose();
  else history.checkpoint(name === "checkpoint");
}

function play(
  synchronous: Synchronous,
  draw: Draw,
  before: readonly Step[],
  end: "kill" | "cut",
  then: readonly Exclude<Step, "note">[],
): Ended {
  const history = new History(synchronous, draw);
  history.commit();
  let noted = history.note();
  let seenCommitCount = history.commitCount;
  for (const name of before) {
    if (name !== "note") take(history, name);
    else {
      noted = history.note();
      seenCommitCount = history.commitCount;
    }
  }
  history[end]();
  for (const name of then) take(history, name);
  const verdict = restartVerdict(noted, history.compare(history.look(then.length > 0), noted), null);
  return { history, noted, seenCommitCount, verdict };
}

function drawFrom(start: number): Draw {
  let state = start >>> 0;
  return (bound) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return bound <= 1 ? 0 : Math.floor((state / 2 ** 32) * bound);
  };
}

const kinds = new Map<string, number>();

function checkAll(check: (ended: Ended) => void): void {
  const synchronous = fc.constantFrom<Synchronous>("OFF", "NORMAL", "FULL");
  fc.assert(
    fc.property(
      synchronous,
      fc.integer(),
      fc.array(step, { maxLength: 30 }),
      ending,
      fc.oneof(fc.constant([]), fc.array(after, { maxLength: 8 })),
      (level, start, before, end, then) => {
        const ended = play(level, drawFrom(start), before, end, then);
        kinds.set(ended.verdict.kind, (kinds.get(ended.verdict.kind) ?? 0) + 1);
        check(ended);
      },
    ),
    { seed, numRuns: runCount },
  );
}

test("an honest disk is never said to have lost what was proven", () => {
  checkAll(({ verdict }) => expect(verdict.kind).not.toBe("proven-lost"));
});

test("the bound of exposed commits is never more than what was lost", () => {
  checkAll(({ history, verdict }) => {
    if (verdict.kind !== "exposed-lost") return;
    const { lostFrom, commitsAtEnd, hasHiddenCheckpoint } = history;
    // The one case that the head of restartVerdict.ts names.
    if (hasHiddenCheckpoint) return;
    const lostCount = lostFrom === null ? 0 : commitsAtEnd - lostFrom + 1;
    expect(verdict.lostExposedCommitCountMin).toBeLessThanOrEqual(lostCount);
  });
});

test("intact: no commit that was seen is missing", () => {
  checkAll(({ history, seenCommitCount, verdict }) => {
    if (verdict.kind !== "intact" || history.lostFrom === null) return;
    expect(history.lostFrom).toBeGreaterThan(seenCommitCount);
  });
});

test("nothing is said to be replaced or changed that nobody has touched", () => {
  checkAll(({ verdict }) => {
    expect(["replaced", "rolled-back", "restored", "first-seen"]).not.toContain(verdict.kind);
  });
});

test("the histories lead to every verdict that they can", () => {
  checkAll(() => undefined);
  for (const kind of ["intact", "exposed-lost", "undecidable"])
    expect(kinds.get(kind) ?? 0).toBeGreaterThan(runCount / 20);
});
