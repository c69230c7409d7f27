import { describe, expect, test } from "bun:test";
import type { Observation } from "../../../src/domain/observation.ts";
import { noteActivity } from "../../../src/policy/activity.ts";
import { isAlone, isIdle, lockPermission } from "../../../src/policy/lockPermission.ts";
import {
  type ConfigChange,
  config,
  databaseHeader,
  holder,
  locks,
  nowMs,
  observation,
  regularFile,
  rollbackHeader,
  walIndex,
  withWal,
} from "../../support/builders.ts";

const laterMs = nowMs + 5_000;

function wroteBetween(before: Partial<Observation>, after: Partial<Observation>): boolean {
  const first = noteActivity(null, observation(before));
  return noteActivity(first, observation({ ...after, observedAtMs: laterMs })).lastChangeAtMs === laterMs;
}

describe("the application has written", () => {
  const wal = withWal(10, 0);

  test("when frames were appended, or the WAL started over", () => {
    expect(wroteBetween(wal, withWal(11, 0, 10))).toBe(true);
    expect(wroteBetween(wal, { ...wal, walIndex: walIndex({ mxFrame: 3, salt1: 6 }) })).toBe(true);
  });

  test("when a rollback-mode header changed", () => {
    const header = databaseHeader({ inWalMode: false, changeCounter: 8 });
    expect(wroteBetween({ header: rollbackHeader }, { header })).toBe(true);
  });

  test("when the WAL-index cannot be read and the WAL was touched", () => {
    const touched = regularFile({ identity: "1:11", modifiedAtMs: nowMs });
    expect(wroteBetween({ ...wal, walIndex: null }, { ...wal, walIndex: null, wal: touched })).toBe(true);
  });
});

describe("the daemon's own work is no activity", () => {
  test("PASSIVE, a reset to nothing and TRUNCATE", () => {
    const wal = withWal(10, 0);
    expect(wroteBetween(wal, withWal(10, 10))).toBe(false);
    expect(wroteBetween(wal, { ...wal, walIndex: walIndex({ mxFrame: 0, salt1: 6 }) })).toBe(false);
    const truncated = { wal: regularFile({ sizeBytes: 0, modifiedAtMs: nowMs }), walIndex: null };
    expect(wroteBetween(wal, { ...wal, ...truncated })).toBe(false);
  });
});

describe("the write lock may be taken", () => {
  const busy = { locks: locks({ connected: [holder(42)] }) };
  const active = noteActivity(null, observation(busy));
  const kind = (change: ConfigChange, seen: Partial<Observation>, atMs = nowMs) =>
    lockPermission(config(change), active, observation(seen), atMs).kind;

  test("where a long busy timeout is declared", () => {
    expect(kind({ busyTimeoutDeclared: true }, busy)).toBe("declared");
    expect(kind({ busyTimeoutDeclared: true, profile: { busyTimeoutMs: 500 } }, busy)).toBe("none");
    expect(kind({ busyTimeoutDeclared: false }, busy)).toBe("none");
  });

  test("while nobody else is there, or has written for as long as an interval, 10 s at most", () => {
    expect(kind({}, {})).toBe("idle");
    expect(kind({}, busy, nowMs + 9_999)).toBe("none");
    expect(kind({}, busy, nowMs + 10_000)).toBe("idle");
    expect(
      kind({ checkpoint: { schedule: { kind: "interval", intervalMs: 1_000 } } }, busy, nowMs + 1_000),
    ).toBe("idle");
  });

  test("not while somebody holds it, however long nothing was committed", () => {
    const writing = observation({ locks: locks({ connected: [holder(42)], writer: holder(42) }) });
    expect(isIdle(config(), active, writing, nowMs + 60_000)).toBe(false);
  });

  test("nobody is alone where locks of others cannot be seen", () => {
    expect(isAlone(observation())).toBe(true);
    expect(isAlone(observation({ locks: locks({ viewIsComplete: false }) }))).toBe(false);
    expect(isAlone(observation({ locks: { kind: "unobservable", reason: "-" } }))).toBe(false);
  });

  test("nothing is known of activity before the first look", () => {
    expect(isIdle(config(), null, observation(busy), nowMs + 60_000)).toBe(false);
  });
});
