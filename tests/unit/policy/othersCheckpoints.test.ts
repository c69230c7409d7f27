/** Where the application checkpoints for itself a round of the schedule is left to it, and says no more than is known. */
import { describe, expect, test } from "bun:test";
import type { Observation } from "../../../src/domain/observation.ts";
import { type CheckpointStep, nextCheckpointStep } from "../../../src/policy/checkpoint.ts";
import type { CheckpointHistory, WalAtEnd } from "../../../src/policy/checkpointHistory.ts";
import { beginRun, leavesOf, noteEnd } from "../../../src/policy/checkpointRun.ts";
import { shiftTimes } from "../../../src/policy/clockJump.ts";
import { queueDueWork } from "../../../src/policy/dueWork.ts";
import { othersKeepUp } from "../../../src/policy/othersCheckpoints.ts";
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
  sqliteProcess,
  walHeader,
  walIndex,
  withWal,
} from "../../support/builders.ts";

// Short is below 1,000 frames.
const settings = config({
  busyTimeoutDeclared: true,
  checkpoint: { sizeTargetBytes: 8_000 * frameBytes },
});
const app = holder(42);
const seenAtMs = nowMs - 1_000;

/** Started over so often since salt-1 was 5. */
function startedOver(count: number, mxFrame = 200, nBackfill = 0): Observation {
  const salt1 = (5 + count) >>> 0;
  return observation({
    ...withWal(mxFrame, nBackfill, 1_000),
    walHeader: walHeader({ salt1 }),
    walIndex: walIndex({ mxFrame, nBackfill, salt1 }),
    locks: locks({ connected: [app] }),
  });
}

function stateAfter(change: Partial<WalAtEnd> | null, status = checkpointStatus()): DatabaseState {
  const atEnd = change === null ? null : { seenAtMs, salt1: 5, isComplete: false, ...change };
  const fingerprint = { salts: null, mxFrame: null, walBytes: 0, walModifiedAtMs: 0, rollback: null };
  const ended = endedState({
    activity: { fingerprint, lastChangeAtMs: nowMs },
    sqliteProcesses: [sqliteProcess(42)],
  });
  return { ...ended, checkpoint: { ...ended.checkpoint, last: status, atEnd } };
}

function step(
  seen: Observation,
  state = stateAfter({}),
  trigger: "periodic" | "demand" = "periodic",
): CheckpointStep {
  return nextCheckpointStep(beginRun(trigger, seen), seen, state, settings, nowMs);
}

describe("a round of the schedule is left to the application", () => {
  test("where an incomplete WAL has started over since the last one, and claims no frame of now", () => {
    expect(step(startedOver(1))).toEqual({
      kind: "done",
      outcome: "skipped",
      reason: othersKeepUp,
      caughtUp: false,
      copiedUntilMs: seenAtMs,
    });
    expect(step(startedOver(0)).kind).toBe("passive");
  });

  test("where a complete one has done so twice: the first time may be our own doing", () => {
    const complete = stateAfter({ isComplete: true });
    expect(step(startedOver(1), complete).kind).toBe("passive");
    expect(step(startedOver(2), complete)).toMatchObject({ outcome: "skipped" });
  });

  test("also when salt-1 has gone past its end, and not beside a WAL that was made anew", () => {
    expect(step(startedOver(2), stateAfter({ salt1: 0xffffffff }))).toMatchObject({ outcome: "skipped" });
    expect(step(startedOver(-1)).kind).toBe("passive");
    expect(step(startedOver(0x12345678)).kind).toBe("passive");
  });

  test("not while its WAL is long, its file was held up, nobody writes, or the last round failed", () => {
    expect(step(startedOver(1, 1_000)).kind).toBe("passive");
    const wal = withWal(200, 0, 9_000).wal;
    expect(step({ ...startedOver(1), ...(wal === undefined ? {} : { wal }) }).kind).toBe("passive");
    expect(step({ ...startedOver(1), locks: locks() }).kind).toBe("passive");
    const idle = stateAfter({});
    const activity = idle.activity === null ? null : { ...idle.activity, lastChangeAtMs: nowMs - 60_000 };
    expect(step(startedOver(1), { ...idle, activity }).kind).toBe("passive");
    const failed = stateAfter({}, checkpointStatus({ outcome: "failed", caughtUp: false }));
    expect(step(startedOver(1), failed).kind).toBe("passive");
  });

  test("never one that was asked for, nor where nothing is known of the WAL before", () => {
    expect(step(startedOver(1), stateAfter({}), "demand").kind).toBe("passive");
    expect(step(startedOver(1), stateAfter(null)).kind).toBe("passive");
  });

  test("a WAL with nothing to copy is complete, as ever", () => {
    expect(step(startedOver(1, 200, 200))).toMatchObject({ outcome: "complete", caughtUp: true });
  });
});

