/** What is said of a WAL, look after look. */
import { describe, expect, test } from "bun:test";
import type { LockHolder, Observation } from "../../../src/domain/observation.ts";
import type { WalVerdict } from "../../../src/domain/status.ts";
import type { DatabaseState } from "../../../src/policy/state.ts";
import { isWatching, noteWalWatch, shiftWalWatch } from "../../../src/policy/walVerdict.ts";
import { noWalWatch } from "../../../src/policy/walWatch.ts";
import {
  checkpointStatus,
  config,
  endedState,
  holder,
  integrityStatus,
  locks,
  nowMs,
  observation,
  regularFile,
  rollbackHeader,
  walIndex,
  withWal,
} from "../../support/builders.ts";

const writer = holder(21, "writer");
const reader = holder(31, "reader");
const other = holder(32, "reader");
const connected = [writer, reader, other];

interface Look {
  readonly mxFrame?: number;
  readonly nBackfill?: number;
  readonly fileFrameCount?: number;
  readonly readers?: readonly { readonly mark: number; readonly holder: LockHolder }[];
  readonly writer?: LockHolder | null;
  readonly change?: Partial<Observation>;
}

/** The target is 100 frames. A mark lies at the end of the WAL unless the look says otherwise. */
function seen(look: Look, atMs: number): Observation {
  const { mxFrame = 50, nBackfill = 0, fileFrameCount = mxFrame, readers = [] } = look;
  return observation({
    ...withWal(mxFrame, nBackfill, fileFrameCount),
    walIndex: walIndex({ mxFrame, nBackfill, readMarks: [0, mxFrame, mxFrame, mxFrame, mxFrame] }),
    locks: locks({ connected, readers, writer: look.writer ?? null }),
    observedAtMs: nowMs + atMs,
    ...look.change,
  });
}

/** One look a second, numbered from 0. */
function watch(lookCount: number, lookAt: (second: number) => Look, state: Partial<DatabaseState> = {}) {
  let watched = noWalWatch;
  for (let second = 0; second < lookCount; second += 1)
    watched = noteWalWatch(watched, seen(lookAt(second), second * 1_000), endedState(state), config());
  return watched;
}

function verdictAfter(...watching: Parameters<typeof watch>): WalVerdict {
  const { verdict } = watch(...watching);
  if (verdict === null) throw new Error("no verdict");
  return verdict;
}

/** Grows by 30 frames a second, and a checkpoint follows it. */
const growing = (second: number): Look => ({
  mxFrame: 150 + 30 * second,
  nBackfill: 100 + 30 * second,
  writer,
});

