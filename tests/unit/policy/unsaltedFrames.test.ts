/** Frames without salts: what stands of them, and that such a WAL is copied only where it can be reset. */
import { describe, expect, test } from "bun:test";
import type { UnsaltedFrame } from "../../../src/domain/unsaltedFrame.ts";
import { noteActivity } from "../../../src/policy/activity.ts";
import { nextCheckpointStep } from "../../../src/policy/checkpoint.ts";
import { beginRun } from "../../../src/policy/checkpointRun.ts";
import { queueDueWork } from "../../../src/policy/dueWork.ts";
import { quietUntilMs } from "../../../src/policy/quiet.ts";
import type { DatabaseState } from "../../../src/policy/state.ts";
import { describeUnsalted, walCheck } from "../../../src/policy/unsaltedFrames.ts";
import { notesOfLoss, noteUnsalted, standingUnsalted } from "../../../src/policy/unsaltedNote.ts";
import { isResetDue } from "../../../src/policy/unsaltedReset.ts";
import {
  checkpointStatus,
  config,
  endedState,
  holder,
  locks,
  nowMs,
  observation,
  sqliteProcess,
  walHeader,
  walIndex,
  withWal,
} from "../../support/builders.ts";

const frame: UnsaltedFrame = {
  walIdentity: "5 6",
  frame: 4,
  sinceMs: nowMs - 1_000,
  hasCommitBefore: true,
  isCopied: false,
};
const declared = config({ busyTimeoutDeclared: true });
const undeclared = config();
const connected = { locks: locks({ connected: [holder(42)] }) };
const reading = { locks: locks({ connected: [holder(42)], readers: [{ mark: 1, holder: holder(42) }] }) };
const beside = (change = {}) => observation({ ...withWal(10, 0), ...connected, ...change });

/** `restedMs`: since the application's last commit. */
function stateWith(unsaltedFrame: UnsaltedFrame | null, restedMs: number): DatabaseState {
  const state = endedState({ unsaltedFrame });
  const activity = noteActivity(null, beside());
  return { ...state, activity: { ...activity, lastChangeAtMs: nowMs - restedMs } };
}

const writing = 10;
const resting = 60_000;
const step = (state: DatabaseState, seen = beside(), settings = declared) =>
  nextCheckpointStep(beginRun("periodic", seen), seen, state, settings, nowMs);

describe("a frame without salts stands", () => {
  test("until its WAL starts over or is emptied", () => {
    expect(standingUnsalted(frame, beside())).toBe(frame);
    const next = { walHeader: walHeader({ salt1: 6 }), walIndex: walIndex({ salt1: 6 }) };
    expect(standingUnsalted(frame, beside(next))).toBeNull();
    expect(standingUnsalted(frame, beside({ wal: { kind: "absent" } }))).toBeNull();
  });

  test("where the WAL cannot be judged now, and says once it is copied", () => {
    expect(standingUnsalted(frame, observation(withWal(10, 0)))).toBe(frame);
    expect(standingUnsalted(frame, beside(withWal(10, 3)))).toMatchObject({ isCopied: false });
    expect(standingUnsalted(frame, beside(withWal(10, 4)))).toMatchObject({ isCopied: true });
  });

  test("after a RESTART, until a commit writes the header anew, where recovery would find an older commit", () => {
    const restarted = beside({ ...withWal(10, 0), walIndex: walIndex({ salt1: 6, mxFrame: 0 }) });
    expect(standingUnsalted(frame, restarted)).toMatchObject({ frame: 4, isCopied: true });
    expect(standingUnsalted({ ...frame, hasCommitBefore: false }, restarted)).toBeNull();
  });

  test("and degrades readiness with what to do, by what the daemon may", () => {
    const reason = (settings: typeof declared) => walCheck(stateWith(frame, writing), settings).reason;
    expect(walCheck(stateWith(null, writing), declared)).toMatchObject({ name: "wal", state: "ok" });
    expect(walCheck(stateWith(frame, writing), declared).state).toBe("degraded");
    expect(reason(declared)).toContain("the daemon truncates the WAL as soon as");
    expect(reason(config({ mode: "observe" }))).toContain("its mode is observe");
    expect(reason(config({ checkpoint: { schedule: { kind: "off" } } }))).toContain("schedule is off");
  });

  test("and its database is never quiet", () => {
    const seen = beside();
    expect(quietUntilMs(seen, stateWith(frame, resting), declared, nowMs, 30_000)).toBe(nowMs);
  });
});

