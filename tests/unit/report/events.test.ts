import { describe, expect, test } from "bun:test";
import type { Failure } from "../../../src/domain/outcome.ts";
import { createEvents } from "../../../src/report/events.ts";
import { createLogger } from "../../../src/report/log.ts";
import { aCheckpoint, anIntegrityCheck, baseTimeMs } from "./statusBuilder.ts";

function record() {
  const lines: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  const events = createEvents(createLogger({ destination, level: "debug" }));
  return { lines, events };
}

const noFields = { walFrameCount: 0, backfilledFrameCount: 0, walFileBytes: 0, copiedFrameCount: 0 };

describe("log events", () => {
  test("the phrases that operators search for are these", () => {
    const { lines, events } = record();
    const profile = { journalModeBefore: "delete", journalModeChanged: true, pragmas: [] };
    const residue = {
      residue: "WAL",
      walFileBytes: 1,
      walFrameCount: 1,
      journalFileBytes: null,
      commitCount: 1,
      tornTailBytes: 0,
      stopReason: "endOfFile",
      droppedCommitCountMin: null,
      expectation: "",
    };
    events.residueDetected("kv", residue);
    events.profileVerified("kv", profile);
    events.checkpointEnded("kv", aCheckpoint({ trigger: "startup-recovery" }), noFields);
    events.integrityCheckEnded("kv", anIntegrityCheck());
    events.integrityCheckEnded("kv", anIntegrityCheck({ verdict: "structural" }));
    events.integrityCheckEnded("kv", anIntegrityCheck({ check: "integrity_check" }));
    events.integrityCheckEnded("kv", anIntegrityCheck({ check: "integrity_check", verdict: "content" }));
    events.checkpointEnded("kv", aCheckpoint({ outcome: "truncated" }), noFields);
    events.checkpointEnded("kv", aCheckpoint({ outcome: "incomplete" }), noFields);
    events.checkpointEnded("kv", aCheckpoint({ outcome: "failed" }), noFields);
    events.checkpointEnded("kv", aCheckpoint({ trigger: "shutdown" }), noFields);
    expect(lines.map(({ msg }) => msg)).toEqual([
      "startup detected WAL residue",
      "startup profile verified",
      "startup-recovery checkpoint completed",
      "startup quick_check passed",
      "startup quick_check failed",
      "startup integrity_check passed",
      "startup integrity_check failed",
      "periodic-checkpoint completed",
      "periodic-checkpoint incomplete",
      "periodic-checkpoint failed",
      "shutdown checkpoint completed",
    ]);
    expect(lines.every(({ database }) => database === "kv")).toBe(true);
  });

  test("durations have no more digits than a clock", () => {
    const { lines, events } = record();
    events.daemonReady({ status: "ready", durationMs: 405.44125799999995 });
    events.daemonStopped({ durationMs: 15.459927000003518 });
    expect(lines.map(({ durationMs }) => durationMs)).toEqual([405, 15.5]);
  });

  test("a verified profile says the values that were read back", () => {
    const { lines, events } = record();
    events.profileVerified("kv", {
      journalModeBefore: "delete",
      journalModeChanged: true,
      pragmas: [
        { pragma: "journal_mode", wanted: "wal", actual: "wal", holds: true },
        { pragma: "synchronous", wanted: "EXTRA", actual: "EXTRA", holds: true },
      ],
    });
    expect(lines[0]).toMatchObject({ level: "info", journal_mode: "wal", synchronous: "EXTRA" });
  });

  test("a line has its level as a word, an ISO time and the process id, and nothing else of its own", () => {
    const { lines, events } = record();
    events.daemonStopping({ signal: "SIGTERM" });
    expect(Object.keys(lines[0] ?? {}).sort()).toEqual(["level", "msg", "pid", "signal", "time"]);
    expect(lines[0]).toMatchObject({ level: "info", pid: process.pid });
    expect(String(lines[0]?.time)).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  test("a check without a verdict is never logged as passed", () => {
    const { lines, events } = record();
    events.integrityCheckEnded("kv", anIntegrityCheck({ trigger: "schedule", verdict: "unknown" }));
    expect(lines[0]).toMatchObject({
      msg: "scheduled quick_check failed",
      verdict: "unknown",
      level: "warn",
    });
  });

  test("a round that only writers kept from being complete is no warning", () => {
    const { lines, events } = record();
    events.checkpointEnded("kv", aCheckpoint({ outcome: "incomplete", caughtUp: true }), noFields);
    events.checkpointEnded("kv", aCheckpoint({ outcome: "incomplete", caughtUp: false }), noFields);
    expect(lines.map(({ level }) => level)).toEqual(["info", "warn"]);
  });

  test("a profile that does not hold is logged with what was read back, as the worker answered it", () => {
    const { lines, events } = record();
    const reading = { pragma: "journal_mode", wanted: "wal", actual: "delete", holds: false } as const;
    const outcome = { ok: true, journalModeBefore: "delete", journalModeChanged: false, pragmas: [reading] };
    events.profileFailed("kv", outcome);
    expect(lines[0]).toMatchObject({ database: "kv", journal_mode: "delete", deviations: [reading] });
  });

  test("a database that is skipped at every round does not fill the log", () => {
    const { lines, events } = record();
    events.checkpointEnded("kv", aCheckpoint({ outcome: "skipped", reason: "not in WAL mode" }), noFields);
    expect(lines[0]?.level).toBe("debug");
  });

  test("a failed worker is logged with operation, path and whether a retry helps", () => {
    const { lines, events } = record();
    const failure: Failure = {
      ok: false,
      reason: "deadline",
      operation: "passiveCheckpoint",
      path: "/kv.db",
      code: null,
      message: "killed after 30000 ms",
      retryable: true,
    };
    events.sqlWorkerFailed("kv", failure);
    const { ok: _, ...fields } = failure;
    expect(lines[0]).toMatchObject({ msg: "sql worker failed", ...fields });
  });

  test("times in fields are ISO 8601 too", () => {
    const { lines, events } = record();
    events.readinessChanged("kv", { check: "file", state: "failed", reason: "gone", sinceMs: baseTimeMs });
    expect(lines[0]).toMatchObject({ since: "2026-01-02T03:04:05.678Z", level: "error" });
  });
});
