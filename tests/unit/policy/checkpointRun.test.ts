import { describe, expect, test } from "bun:test";
import {
  afterLocked,
  afterPassive,
  afterTruncate,
  beginRun,
  noteEnd,
} from "../../../src/policy/checkpointRun.ts";
import { checkpointStatus, endedState, observation } from "../../support/builders.ts";

const run = beginRun("periodic", observation());
const passive = { busy: false, logFrameCount: 9, checkpointedFrameCount: 9, durationMs: 2 };
const locked = {
  acquired: true,
  acquireMs: 1,
  heldMs: 3,
  complete: true,
  reset: false,
  completeMs: 2,
  drainMs: 1,
  logFrameCount: 12,
  checkpointedFrameCount: 12,
  durationMs: 5,
};

describe("a step of a run", () => {
  test("PASSIVE with busy = 0 is incomplete when frames are left", () => {
    expect(afterPassive(run, passive).snapshotComplete).toBe(true);
    expect(afterPassive(run, { ...passive, checkpointedFrameCount: 3 }).snapshotComplete).toBe(false);
    expect(afterPassive(run, { ...passive, busy: true }).snapshotComplete).toBe(false);
  });

  test("without the lock nothing is said about the outcome under it", () => {
    expect(afterLocked(run, { ...locked, acquired: false }).lockedOutcome).toBeNull();
    expect(afterLocked(run, locked).lockedOutcome).toBe("complete");
    expect(afterLocked(run, { ...locked, reset: true }).lockedOutcome).toBe("reset");
  });

  test("what was copied under the lock counts as copied, and holds add up", () => {
    const twice = afterTruncate(afterLocked(afterPassive(run, passive), locked), {
      busy: false,
      truncated: true,
      heldMs: 2,
      durationMs: 2,
    });
    expect(twice).toMatchObject({ copiedFrameCount: 12, heldMs: 5, longestHoldMs: 3, truncated: true });
  });
});

describe("the history", () => {
  const history = { ...endedState().checkpoint, consecutiveFailureCount: 2 };

  test("counts failures in a row, and a run that ended otherwise ends the row", () => {
    expect(noteEnd(history, checkpointStatus({ outcome: "failed" })).consecutiveFailureCount).toBe(3);
    expect(noteEnd(history, checkpointStatus({ outcome: "incomplete" }))).toMatchObject({
      consecutiveFailureCount: 0,
      consecutiveIncompleteCount: 1,
    });
  });

  test("a skipped run proves nothing: the row of failures stands", () => {
    expect(noteEnd(history, checkpointStatus({ outcome: "skipped" })).consecutiveFailureCount).toBe(2);
  });

  test("a success is what caught up with its beginning", () => {
    const status = checkpointStatus({ outcome: "incomplete", endedAtMs: 7 });
    expect(noteEnd(history, status).lastSuccessAtMs).toBe(7);
    expect(noteEnd(history, { ...status, caughtUp: false }).lastSuccessAtMs).toBeNull();
  });

  test("what others have copied counts from when it was all there, and takes no later success back", () => {
    const status = checkpointStatus({ outcome: "skipped", caughtUp: false });
    expect(noteEnd(history, status, { copiedUntilMs: 5 }).lastSuccessAtMs).toBe(5);
    const later = { ...history, lastSuccessAtMs: 9 };
    expect(noteEnd(later, status, { copiedUntilMs: 5 }).lastSuccessAtMs).toBe(9);
    expect(noteEnd(later, status).lastSuccessAtMs).toBe(9);
    // The clock was set back.
    const ahead = { ...history, lastSuccessAtMs: status.endedAtMs + 7 };
    expect(noteEnd(ahead, status, { copiedUntilMs: 5 }).lastSuccessAtMs).toBe(5);
    expect(noteEnd(history, status, { copiedUntilMs: status.endedAtMs + 7 }).lastSuccessAtMs).toBeNull();
  });

  test("what others have copied is no success of ours, after which what is exposed would be synced", () => {
    const status = checkpointStatus({ outcome: "skipped", caughtUp: false });
    expect(noteEnd(history, status, { copiedUntilMs: 5 }).ownSuccessAtMs).toBeNull();
    expect(noteEnd(history, { ...status, caughtUp: true, endedAtMs: 7 }).ownSuccessAtMs).toBe(7);
  });
});