describe("a recovery that ended before such a frame", () => {
  const notes = { unsaltedFrame: frame, unsaltedEpisode: null, unsaltedLoss: null };

  test("is told by fewer frames under the same salts, and degrades readiness from then on", () => {
    const after = noteUnsalted(notes, beside(withWal(3, 0)));
    expect(after).toEqual(notesOfLoss(frame, nowMs));
    const later = noteUnsalted(after, beside(withWal(10, 0)));
    expect(later).toEqual(after);
    const check = walCheck({ ...stateWith(null, writing), ...later }, declared);
    expect(check.state).toBe("degraded");
    expect(check.reason).toContain("recovery ended before frame 4: commits from there on are lost");
  });

  test("is said no surer than it is, where part was copied", () => {
    const reasonOf = (change: Partial<UnsaltedFrame>) =>
      walCheck({ ...stateWith(null, writing), ...notesOfLoss({ ...frame, ...change }, nowMs) }, declared)
        .reason;
    expect(reasonOf({ isCopied: true })).toContain("may be malformed");
    const alone = reasonOf({ isCopied: true, hasCommitBefore: false });
    expect(alone).toContain("commits that had not been copied may be lost");
    expect(alone).not.toContain("malformed");
    expect(describeUnsalted({ ...frame, isCopied: true })).toContain("may be malformed");
    expect(describeUnsalted(frame)).toContain("commits since may be lost");
  });

  test("is no good end: a reset is one", () => {
    const reset = { walHeader: walHeader({ salt1: 6 }), walIndex: walIndex({ salt1: 6 }) };
    expect(noteUnsalted(notes, beside(reset))).toEqual({
      unsaltedFrame: null,
      unsaltedEpisode: { endCount: 1, endedAtMs: nowMs },
      unsaltedLoss: null,
    });
  });
});

describe("a WAL with such a frame is copied", () => {
  test("and truncated where the application rests, however small it is", () => {
    expect(step(stateWith(frame, resting), beside(), undeclared).kind).toBe("truncate");
    expect(step(stateWith(null, resting), beside(), undeclared).kind).toBe("passive");
  });

  test("not while an application that does not wait for locks may come to rest, and later if it never does", () => {
    const waits = step(stateWith(frame, writing), beside(), undeclared);
    expect(waits).toMatchObject({ kind: "done", outcome: "skipped" });
    const old = { ...frame, sinceMs: nowMs - 20_000 };
    expect(step(stateWith(old, writing), beside(), undeclared).kind).toBe("passive");
  });

  test("not where a reader would keep it from being reset and cannot be outlasted", () => {
    const waits = step(stateWith(frame, resting), beside(reading), undeclared);
    expect(waits).toMatchObject({ kind: "done", outcome: "incomplete" });
    expect(step(stateWith(frame, writing), beside(reading)).kind).toBe("passive");
  });

  test("beside readers that follow one another all the same, when it was waited for them or the WAL is too large", () => {
    const old = { ...frame, sinceMs: nowMs - 20_000 };
    expect(step(stateWith(old, writing), beside(reading), undeclared).kind).toBe("passive");
    const large = { ...withWal(100_000, 0, 100_000 * 4_120 + 32), ...reading };
    expect(step(stateWith(frame, writing), beside(large), undeclared).kind).toBe("passive");
    // Nobody commits: it does not grow.
    expect(step(stateWith(old, resting), beside(reading), undeclared).kind).toBe("done");
  });

  test("beside a reader of the database alone, who is in nobody's way", () => {
    const readers = [{ mark: 0, holder: holder(42) }];
    const seen = beside({ locks: locks({ connected: [holder(42)], readers }) });
    expect(step(stateWith(frame, resting), seen, undeclared).kind).toBe("truncate");
  });

  test("at once where no commit lies before it: recovery changes nothing of what is copied", () => {
    const first = { ...frame, hasCommitBefore: false };
    expect(step(stateWith(first, resting), beside(reading), undeclared).kind).toBe("passive");
    expect(describeUnsalted({ ...first, isCopied: true })).not.toContain("malformed");
  });

  test("not on a file system where it must not be shortened, unless somebody goes on committing", () => {
    const seen = beside();
    if (seen.mount.kind !== "seen") throw new Error("the builder's mount is seen");
    const btrfs = { ...seen, mount: { ...seen.mount, fileSystemType: "btrfs" } };
    expect(step(stateWith(frame, resting), btrfs)).toMatchObject({ kind: "done", outcome: "skipped" });
    expect(step(stateWith(frame, writing), btrfs).kind).toBe("passive");
  });

  test("whatever else, where others have copied it already", () => {
    const copied = { ...frame, isCopied: true };
    const seen = beside({ ...withWal(10, 6), ...reading });
    expect(step(stateWith(copied, writing), seen, undeclared).kind).toBe("passive");
  });

  test("beside an SQLite with the WAL-reset bug under a mark of our own alone, beside readers too: it copies nothing before they leave it a gap", () => {
    const sqliteProcesses = [sqliteProcess(42, { affected: true, version: "3.40.1", connectionCount: 2 })];
    const state = { ...stateWith(frame, resting), sqliteProcesses };
    expect(step(state, beside(), undeclared).kind).toBe("guardedTruncate");
    expect(step({ ...state, unsaltedFrame: null }, beside(), undeclared).kind).toBe("done");
    expect(step(state, beside(reading), undeclared).kind).toBe("guardedTruncate");
  });
});

