import { describe, expect, test } from "bun:test";
import type { WalLeft } from "../../../src/policy/checkpointHistory.ts";
import { queueDueWork } from "../../../src/policy/dueWork.ts";
import {
  isDueEarly,
  lookNeededAtMs,
  sampleEveryMs,
  sampleOf,
  sampleWithinMs,
  type WalSample,
} from "../../../src/policy/earlyCheckpoint.ts";
import { glanceAboveCount } from "../../../src/policy/glance.ts";
import type { DatabaseState } from "../../../src/policy/state.ts";
import {
  checkpointStatus,
  config,
  endedState,
  frameBytes,
  holder,
  locks,
  nowMs,
  observation,
  withWal,
} from "../../support/builders.ts";

// The early size is 1,000 frames.
const settings = config({ checkpoint: { sizeTargetBytes: 8_000 * frameBytes } });
const connected = { locks: locks({ connected: [holder(42)] }) };

function stateAfter(left: WalLeft | null, endedAtMs = nowMs - 60_000, durationMs = 50): DatabaseState {
  const ended = endedState({ nextCheckpointAtMs: nowMs + 30_000 });
  const last = checkpointStatus({ endedAtMs, durationMs, outcome: left === null ? "reset" : "incomplete" });
  return { ...ended, checkpoint: { ...ended.checkpoint, last, left } };
}

const seen = (mxFrame: number) => observation({ ...withWal(mxFrame, 0), ...connected });
const due = (state: DatabaseState, mxFrame: number) => isDueEarly(state, seen(mxFrame), settings, nowMs);
const leftOf = (change: Partial<WalLeft> = {}): WalLeft => {
  return { walIdentity: "5 6", mxFrame: 1_000, roundCount: 1, by: "other", ...change };
};

describe("a WAL is checkpointed ahead of the schedule", () => {
  test("when it has come to an eighth of its target, and not before", () => {
    expect(due(stateAfter(null), 999)).toBe(false);
    expect(due(stateAfter(null), 1_000)).toBe(true);
    const queued = queueDueWork(stateAfter(null), seen(1_000), settings, nowMs, () => nowMs + 60_000);
    expect(queued.pendingCheckpoint).toBe("periodic");
    expect(queued.nextCheckpointAtMs).toBe(nowMs + 30_000);
  });

  test("not where there is no schedule, nor where checkpoints are another program's", () => {
    expect(due({ ...stateAfter(null), nextCheckpointAtMs: null }, 9_000)).toBe(false);
  });

  test("also when the clock was set back since the last round", () => {
    expect(due(stateAfter(null, nowMs + 3_600_000), 1_000)).toBe(true);
    expect(due(stateAfter(leftOf(), nowMs + 3_600_000), 2_000)).toBe(true);
  });

  test("after a round that took long only when as much time has passed, or it nears its target", () => {
    const slow = stateAfter(null, nowMs - 100, 500);
    expect(due(slow, 2_000)).toBe(false);
    expect(due(slow, 5_000)).toBe(true);
  });

  test("after a round in vain only when it has grown by as much again, and later with each more", () => {
    expect(due(stateAfter(leftOf(), nowMs - 1_000), 1_999)).toBe(false);
    expect(due(stateAfter(leftOf(), nowMs - 1_000), 2_000)).toBe(true);
    expect(due(stateAfter(leftOf({ roundCount: 5 }), nowMs - 1_000), 2_000)).toBe(false);
    expect(due(stateAfter(leftOf({ roundCount: 5 }), nowMs - 4_000), 2_000)).toBe(true);
    expect(due(stateAfter(leftOf({ roundCount: 99 }), nowMs - 10_000), 2_000)).toBe(true);
  });

  test("soon again where readers of a moment are waited for, from half of the target on, and not beside a pin", () => {
    const left = leftOf({ roundCount: 5, mxFrame: 2_500 });
    expect(due(stateAfter(left, nowMs - 300), 3_999)).toBe(false);
    expect(due(stateAfter(left, nowMs - 300), 4_000)).toBe(true);
    expect(due(stateAfter(left, nowMs - 100), 4_000)).toBe(false);
    const mark = { mark: 1, frame: 5, walIdentity: "5 6", holders: [], isProof: true, missed: false };
    const state = stateAfter(left, nowMs - 300);
    const held = { ...state.walWatch, heldMarks: [{ ...mark, sinceMs: nowMs - 9_000 }] };
    expect(due({ ...state, walWatch: held }, 4_000)).toBe(false);
  });

  test("as soon as the reader has gone that was in the way, however small it is", () => {
    const pinned = stateAfter(leftOf({ by: "reader", mxFrame: 100 }), nowMs - 250);
    expect(due(pinned, 100)).toBe(true);
    const mark = { mark: 1, frame: 5, walIdentity: "5 6", holders: [], isProof: true, missed: false };
    const held = (sinceMs: number): DatabaseState => {
      return { ...pinned, walWatch: { ...pinned.walWatch, heldMarks: [{ ...mark, sinceMs }] } };
    };
    expect(due(held(nowMs - 9_000), 100)).toBe(false);
    // Another reader, who came after that round.
    expect(due(held(nowMs - 10), 100)).toBe(true);
    // Readers who come and go for ever are no reason for rounds without end.
    expect(due(stateAfter(leftOf({ by: "reader", roundCount: 5 }), nowMs - 250), 100)).toBe(false);
  });
});

