import { describe, expect, test } from "bun:test";
import type { Observation } from "../../../src/domain/observation.ts";
import type { Replicator } from "../../../src/domain/replicator.ts";
import { nextCheckpointStep } from "../../../src/policy/checkpoint.ts";
import { beginRun } from "../../../src/policy/checkpointRun.ts";
import { decideCheck, whyNotCheckpoint } from "../../../src/policy/decide.ts";
import {
  excusedPids,
  noteReplicator,
  type ReplicatorLooks,
  replicatorStatus,
  whyLeftToReplicator,
} from "../../../src/policy/replicator.ts";
import { nextStartupStep } from "../../../src/policy/startup.ts";
import {
  config,
  endedState,
  freshState,
  holder,
  locks,
  nowMs,
  observation,
  opener,
  regularFile,
  withWal,
} from "../../support/builders.ts";

const litestream = holder(77, "litestream");
const nothing: ReplicatorLooks = { replicaDirectory: null, openers: null, openersAtMs: 0 };
const minuteMs = 60_000;

function directory(changedAtMs: number): ReplicatorLooks {
  return {
    ...nothing,
    replicaDirectory: { kind: "seen", path: "/data/.kv.db-litestream", changedAtMs },
  };
}

function seen(change: Partial<Observation>, looks = nothing, earlier: Replicator | null = null) {
  return noteReplicator(earlier, observation(change), looks);
}

describe("a replicator is at work", () => {
  test("when a process of that name is connected, and its transaction is excused by pid", () => {
    const found = seen({ locks: locks({ connected: [holder(5), litestream] }) });
    expect(found).toMatchObject({ name: "Litestream", evidence: "process", sinceMs: nowMs });
    expect([...excusedPids(found)]).toEqual([77]);
    expect(whyLeftToReplicator(found)).toBe("Litestream is at work on it: checkpoints are left to it");
  });

  test("when it has the database open without a lock at this moment, by a scan of just now", () => {
    const openers = {
      kind: "seen",
      openers: [opener(8, { comm: "litefs" })],
      hiddenProcessCount: 0,
    } as const;
    expect(seen({}, { ...nothing, openers, openersAtMs: nowMs - 1_000 })?.name).toBe("LiteFS");
    expect(seen({}, { ...nothing, openers, openersAtMs: nowMs - minuteMs })).toBeNull();
  });

  test.each([
    ["fuse", "litefs"],
    ["fuse.litefs", "litefs"],
  ])("when the file system is LiteFS's own: %s of %s", (fileSystemType, source) => {
    const { mount } = observation();
    if (mount.kind !== "seen") throw new Error("the builder's mount is seen");
    expect(seen({ mount: { ...mount, fileSystemType, source } })).toMatchObject({
      name: "LiteFS",
      evidence: "mount",
    });
    expect(seen({ mount: { ...mount, fileSystemType: "fuse", source: "sshfs" } })).toBeNull();
  });

  test("when its directory has kept pace with the last write, though no process is seen", () => {
    const wal = { ...withWal(10, 0), wal: regularFile({ modifiedAtMs: nowMs - minuteMs }) };
    expect(seen(wal, directory(nowMs - minuteMs))).toMatchObject({ evidence: "directory", holders: [] });
    expect(seen(wal, directory(nowMs - 30 * minuteMs))).toBeNull();
  });
});

describe("no replicator is at work", () => {
  test("when nothing speaks for one, whatever the application is called", () => {
    for (const comm of ["app", "litestream2", "not-litestream", null])
      expect(seen({ locks: locks({ connected: [holder(9, comm)] }) })).toBeNull();
  });

  test("once it has not been seen for half a minute, not while it restarts", () => {
    const found = seen({ locks: locks({ connected: [litestream] }) });
    const missing = seen({ observedAtMs: nowMs + 500 }, nothing, found);
    expect(missing).toMatchObject({ name: "Litestream", missingSinceMs: nowMs + 500 });
    expect(seen({ observedAtMs: nowMs + 30_499 }, nothing, missing)).toBe(missing);
    expect(seen({ observedAtMs: nowMs + 30_500 }, nothing, missing)).toBeNull();
    const back = seen(
      { observedAtMs: nowMs + 9_000, locks: locks({ connected: [litestream] }) },
      nothing,
      missing,
    );
    expect(back).toMatchObject({ sinceMs: nowMs, missingSinceMs: null });
  });

  test("and since when it works is not begun anew by each look", () => {
    const found = seen({ locks: locks({ connected: [litestream] }) });
    const again = seen(
      { observedAtMs: nowMs + 1_000, locks: locks({ connected: [litestream] }) },
      nothing,
      found,
    );
    expect(again).toBe(found);
  });
});

describe("beside Litestream", () => {
  const replicator = seen({ locks: locks({ connected: [litestream] }) });
  const beside = (mxFrame: number) =>
    observation({ ...withWal(mxFrame, 0), locks: locks({ connected: [holder(5), litestream] }) });
  const state = endedState({ replicator });

  test("a checkpoint is skipped at every step, and says why", () => {
    const run = beginRun("periodic", beside(10_000));
    for (const step of ["begin", "passive", "synced", "locked"] as const)
      expect(nextCheckpointStep({ ...run, step }, beside(10_000), state, config(), nowMs)).toMatchObject({
        kind: "done",
        outcome: "skipped",
        reason: "Litestream is at work on it: checkpoints are left to it",
        caughtUp: false,
      });
    expect(whyNotCheckpoint(beside(10), state, config())).toBe("");
    const copied = { ...beside(10), ...withWal(10, 10) };
    expect(nextCheckpointStep(run, copied, state, config(), nowMs)).toMatchObject({
      outcome: "complete",
      reason: "nothing pending",
      caughtUp: true,
    });
  });

  test("an integrity check runs, but not while the WAL nears the size at which Litestream makes readers wait", () => {
    const pending = endedState({ replicator, pendingChecks: [{ check: "quick_check", trigger: "demand" }] });
    expect(decideCheck(beside(4_999), pending, config())).not.toBeNull();
    expect(decideCheck(beside(5_000), pending, config())).toBeNull();
    expect(decideCheck(beside(5_000), { ...pending, replicator: null }, config())).not.toBeNull();
    const starting = freshState({ stage: "check", replicator });
    expect(nextStartupStep(beside(4_999), starting, config())).toMatchObject({ act: "startupCheck" });
    expect(nextStartupStep(beside(5_000), starting, config())).toEqual({ kind: "advance", to: "ended" });
  });
});

test("status tells a leftover directory from one that is followed, and what cannot be looked at", () => {
  const look = directory(nowMs - 60 * minuteMs).replicaDirectory;
  const found = seen({ locks: locks({ connected: [litestream] }) });
  expect(replicatorStatus(found, look)).toMatchObject({ evidence: "process", checkpointsLeftToIt: true });
  expect(replicatorStatus(null, look)).toMatchObject({ evidence: "leftover", checkpointsLeftToIt: false });
  expect(replicatorStatus(null, { kind: "unreadable", operation: "lstat", code: "EIO" })?.evidence).toBe(
    "unreadable",
  );
  const empty = replicatorStatus(null, { kind: "empty", path: "/data/.kv.db-litestream" });
  expect(empty).toMatchObject({ evidence: "empty", checkpointsLeftToIt: false });
  expect(replicatorStatus(null, { kind: "absent" })).toBeNull();
  expect(replicatorStatus(null, null)).toBeNull();
});