describe("such a WAL is reset", () => {
  const due = (state: DatabaseState, seen = beside(), settings = declared) =>
    isResetDue(state, seen, settings, nowMs);
  const after = (roundCount: number, agoMs: number): DatabaseState => {
    const state = stateWith(frame, writing);
    const last = checkpointStatus({ endedAtMs: nowMs - agoMs, outcome: "incomplete" });
    const left = { walIdentity: "5 6", mxFrame: 10, roundCount, by: "other" } as const;
    return { ...state, checkpoint: { ...state.checkpoint, last, left } };
  };

  test("ahead of the schedule, and only where there is one and a round would do something", () => {
    expect(due(stateWith(frame, writing))).toBe(true);
    expect(due(stateWith(null, writing))).toBe(false);
    expect(due({ ...stateWith(frame, writing), nextCheckpointAtMs: null })).toBe(false);
    expect(due(stateWith(frame, writing), beside(), undeclared)).toBe(false);
    const queued = queueDueWork(stateWith(frame, writing), beside(), declared, nowMs, () => nowMs + 60_000);
    expect(queued.pendingCheckpoint).toBe("periodic");
  });

  test("never in mode observe", () => {
    const observed = config({ mode: "observe", busyTimeoutDeclared: true });
    const queued = queueDueWork(stateWith(frame, writing), beside(), observed, nowMs, () => nowMs + 60_000);
    expect(queued.pendingCheckpoint).toBeNull();
  });

  test("again with growing pauses, and after some rounds in vain only when no reader is met", () => {
    expect(due(after(1, 100))).toBe(false);
    expect(due(after(1, 300))).toBe(true);
    expect(due(after(4, 1_000))).toBe(false);
    expect(due(after(4, 2_000))).toBe(true);
    expect(due(after(9, 11_000))).toBe(true);
    expect(due(after(3, 11_000), beside(reading))).toBe(false);
  });

  test("with growing pauses while each WAL that follows has such frames, until none came for a while", () => {
    const endedAt = (endCount: number, agoMs: number) => {
      const unsaltedEpisode = { endCount, endedAtMs: nowMs - agoMs };
      return { ...stateWith(frame, writing), unsaltedEpisode };
    };
    expect(due(endedAt(1, 100))).toBe(false);
    expect(due(endedAt(1, 300))).toBe(true);
    expect(due(endedAt(20, 9_000))).toBe(false);
    expect(due(endedAt(20, 11_000))).toBe(true);
    const after = (endCount: number, agoMs: number) =>
      noteUnsalted({ ...endedAt(endCount, agoMs), unsaltedFrame: null }, beside()).unsaltedEpisode;
    expect(after(1, 5_000)).not.toBeNull();
    expect(after(1, 6_000)).toBeNull();
    expect(after(20, 20_000)).not.toBeNull();
    expect(after(20, 26_000)).toBeNull();
    // An end adds to those before.
    const next = { walHeader: walHeader({ salt1: 6 }), walIndex: walIndex({ salt1: 6 }) };
    expect(noteUnsalted(endedAt(3, 500), beside(next)).unsaltedEpisode).toMatchObject({ endCount: 4 });
  });
});
