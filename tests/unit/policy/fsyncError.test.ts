import { describe, expect, test } from "bun:test";
import type { Failure } from "../../../src/domain/outcome.ts";
import {
  describeFsyncError,
  fsyncErrorAfterRestart,
  noteFsyncFailure,
} from "../../../src/policy/fsyncError.ts";
import { noteObservation } from "../../../src/policy/noteObservation.ts";
import type { DatabaseState } from "../../../src/policy/state.ts";
import {
  config,
  endedState,
  failure,
  nowMs,
  observation,
  path,
  regularFile,
  walHeader,
  withWal,
} from "../../support/builders.ts";
import { bootBefore, bootNow, entry } from "./ledgerBuilders.ts";

const context = { config: config(), duplicateOf: null };

function fdatasyncFailed(file: string, code = "EIO"): Failure {
  return failure({ reason: "system", operation: "fdatasync", path: file, code, retryable: false });
}

/** After a sync of `file` failed beside a WAL with salts 5 and 6. */
function afterFailedSync(file: string): DatabaseState {
  const before = noteObservation(endedState(), observation(withWal(10, 4)), context);
  return noteFsyncFailure(before, fdatasyncFailed(file), nowMs);
}

function guardsOf(state: DatabaseState, change = withWal(10, 4)): readonly string[] {
  return noteObservation(state, observation(change), context).guards.map(({ guard }) => guard);
}

describe("after a sync that failed", () => {
  test("the guard keeps the database closed for as long as the WAL is the same, whatever succeeds later", () => {
    const state = afterFailedSync(`${path}-wal`);
    expect(state.fsyncError).toEqual({
      file: "wal",
      code: "EIO",
      atMs: nowMs,
      walIdentity: "5 6",
      databaseIdentity: "1:10",
    });
    expect(guardsOf(state)).toEqual(["fsync_error"]);
    expect(guardsOf(state, withWal(5_000, 5_000))).toEqual(["fsync_error"]);
  });

  test.each([
    ["the WAL has started over", { ...withWal(3, 0), walHeader: walHeader({ salt1: 6, salt2: 99 }) }],
    ["the WAL was truncated", { wal: regularFile({ sizeBytes: 0 }), walHeader: null }],
    ["the WAL was deleted by its last closer", { wal: { kind: "absent" }, walHeader: null }],
  ] as const)("of the WAL, the guard goes when %s", (_what, change) => {
    expect(guardsOf(afterFailedSync(`${path}-wal`), change)).not.toContain("fsync_error");
  });

  test("of the WAL, a header that cannot be read for a moment changes nothing", () => {
    const state = afterFailedSync(`${path}-wal`);
    expect(guardsOf(state, { ...withWal(10, 4), walHeader: { kind: "checksumMismatch" } })).toContain(
      "fsync_error",
    );
  });

  test("of the database, it stays when the WAL starts over", () => {
    const state = afterFailedSync(path);
    expect(state.fsyncError?.file).toBe("database");
    expect(guardsOf(state, { wal: { kind: "absent" }, walHeader: null })).toEqual(["fsync_error"]);
  });

  test("of the database, it goes when another file is in its place", () => {
    const other = { ...withWal(10, 4), database: regularFile({ identity: "1:99" }) };
    expect(guardsOf(afterFailedSync(path), other)).not.toContain("fsync_error");
  });

  test("an error of the WAL does not take the place of one of the database, which lasts longer", () => {
    const both = noteFsyncFailure(afterFailedSync(path), fdatasyncFailed(`${path}-wal`), nowMs + 1);
    expect(both.fsyncError?.file).toBe("database");
  });

  test("the reason says what failed, when, and what to do", () => {
    const state = noteObservation(afterFailedSync(`${path}-wal`), observation(withWal(10, 4)), context);
    const reason = state.guards[0]?.reason ?? "";
    expect(reason).toContain(`a sync of ${path}-wal failed with EIO at 2026-01-15T12:00:00.000Z`);
    expect(reason).toContain("a sync that succeeds later proves nothing");
    expect(reason).toContain("make a backup");
    if (state.fsyncError === null) throw new Error("it stays");
    expect(describeFsyncError(state.fsyncError, path)).toEndWith("what of it is on disk is unknown");
  });
});