describe("the verdict on a WAL", () => {
  test("is healthy below the size target, and while there is none", () => {
    expect(verdictAfter(1, () => ({}))).toMatchObject({ kind: "healthy", holders: [], sinceMs: nowMs });
    const absent = {
      wal: { kind: "absent" },
      shm: { kind: "absent" },
      walIndex: null,
      walHeader: null,
    } as const;
    expect(verdictAfter(1, () => ({ change: absent })).kind).toBe("healthy");
  });

  test("is none in rollback mode", () => {
    expect(watch(3, () => ({ change: { header: rollbackHeader } }))).toBe(noWalWatch);
  });

  test("is plateau where the file is large and what waits in it is not", () => {
    expect(verdictAfter(1, () => ({ fileFrameCount: 5_000 })).kind).toBe("plateau");
    const copied = () => ({ mxFrame: 500, nBackfill: 500 });
    expect(verdictAfter(12, copied).kind).toBe("plateau");
  });

  test("is pinned by the process that holds an old mark, and by nobody else", () => {
    const pinned = (second: number): Look => ({
      mxFrame: 60 + second,
      readers: [
        { mark: 1, holder: reader },
        { mark: 2, holder: other },
      ],
      change: { walIndex: walIndex({ mxFrame: 60 + second, readMarks: [0, 20, 60 + second, 0, 0] }) },
    });
    expect(verdictAfter(5, pinned).kind).toBe("healthy");
    const verdict = verdictAfter(6, pinned);
    expect(verdict).toMatchObject({ kind: "pinned", holders: [reader], sinceMs: nowMs });
    expect(verdict.reason).toContain("process 31 (reader) reads and holds back 45 frames");
  });

  test("is starved where readers are seen at every look, none of them old, and names nobody", () => {
    const overlapping = (second: number): Look => ({
      ...growing(second),
      readers: [{ mark: 1 + (second % 2), holder: second % 2 === 0 ? reader : other }],
    });
    expect(verdictAfter(21, overlapping)).toMatchObject({ kind: "starved", holders: [] });
  });

  test("is not starved for a writer's own read marks", () => {
    const alone = (second: number): Look => ({ ...growing(second), readers: [{ mark: 1, holder: writer }] });
    expect(verdictAfter(21, alone)).toMatchObject({ kind: "write-storm", holders: [] });
  });

  test("is starved for readers in the writer's own process, which then has two marks", () => {
    const both = (second: number): Look => ({
      ...growing(second),
      readers: [
        { mark: 1, holder: writer },
        { mark: 2, holder: writer },
      ],
    });
    expect(verdictAfter(21, both).kind).toBe("starved");
  });

  test("is write-storm where writers outrun checkpoints and no reader is seen", () => {
    expect(verdictAfter(21, growing)).toMatchObject({ kind: "write-storm", holders: [] });
  });

  test("is neither where readers are seen now and then", () => {
    const mixed = (second: number): Look => ({
      ...growing(second),
      readers: second % 2 === 0 ? [{ mark: 1, holder: reader }] : [],
    });
    expect(verdictAfter(30, mixed)).toMatchObject({ kind: "unknown", holders: [] });
  });

  test("does not blame writers or readers while no checkpoint was at work", () => {
    const unchecked = (second: number): Look => ({ ...growing(second), nBackfill: 0 });
    const verdict = verdictAfter(30, unchecked);
    expect(verdict.kind).toBe("unknown");
    expect(verdict.reason).toContain("no checkpoint was seen");
  });

  test("does not blame anybody for what the daemon's own check or a replicator holds back", () => {
    const checking = verdictAfter(30, growing, { checkRunning: true });
    expect(checking.kind).toBe("unknown");
    expect(checking.reason).toContain("an integrity check of the daemon's own");
    const replicator = {
      name: "Litestream",
      evidence: "process",
      holders: [holder(9, "litestream")],
      sinceMs: nowMs,
      missingSinceMs: null,
    } as const;
    expect(verdictAfter(30, growing, { replicator }).reason).toContain("left to Litestream");
  });

  test("is exclusive once such a lock has outlasted a last close", () => {
    const change = { locks: locks({ exclusive: writer, databaseLockers: [writer] }) };
    const at = (second: number) => watch(second + 1, () => ({ change }), { exclusiveSinceMs: nowMs });
    expect(at(4).verdict?.kind).toBe("unknown");
    expect(at(5).verdict).toMatchObject({ kind: "exclusive", holders: [writer], sinceMs: nowMs });
  });

  test("is unknown where locks cannot be seen, or a leftover index is all there is of a large WAL", () => {
    const unseen = { locks: { kind: "unobservable", reason: "hidden" } } as const;
    expect(verdictAfter(1, () => ({ change: unseen })).kind).toBe("unknown");
    const leftover = { locks: locks() };
    expect(verdictAfter(1, () => ({ mxFrame: 5_000, change: leftover })).kind).toBe("unknown");
    expect(verdictAfter(1, () => ({ mxFrame: 50, change: leftover })).kind).toBe("healthy");
    const partial = { locks: locks({ viewIsComplete: false, connectedWithOwnCount: 1 }) };
    expect(verdictAfter(1, () => ({ change: partial })).kind).toBe("unknown");
    const unreadable = {
      database: { kind: "unreadable", operation: "open", code: "EACCES" },
      header: null,
    } as const;
    expect(verdictAfter(1, () => ({ change: unreadable })).kind).toBe("unknown");
  });

  test("stays while a look in between cannot be understood, or shows another state for a moment", () => {
    const flickering = (second: number): Look => {
      if (second % 3 === 1) return { change: { walIndex: { kind: "copiesDiffer" } } };
      return second % 3 === 2 ? { fileFrameCount: 5_000 } : {};
    };
    expect(verdictAfter(30, flickering)).toMatchObject({ kind: "healthy", sinceMs: nowMs });
  });

  test("changes once another one has lasted, and says since when it has", () => {
    const truncated = (second: number): Look => (second < 10 ? { fileFrameCount: 5_000 } : {});
    expect(verdictAfter(15, truncated).kind).toBe("plateau");
    expect(verdictAfter(16, truncated)).toMatchObject({ kind: "healthy", sinceMs: nowMs + 10_000 });
  });

  test("begins anew with a WAL that starts over", () => {
    const resetting = (second: number): Look => {
      const round = Math.floor(second / 8);
      const mxFrame = 150 + 30 * (second % 8);
      const change = withWal(mxFrame, mxFrame - 50);
      const { walHeader, walIndex: index } = change;
      if (walHeader?.kind !== "header" || index?.kind !== "index") throw new Error("no WAL");
      return {
        change: {
          ...change,
          walHeader: { kind: "header", header: { ...walHeader.header, salt1: 5 + round } },
          walIndex: { kind: "index", index: { ...index.index, salt1: 5 + round } },
        },
      };
    };
    expect(watch(60, resetting).verdict).toMatchObject({ kind: "unknown", sinceMs: nowMs });
  });

  test("remembers nothing new of a database at rest, so that its looks can be passed over", () => {
    for (const look of [{}, { fileFrameCount: 5_000 }, { mxFrame: 500, nBackfill: 500 }]) {
      const watched = watch(60, () => look);
      const again = noteWalWatch(watched, seen(look, 61_000), endedState(), config());
      expect(again).toBe(watched);
      expect(isWatching(again, nowMs + 61_000)).toBe(false);
    }
    expect(isWatching(watch(30, growing), nowMs + 30_000)).toBe(true);
  });

  test("keeps its ages when the clock is set, forward and back", () => {
    const watched = watch(21, growing);
    for (const jumpMs of [-86_400_000, 86_400_000]) {
      const paused = { ...seen(growing(20), 21_000), observedAtMs: nowMs + 21_000 + jumpMs };
      const later = noteWalWatch(shiftWalWatch(watched, jumpMs), paused, endedState(), config());
      expect(later.verdict).toMatchObject({
        kind: "write-storm",
        sinceMs: jumpMs + (watched.verdict?.sinceMs ?? 0),
      });
      expect(later.candidate).toBeNull();
    }
  });

  test("what is remembered of a pressure is bounded", () => {
    let watched = noWalWatch;
    for (let at = 0; at < 5_000; at += 1) {
      const look = { ...growing(at), writer: holder(100 + at) };
      watched = noteWalWatch(watched, seen(look, at * 250), endedState(), config());
    }
    expect(watched.pressure?.looks.length).toBeLessThanOrEqual(60);
    expect(watched.pressure?.writerPids.length).toBeLessThanOrEqual(64);
  });
});

