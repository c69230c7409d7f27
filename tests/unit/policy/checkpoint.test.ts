import { describe, expect, test } from "bun:test";
import type { Observation } from "../../../src/domain/observation.ts";
import { type CheckpointStep, nextCheckpointStep } from "../../../src/policy/checkpoint.ts";
import { nothingLearned } from "../../../src/policy/checkpointLearning.ts";
import { beginRun } from "../../../src/policy/checkpointRun.ts";
import type { CheckpointRun, DatabaseState } from "../../../src/policy/state.ts";
import {
  type ConfigChange,
  config,
  endedState,
  frameBytes,
  holder,
  locks,
  nowMs,
  observation,
  rollbackHeader,
  withWal,
} from "../../support/builders.ts";

const app = holder(42);
const connected: Partial<Observation> = { locks: locks({ connected: [app] }) };
const declared: ConfigChange = { busyTimeoutDeclared: true };

function writtenAt(lastChangeAtMs: number): Partial<DatabaseState> {
  const fingerprint = { salts: null, mxFrame: null, walBytes: 0, walModifiedAtMs: 0, rollback: null };
  return { activity: { fingerprint, lastChangeAtMs } };
}
/** Short is below 1 MiB, 255 frames. */
const longTarget: ConfigChange = { checkpoint: { sizeTargetBytes: 2_000 * frameBytes } };
const passed: Partial<CheckpointRun> = { step: "passive", passiveCount: 1, snapshotComplete: true };

interface Case {
  readonly run?: Partial<CheckpointRun>;
  readonly seen?: Partial<Observation>;
  readonly settings?: ConfigChange;
  readonly state?: Partial<DatabaseState>;
}

function step({ run = {}, seen = {}, settings = {}, state = {} }: Case): CheckpointStep {
  const looked = observation({ ...withWal(10, 0), ...connected, ...seen });
  const running = { ...beginRun("periodic", looked), ...run };
  return nextCheckpointStep(
    running,
    looked,
    endedState({ ...writtenAt(nowMs), ...state }),
    config(settings),
    nowMs,
  );
}

describe("a checkpoint", () => {
  test("begins with PASSIVE, which keeps nobody out", () => {
    expect(step({}).kind).toBe("passive");
  });

  test("has nothing to do without a WAL, and that is a success", () => {
    const none = { wal: { kind: "absent" }, walHeader: null, walIndex: null } as const;
    expect(step({ seen: none })).toMatchObject({ outcome: "complete", caughtUp: true });
  });

  test("is skipped where the database is not in WAL mode", () => {
    expect(step({ seen: { header: rollbackHeader } })).toMatchObject({ outcome: "skipped", caughtUp: true });
  });

  test("claims nothing when the header cannot be read", () => {
    expect(step({ seen: { header: null } })).toMatchObject({ outcome: "skipped", caughtUp: false });
  });

  test("is complete when the WAL-index says that every frame is copied", () => {
    expect(step({ run: passed, seen: withWal(10, 10) })).toMatchObject({ outcome: "complete" });
  });

  test("is not complete because PASSIVE says so while somebody may have written since", () => {
    const after = step({ run: { ...passed, passiveCount: 3 }, seen: withWal(12, 10) });
    expect(after).toMatchObject({ kind: "done", outcome: "incomplete", caughtUp: true });
  });

  test("tries PASSIVE again beside a writer, three times at most, and once where the WAL is short", () => {
    const passedLong = (passiveCount: number) =>
      step({ run: { ...passed, passiveCount }, seen: withWal(300, 290), settings: longTarget });
    expect(passedLong(1).kind).toBe("passive");
    expect(passedLong(3).kind).toBe("done");
    expect(step({ run: passed, seen: withWal(12, 10) })).toMatchObject({
      outcome: "incomplete",
      caughtUp: true,
    });
  });

  test("held back by readers ends incomplete and is not caught up", () => {
    const run = { ...passed, snapshotComplete: false, before: { mxFrame: 10, walIdentity: "5 6" } };
    expect(step({ run, seen: withWal(10, 4) })).toMatchObject({ outcome: "incomplete", caughtUp: false });
  });

  test("that nobody can see says so, and does not speak of writers", () => {
    const hidden = { locks: locks({ viewIsComplete: false }) };
    const end = step({ run: { ...passed, passiveCount: 3 }, seen: hidden });
    // Whoever is hidden may have the WAL-reset bug: no PASSIVE there.
    expect(end).toMatchObject({ outcome: "skipped", caughtUp: true });
    expect(end).toHaveProperty("reason", expect.stringContaining("cannot be seen"));
  });
});