describe("an error of an earlier life of the daemon", () => {
  const ofWal = afterFailedSync(`${path}-wal`).fsyncError;
  const ofDatabase = afterFailedSync(path).fsyncError;
  const beside = observation(withWal(10, 4));
  const noted = (fsyncError: typeof ofWal, change = {}) => entry({ device: "1", fsyncError, ...change });
  const other = observation({ ...withWal(10, 4), database: regularFile({ identity: "1:99" }) });
  const remounted = observation({ ...withWal(10, 4), database: regularFile({ identity: "2:10" }) });
  const startedOver = observation({ ...withWal(3, 0), walHeader: walHeader({ salt1: 6, salt2: 99 }) });

  test("stands in the same boot, for the same WAL and for the same database", () => {
    expect(fsyncErrorAfterRestart(noted(ofWal), beside, bootBefore)).toEqual(ofWal);
    expect(fsyncErrorAfterRestart(noted(ofDatabase), beside, bootBefore)).toEqual(ofDatabase);
    expect(fsyncErrorAfterRestart(noted(ofWal), other, bootBefore)).toEqual(ofWal);
    expect(fsyncErrorAfterRestart(noted(ofDatabase), startedOver, bootBefore)).toEqual(ofDatabase);
  });

  test("is over when the WAL has started over, or another database is there", () => {
    expect(fsyncErrorAfterRestart(noted(ofWal), startedOver, bootBefore)).toBeNull();
    expect(fsyncErrorAfterRestart(noted(ofDatabase), other, bootBefore)).toBeNull();
  });

  test("is over in another boot, or on another mount: what is read there is what the disk has", () => {
    expect(fsyncErrorAfterRestart(noted(ofWal), beside, bootNow)).toBeNull();
    expect(fsyncErrorAfterRestart(noted(ofDatabase), beside, bootNow)).toBeNull();
    expect(fsyncErrorAfterRestart(noted(ofWal), remounted, bootBefore)).toBeNull();
  });

  test("stands where it cannot be told that the machine was started anew", () => {
    expect(fsyncErrorAfterRestart(noted(ofWal, { bootId: null }), beside, bootNow)).toEqual(ofWal);
    expect(fsyncErrorAfterRestart(noted(ofWal), beside, null)).toEqual(ofWal);
  });

  test("is nothing where none was noted, or no file is there to which it could belong", () => {
    expect(fsyncErrorAfterRestart(null, beside, bootBefore)).toBeNull();
    expect(fsyncErrorAfterRestart(noted(null), beside, bootBefore)).toBeNull();
    const absent = observation({ database: { kind: "absent" } });
    expect(fsyncErrorAfterRestart(noted(ofDatabase), absent, bootBefore)).toBeNull();
  });
});

test("a sync that SQLite failed with in a worker of ours counts, and is the WAL's", () => {
  const met = failure({ code: "SQLITE_IOERR_FSYNC", operation: "passiveCheckpoint" });
  expect(noteFsyncFailure(endedState(), met, nowMs).fsyncError?.file).toBe("wal");
});

test.each([
  ["an open that failed", failure({ reason: "system", operation: "open", code: "EIO" })],
  ["a call that was interrupted", fdatasyncFailed(path, "EINTR")],
  ["a worker that died", failure({ reason: "crash", operation: "passiveCheckpoint", code: null })],
  ["a busy database", failure()],
])("%s is no fsync error", (_what, failed) => {
  const state = endedState();
  expect(noteFsyncFailure(state, failed, nowMs)).toBe(state);
});