describe("is not called healthy while something else is wrong", () => {
  const failed = checkpointStatus({ outcome: "failed", reason: "SQLITE_FULL database or disk is full" });
  const history = { ...endedState().checkpoint, last: failed, consecutiveFailureCount: 1 };
  const refused = { guard: "wal_of_another_file", verdict: "refuse", reason: "" } as const;
  const lost = { file: "wal", code: "EIO", atMs: nowMs, walIdentity: null, databaseIdentity: null } as const;
  for (const [what, look, state, words] of [
    ["a full disk", { change: { freeBytes: 4096 } }, {}, "the file system is full (4096 bytes free)"],
    ["a checkpoint that failed", {}, { checkpoint: history }, "its last checkpoint failed: SQLITE_FULL"],
    ["a guard that speaks of its files", {}, { guards: [refused] }, "a guard refuses (wal_of_another_file)"],
    ["a sync that failed", {}, { fsyncError: lost }, "failed with EIO"],
    [
      "damage in the database",
      {},
      { quickCheck: integrityStatus({ verdict: "structural" }) },
      "structurally corrupt",
    ],
  ] as const)
    test(what, () => {
      const { kind, reason } = verdictAfter(1, () => look, state);
      expect(kind).toBe("unknown");
      expect(reason).toContain(words);
    });

  test("at once, and healthy again when it has been over for a while", () => {
    const full = (from: number, to: number) => (second: number) => ({
      change: { freeBytes: second >= from && second < to ? 0 : 1_000_000_000 },
    });
    expect(verdictAfter(4, full(3, 9)).kind).toBe("unknown");
    expect(verdictAfter(16, full(3, 9)).kind).toBe("healthy");
  });

  test("what the daemon may not do with it is no matter of the WAL", () => {
    const owner = { guard: "owner", verdict: "refuse", reason: "" } as const;
    expect(verdictAfter(1, () => ({}), { guards: [owner] }).kind).toBe("healthy");
  });
});

test("a WAL file that is no file is unknown, never healthy", () => {
  const change = { wal: { kind: "other", what: "fifo" }, shm: regularFile() } as const;
  expect(verdictAfter(1, () => ({ change })).kind).toBe("unknown");
});

test.each([
  ["it may not be read", { kind: "unreadable", operation: "open", code: "EACCES" }, "open: EACCES"],
  ["it is a directory", { kind: "other", what: "directory" }, "it is a directory"],
] as const)(
  "a WAL that nobody is connected to is unknown where %s, with the reason",
  (_what, wal, reason) => {
    const change = { wal, walHeader: null, shm: { kind: "absent" }, walIndex: null, locks: locks() } as const;
    const verdict = verdictAfter(1, () => ({ change }));
    expect(verdict.kind).toBe("unknown");
    expect(verdict.reason).toContain(reason);
  },
);
