import { describe, expect, test } from "bun:test";
import type { Observation } from "../../../src/domain/observation.ts";
import { nextCheckpointStep } from "../../../src/policy/checkpoint.ts";
import { beginRun } from "../../../src/policy/checkpointRun.ts";
import { decide } from "../../../src/policy/decide.ts";
import { sqliteProcessOf } from "../../../src/policy/sqliteProcess.ts";
import { walResetRisk, writerWalResetBug } from "../../../src/policy/walResetRisk.ts";
import {
  config,
  endedState,
  holder,
  locks,
  nowMs,
  observation,
  sqliteProcess,
  withWal,
} from "../../support/builders.ts";

const app = holder(42);
const other = holder(43);
const connectedTo = (...connected: readonly ReturnType<typeof holder>[]): Pick<Observation, "locks"> => ({
  locks: locks({ connected }),
});
const affected = (pid: number, connectionCount: number | null = 1) =>
  sqliteProcess(pid, { version: "3.40.1", affected: true, connectionCount });
const unknown = (pid: number) =>
  sqliteProcess(pid, { version: null, affected: null, reason: "hidden", connectionCount: null });

describe("a complete WAL may be left", () => {
  test("to nobody, to processes that are known to be free of the bug, and to one affected connection alone", () => {
    expect(walResetRisk(connectedTo(), null)).toBeNull();
    expect(walResetRisk(connectedTo(app, other), [sqliteProcess(42), sqliteProcess(43)])).toBeNull();
    expect(walResetRisk(connectedTo(app), [affected(42)])).toBeNull();
  });
});

describe("a complete WAL is not left", () => {
  test("to an affected process with two connections, or beside any other process", () => {
    expect(walResetRisk(connectedTo(app), [affected(42, 2)])).toContain("3.40.1 with the WAL-reset bug");
    expect(walResetRisk(connectedTo(app, other), [affected(42), sqliteProcess(43)])).toContain("(42)");
  });

  test("to one whose connections or whose version are not known, or that was not looked at", () => {
    expect(walResetRisk(connectedTo(app), [affected(42, null)])).not.toBeNull();
    expect(walResetRisk(connectedTo(app), [unknown(42)])).toContain("hidden");
    expect(walResetRisk(connectedTo(app), [])).toContain("not looked at");
    expect(walResetRisk(connectedTo(app), null)).not.toBeNull();
  });

  test("where other processes may be connected that cannot be seen", () => {
    expect(walResetRisk({ locks: locks({ viewIsComplete: false }) }, [])).toContain("PID namespace");
    expect(walResetRisk({ locks: { kind: "unobservable", reason: "hidden" } }, [])).toContain("hidden");
  });
});

test("the gauge says 1 by one proof, 0 only when every connected process is known, and else nothing", () => {
  expect(writerWalResetBug(connectedTo(app, other), [affected(42), unknown(43)])).toBe(1);
  expect(writerWalResetBug(connectedTo(app, other), [sqliteProcess(42), sqliteProcess(43)])).toBe(0);
  expect(writerWalResetBug(connectedTo(app, other), [sqliteProcess(42), unknown(43)])).toBeNull();
  expect(writerWalResetBug(connectedTo(app, other), [sqliteProcess(42)])).toBeNull();
  expect(writerWalResetBug(connectedTo(), [])).toBeNull();
  expect(
    writerWalResetBug({ locks: locks({ connected: [app], viewIsComplete: false }) }, [sqliteProcess(42)]),
  ).toBeNull();
});