describe("samples between two looks", () => {
  const sample = (mxFrame: number, bytesPerMs: number): WalSample => {
    return { walIdentity: "5 6", mxFrame, nBackfill: mxFrame, frameBytes, atMs: nowMs, bytesPerMs };
  };

  test("say when a WAL that grows will have come to its early size", () => {
    const neededAtMs = (mxFrame: number, framesPerMs: number) =>
      lookNeededAtMs(stateAfter(null), sample(mxFrame, framesPerMs * frameBytes), settings, nowMs);
    expect(neededAtMs(940, 1)).toBe(nowMs + 60);
    expect(neededAtMs(940, 0)).toBe(Number.POSITIVE_INFINITY);
    expect(neededAtMs(999, 1)).toBe(nowMs + 10);
    expect(neededAtMs(1_000, 0)).toBe(nowMs);
  });

  test("take what is in a WAL that started over for the least that was written", () => {
    const before = sample(90, 0);
    const wal = { mxFrame: 30, nBackfill: 0, frameBytes };
    expect(sampleOf(before, { ...wal, walIdentity: "6 7" }, nowMs + 10).bytesPerMs).toBe(3 * frameBytes);
    expect(sampleOf(before, { ...wal, walIdentity: "5 6", mxFrame: 100 }, nowMs + 10).bytesPerMs).toBe(
      frameBytes,
    );
  });

  test("keep what is due from waiting for the heartbeat, where something waits", () => {
    const state = stateAfter(null);
    const waiting = { ...sample(20, 0), nBackfill: 0 };
    expect(lookNeededAtMs(state, waiting, settings, nowMs)).toBe(nowMs + 30_000);
    expect(lookNeededAtMs(state, sample(20, 0), settings, nowMs)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("of very many databases", () => {
  const walIdentity = "5 6";
  const growing = (framesPerSecond: number) => {
    const first = sampleOf(null, { walIdentity, mxFrame: 10, nBackfill: 0, frameBytes }, nowMs);
    const mxFrame = 10 + framesPerSecond;
    return sampleOf(first, { walIdentity, mxFrame, nBackfill: 0, frameBytes }, nowMs + 1_000);
  };
  const fleet = glanceAboveCount + 1;

  test("only those are sampled between two heartbeats whose WAL would come to its early size within seconds", () => {
    expect(sampleWithinMs(growing(125), settings, fleet)).toBe(sampleEveryMs);
    expect(sampleWithinMs(growing(124), settings, fleet)).toBe(1_000);
    expect(sampleWithinMs(null, settings, fleet)).toBe(1_000);
  });

  test("and of a few all", () => {
    expect(sampleWithinMs(growing(0), settings, glanceAboveCount)).toBe(sampleEveryMs);
    expect(sampleWithinMs(null, settings, 1)).toBe(sampleEveryMs);
  });
});