describe("the write lock", () => {
  const large = withWal(400, 390);
  const exhausted = { ...passed, passiveCount: 3 };

  test("is not asked for beside an active application that declared no busy timeout", () => {
    const end = step({ run: exhausted, seen: large });
    expect(end).toMatchObject({ outcome: "incomplete" });
    expect(end).toHaveProperty("reason", expect.stringContaining("not declared"));
    expect(step({ run: { ...exhausted, step: "synced", syncMs: 0 }, seen: large }).kind).toBe("done");
  });

  test("is asked for where the busy timeout is declared, after a sync of the database", () => {
    expect(step({ run: exhausted, seen: large, settings: declared }).kind).toBe("sync");
    const synced = { ...exhausted, step: "synced", syncMs: 1 } as const;
    expect(step({ run: synced, seen: large, settings: declared })).toMatchObject({
      kind: "locked",
      holdBudgetMs: 100,
    });
  });

  test("is not asked for by the schedule while the WAL is short, and all that was there is copied", () => {
    // Short is below 1,000 frames here.
    const settings = { ...declared, checkpoint: { sizeTargetBytes: 8_000 * frameBytes } };
    const seen = withWal(900, 890);
    expect(step({ run: exhausted, seen, settings })).toMatchObject({ outcome: "incomplete", caughtUp: true });
    expect(step({ run: exhausted, seen: withWal(1_000, 890), settings }).kind).toBe("sync");
    expect(step({ run: { ...exhausted, trigger: "demand" }, seen, settings }).kind).toBe("sync");
  });

  test("is not held to outlast readers of a moment before the WAL has come to half of its target", () => {
    const settings = { ...declared, checkpoint: { sizeTargetBytes: 8_000 * frameBytes } };
    const heldBack = { ...exhausted, snapshotComplete: false };
    const readBy = locks({ connected: [app], readers: [{ mark: 1, holder: app }] });
    const next = (mxFrame: number, run: Partial<CheckpointRun>, state: Partial<DatabaseState> = {}) =>
      step({ run, seen: { ...withWal(mxFrame, mxFrame - 10), locks: readBy }, settings, state });
    expect(next(3_999, heldBack)).toMatchObject({ outcome: "incomplete" });
    expect(next(4_000, heldBack).kind).toBe("sync");
    // Copied whole, and by what was met before readers keep it from starting over.
    const met = { learned: { ...nothingLearned, readerMs: 30, drainHoldMs: 60 } };
    expect(next(3_999, exhausted, met)).toMatchObject({ outcome: "incomplete", caughtUp: true });
    expect(next(4_000, exhausted, met).kind).toBe("sync");
    expect(next(3_999, exhausted).kind).toBe("sync");
    expect(step({ run: exhausted, seen: withWal(3_999, 3_989), settings, state: met }).kind).toBe("sync");
    expect(next(3_999, { ...exhausted, trigger: "demand" }, met).kind).toBe("sync");
  });

  test("is held to outlast readers all the same after some rounds in vain", () => {
    const settings = { ...declared, checkpoint: { sizeTargetBytes: 8_000 * frameBytes } };
    const left = (roundCount: number) => ({
      checkpoint: {
        ...endedState().checkpoint,
        left: { walIdentity: "5 6", mxFrame: 1_000, roundCount, by: "reader" as const },
      },
    });
    const run = { ...exhausted, snapshotComplete: false };
    const seen = withWal(1_010, 1_000);
    expect(step({ run, seen, settings, state: left(3) }).kind).toBe("done");
    expect(step({ run, seen, settings, state: left(4) }).kind).toBe("sync");
  });

  test("is held for 10 ms at most while an application of unknown patience is idle", () => {
    const synced = { ...exhausted, step: "synced", syncMs: 1 } as const;
    const idle = writtenAt(nowMs - 60_000);
    expect(step({ run: synced, seen: large, state: idle })).toMatchObject({
      kind: "locked",
      holdBudgetMs: 10,
    });
  });

  test("is not asked for when a sync takes longer than the hold may", () => {
    const slow = { ...exhausted, step: "synced", syncMs: 200 } as const;
    const end = step({ run: slow, seen: large, settings: declared });
    expect(end).toMatchObject({ outcome: "incomplete" });
    expect(end).toHaveProperty("reason", expect.stringContaining("take 200.1 ms"));
  });

  test("is not asked for while an integrity check of our own reads the WAL", () => {
    const end = step({ run: exhausted, seen: large, settings: declared, state: { checkRunning: true } });
    expect(end).toMatchObject({ outcome: "incomplete" });
  });

  test("that was not free takes nothing back from a WAL that is complete", () => {
    const run = { ...exhausted, step: "locked", lockAcquired: false, lockCount: 4 } as const;
    const seen = withWal(400, 400);
    expect(step({ run, seen, settings: declared })).toMatchObject({ outcome: "complete", caughtUp: true });
    expect(step({ run, seen: large, settings: declared })).toMatchObject({ outcome: "incomplete" });
  });

  test("ends in reset only when the readers were seen to have left", () => {
    const run = { ...exhausted, step: "locked", lockAcquired: true, lockCount: 4 } as const;
    const after = (lockedOutcome: "reset" | "complete" | "incomplete") =>
      step({ run: { ...run, lockedOutcome }, seen: withWal(300, 290), settings: declared });
    expect(after("reset")).toMatchObject({ outcome: "reset", caughtUp: true });
    expect(after("complete")).toMatchObject({ outcome: "complete" });
    expect(after("incomplete")).toMatchObject({ outcome: "incomplete" });
  });
});