describe("beside an affected process with several connections", () => {
  const seen = (change: Partial<Observation> = {}) =>
    observation({ ...withWal(5_000, 0, 5_000), ...connectedTo(app), ...change });
  const idleSince = (agoMs: number) => ({
    activity: {
      fingerprint: { salts: null, mxFrame: null, walBytes: 0, walModifiedAtMs: 0, rollback: null },
      lastChangeAtMs: nowMs - agoMs,
    },
  });
  const step = (settings: Parameters<typeof config>[0], agoMs: number, look = seen()) =>
    nextCheckpointStep(
      beginRun("periodic", look),
      look,
      endedState({ ...idleSince(agoMs), sqliteProcesses: [affected(42, 2)] }),
      config(settings),
      nowMs,
    );

  test("a declared busy timeout or a rest lets the daemon reset the WAL itself, and nothing less", () => {
    expect(step({ busyTimeoutDeclared: true }, 0)).toMatchObject({ kind: "guardedTruncate" });
    expect(step({ busyTimeoutDeclared: false }, 60_000)).toMatchObject({
      kind: "guardedTruncate",
      acquireBudgetMs: 0,
    });
  });

  test("without permission the round is skipped, with both reasons", () => {
    const skipped = step({ busyTimeoutDeclared: false }, 0);
    expect(skipped).toMatchObject({ kind: "done", outcome: "skipped", caughtUp: false });
    if (skipped.kind !== "done") throw new Error("not done");
    expect(skipped.reason).toContain("WAL-reset bug");
    expect(skipped.reason).toContain("busy timeout is not declared");
  });

  test("a reader that holds the WAL back is told of all the same", () => {
    const readers = [{ mark: 0, holder: other }];
    const held = seen({ locks: locks({ connected: [app, other], readers }) });
    const end = step({ busyTimeoutDeclared: false }, 0, held);
    expect(end).toMatchObject({ kind: "done", outcome: "incomplete", caughtUp: false });
  });

  test("without a declaration a small WAL is left to the application", () => {
    const small = seen(withWal(10, 0, 10));
    expect(step({ busyTimeoutDeclared: false }, 60_000, small)).toMatchObject({ outcome: "skipped" });
    expect(step({ busyTimeoutDeclared: true }, 60_000, small)).toMatchObject({ kind: "guardedTruncate" });
  });

  test("where readers may be hidden in another PID namespace nothing is begun", () => {
    const quiet = {
      connected: true,
      writer: false,
      checkpointer: false,
      recovering: false,
      exclusive: false,
      databaseLocked: true,
      readerMarks: [],
      readersCovered: false,
    };
    const from = (hidden: typeof quiet | null) =>
      step({ busyTimeoutDeclared: true }, 0, seen({ locks: locks({ viewIsComplete: false, hidden }) }));
    expect(from(quiet)).toMatchObject({ kind: "guardedTruncate" });
    expect(from(null)).toMatchObject({ kind: "done" });
    expect(from({ ...quiet, readersCovered: true })).toMatchObject({ kind: "done" });
    expect(from({ ...quiet, writer: true })).toMatchObject({ kind: "done" });
    expect(
      walResetRisk({ locks: locks({ viewIsComplete: false, hidden: { ...quiet, connected: false } }) }, []),
    ).toBeNull();
  });

  test("an empty WAL is complete, and no run ever takes PASSIVE or the write lock", () => {
    expect(step({}, 0, seen(withWal(0, 0, 10)))).toMatchObject({ outcome: "complete" });
    for (const agoMs of [0, 60_000])
      for (const busyTimeoutDeclared of [true, false])
        expect(["guardedTruncate", "done"]).toContain(step({ busyTimeoutDeclared }, agoMs).kind);
  });
});

describe("which SQLite is connected is looked at", () => {
  const look = observation({ ...withWal(10, 0), ...connectedTo(app) });

  test("when a process has come, in every mode, and again before a checkpoint", () => {
    const fresh = endedState({ sqliteProcesses: null, sqliteProcessesAtMs: 0 });
    expect(decide(look, fresh, config(), nowMs)).toEqual({ kind: "lookAtSqlite" });
    expect(decide(look, fresh, config({ mode: "observe" }), nowMs)).toEqual({ kind: "lookAtSqlite" });
    const stale = { sqliteProcesses: [affected(42)], sqliteProcessesAtMs: nowMs - 2_000 };
    expect(decide(look, endedState(stale), config(), nowMs).kind).not.toBe("lookAtSqlite");
    const due = endedState({ ...stale, pendingCheckpoint: "periodic" });
    expect(decide(look, due, config(), nowMs)).toEqual({ kind: "lookAtSqlite" });
  });

  test("never again for one that is known to be free of the bug, and never twice at once", () => {
    const known = endedState({
      sqliteProcesses: [sqliteProcess(42)],
      sqliteProcessesAtMs: 0,
      pendingCheckpoint: "periodic",
    });
    expect(decide(look, known, config(), nowMs).kind).not.toBe("lookAtSqlite");
    const justNow = endedState({ sqliteProcesses: [], sqliteProcessesAtMs: nowMs });
    expect(decide(look, justNow, config(), nowMs).kind).not.toBe("lookAtSqlite");
  });
});

describe("what is said of a process", () => {
  const build = (version: string | null, sourceDate: string, file = "/lib/libsqlite3.so.0") => ({
    version,
    sourceDate,
    sourceId: `${sourceDate} 00:00:00 0`,
    file,
  });

  test("sources from before the fix are affected whatever their version says; later ones go by it", () => {
    const of = (version: string | null, date: string) =>
      sqliteProcessOf(app, { builds: [build(version, date)], reason: "" }, 1).affected;
    expect(of("3.40.1", "2022-12-28")).toBe(true);
    expect(of(null, "2022-12-28")).toBe(true);
    expect(of("3.51.3", "2026-03-13")).toBe(false);
    expect(of("3.50.7", "2026-03-13")).toBe(false);
    expect(of("3.52.0", "2026-03-06")).toBe(true);
    expect(of(null, "2026-10-16")).toBeNull();
    expect(of("3.6.23", "2010-03-09")).toBe(false);
  });

  test("with two SQLites loaded a verdict is given only where they agree, and never a version", () => {
    const found = (date: string) => ({
      builds: [build("3.40.1", "2022-12-28"), build("3.54.1", date, "/usr/bin/node")],
      reason: "",
    });
    expect(sqliteProcessOf(app, found("2026-10-16"), 1)).toMatchObject({ affected: null, version: null });
    expect(sqliteProcessOf(app, found("2024-01-15"), 1)).toMatchObject({ affected: true, version: null });
  });

  test("one whose files may not be read is not known, with the reason", () => {
    expect(sqliteProcessOf(app, { builds: [], reason: "it runs as another user" }, null)).toMatchObject({
      affected: null,
      version: null,
      reason: "it runs as another user",
    });
    const half = {
      builds: [build("3.53.1", "2026-05-05")],
      reason: "/opt/x.so: it cannot be opened: EACCES",
    };
    expect(sqliteProcessOf(app, half, 1).affected).toBeNull();
  });
});