describe("what is remembered of such a round", () => {
  const end = step(startedOver(1));
  if (end.kind !== "done") throw new Error("the round goes on");
  const historyAfter = (state: DatabaseState, seen: Observation): CheckpointHistory => {
    const { outcome, reason } = end;
    const status = checkpointStatus({ outcome, reason, caughtUp: false, endedAtMs: nowMs });
    return noteEnd(state.checkpoint, status, leavesOf(state.checkpoint, end, seen, []));
  };

  test("the last success is when all was seen that has been copied since, not now", () => {
    const history = historyAfter(stateAfter({}), startedOver(1));
    expect(history.lastSuccessAtMs).toBe(seenAtMs);
    expect(history.left).toBeNull();
    expect(history.atEnd).toMatchObject({ salt1: 6, isComplete: false });
  });

  test("is said once: the next ones are counted, each success a round behind, until the application stops", () => {
    const first = stateAfter({});
    let state: DatabaseState = { ...first, checkpoint: historyAfter(first, startedOver(1)) };
    const due = (seen: Observation, atMs: number): DatabaseState => {
      const looked = { ...seen, observedAtMs: atMs };
      const fresh = state.activity === null ? null : { ...state.activity, lastChangeAtMs: atMs };
      const dueNow = { ...state, activity: fresh, nextCheckpointAtMs: atMs };
      return queueDueWork(dueNow, looked, settings, atMs, () => atMs + 1_000);
    };
    state = due(startedOver(9), nowMs + 1_000);
    expect(state.pendingCheckpoint).toBeNull();
    expect(state.nextCheckpointAtMs).toBe(nowMs + 2_000);
    expect(state.checkpoint.lastSuccessAtMs).toBe(nowMs);
    state = due(startedOver(17), nowMs + 2_000);
    expect(state.pendingCheckpoint).toBeNull();
    expect(state.checkpoint.lastSuccessAtMs).toBe(nowMs + 1_000);
    expect(state.checkpoint.last?.endedAtMs).toBe(nowMs + 2_000);
    // It may have begun to leave checkpoints to us: it is trusted for ten seconds, with the last success as it was.
    state = due(startedOver(17), nowMs + 11_900);
    expect(state.pendingCheckpoint).toBeNull();
    expect(state.checkpoint.lastSuccessAtMs).toBe(nowMs + 1_000);
    state = due(startedOver(17), nowMs + 12_000);
    expect(state.pendingCheckpoint).toBe("periodic");
  });

  test("between two of its own checkpoints the application is trusted, and measured by the WAL of the last one", () => {
    const first = stateAfter({});
    const history = historyAfter(first, startedOver(1));
    const later = { ...first, checkpoint: history };
    const end = step({ ...startedOver(1), observedAtMs: nowMs + 900 }, later);
    expect(end).toMatchObject({ outcome: "skipped", copiedUntilMs: seenAtMs });
    if (end.kind !== "done") throw new Error("the round goes on");
    const leaves = leavesOf(history, end, startedOver(1), []);
    expect(leaves.atEnd).toEqual(history.atEnd);
    const trusted = noteEnd(history, checkpointStatus({ outcome: "skipped", caughtUp: false }), leaves);
    expect(trusted.othersSeenAtMs).toBe(history.othersSeenAtMs);
  });

  test("with half a minute and more between two rounds each is ours: who checkpoints may have changed meanwhile", () => {
    const at = (ms: number) => step({ ...startedOver(1), observedAtMs: seenAtMs + ms }).kind;
    expect(at(30_000)).toBe("done");
    expect(at(30_001)).toBe("passive");
  });

  test("moves with a clock that is set", () => {
    const trusted = stateAfter({});
    const state = { ...trusted, checkpoint: { ...trusted.checkpoint, othersSeenAtMs: nowMs } };
    const { checkpoint } = shiftTimes(state, -3_600_000);
    expect(checkpoint.othersSeenAtMs).toBe(nowMs - 3_600_000);
    expect(checkpoint.atEnd?.seenAtMs).toBe(seenAtMs - 3_600_000);
  });

  test("an application that was never seen to checkpoint is not trusted, nor when the clock was set back", () => {
    const first = stateAfter({});
    expect(step(startedOver(0), first).kind).toBe("passive");
    const ahead = { ...first, checkpoint: { ...first.checkpoint, othersSeenAtMs: nowMs + 60_000 } };
    expect(step(startedOver(0), ahead).kind).toBe("passive");
  });
});