describe("the file is shrunk", () => {
  const alone = { locks: locks() };

  test("when nobody is connected and all is copied", () => {
    expect(step({ run: passed, seen: alone }).kind).toBe("truncate");
  });

  test("not beside an active application, unless it is far above the target", () => {
    expect(step({ run: passed, seen: withWal(10, 10), settings: declared }).kind).toBe("done");
    expect(step({ run: passed, seen: withWal(10, 10, 500), settings: declared }).kind).toBe("truncate");
  });

  test("not while a check of our own reads it", () => {
    expect(step({ run: passed, seen: alone, state: { checkRunning: true } }).kind).toBe("done");
  });

  test("and is called truncated by what TRUNCATE saw, whatever was written since", () => {
    const run = { ...passed, step: "truncate" } as const;
    expect(step({ run: { ...run, truncated: true } })).toMatchObject({ outcome: "truncated" });
    expect(step({ run: { ...run, truncated: false }, seen: withWal(10, 10) })).toMatchObject({
      outcome: "complete",
      reason: expect.stringContaining("not truncated"),
    });
  });
});

test("a size target of nothing still gives a hold budget", () => {
  const run = { ...passed, passiveCount: 3, step: "synced", syncMs: 0 } as const;
  const settings = { ...declared, checkpoint: { sizeTargetBytes: 0 } };
  expect(step({ run, seen: withWal(12, 10), settings })).toMatchObject({ kind: "locked", holdBudgetMs: 100 });
});
