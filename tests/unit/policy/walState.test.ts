import { describe, expect, test } from "bun:test";
import type { FileLook, LockLook, Observation } from "../../../src/domain/observation.ts";
import { walStateOf } from "../../../src/policy/walState.ts";

type Seen = Pick<Observation, "wal" | "shm" | "walHeader" | "walIndex" | "locks">;

const file: FileLook = {
  kind: "regular",
  identity: "1:2",
  sizeBytes: 100_000,
  modifiedAtMs: 0,
  uid: 0,
  gid: 0,
  permissions: 0o644,
  linkCount: 1,
};

const locks: LockLook = {
  kind: "seen",
  exclusive: null,
  databaseLockers: [],
  connected: [],
  writer: null,
  checkpointer: null,
  recovering: null,
  readers: [],
  viewIsComplete: true,
  hidden: null,
  connectedWithOwnCount: 1,
};

const walHeader: Seen["walHeader"] = {
  kind: "header",
  header: { bigEndianChecksums: false, pageSizeBytes: 4096, checkpointSequence: 0, salt1: 5, salt2: 6 },
};

const index = {
  mxFrame: 9,
  nBackfill: 4,
  nBackfillAttempted: 4,
  readMarks: [0, 9, 0, 0, 0],
  pageSizeBytes: 4096,
  salt1: 5,
  salt2: 6,
  pageCount: 3,
  changeCounter: 8,
  frameChecksum1: 1,
  frameChecksum2: 2,
};

const good: Seen = { wal: file, shm: file, walHeader, walIndex: { kind: "index", index }, locks };

describe("walStateOf", () => {
  test("somebody is connected and the salts are those of the WAL: known", () => {
    expect(walStateOf(good)).toEqual({
      kind: "known",
      mxFrame: 9,
      nBackfill: 4,
      frameBytes: 4120,
      walIdentity: "5 6",
    });
  });

  test("an empty WAL-index is of any generation: known", () => {
    const empty = { ...index, mxFrame: 0, nBackfill: 0, salt1: 77 };
    for (const header of [walHeader, null])
      expect(walStateOf({ ...good, walHeader: header, walIndex: { kind: "index", index: empty } }).kind).toBe(
        "known",
      );
  });

  test("no WAL, or one without a byte: nothing can be pending", () => {
    expect(walStateOf({ ...good, wal: { kind: "absent" } })).toEqual({ kind: "noWal" });
    expect(walStateOf({ ...good, wal: { ...file, sizeBytes: 0 } })).toEqual({ kind: "noWal" });
  });

  const unknowns: readonly (readonly [string, Partial<Seen>])[] = [
    ["nobody is seen connected", { locks: { ...locks, connectedWithOwnCount: 0 } }],
    ["locks cannot be seen", { locks: { kind: "unobservable", reason: "hidden" } }],
    ["there is no WAL-index", { shm: { kind: "absent" }, walIndex: null }],
    ["no readable file", { shm: { kind: "other", what: "fifo" }, walIndex: null }],
    ["no readable file", { wal: { kind: "other", what: "symbolicLink" }, walHeader: null }],
    ["not valid: copiesDiffer", { walIndex: { kind: "copiesDiffer" } }],
    ["not valid: checksumMismatch", { walHeader: { kind: "checksumMismatch" } }],
    ["another generation", { walIndex: { kind: "index", index: { ...index, salt2: 7 } } }],
    ["page sizes", { walIndex: { kind: "index", index: { ...index, pageSizeBytes: 1024 } } }],
    ["started over", { walIndex: { kind: "index", index: { ...index, nBackfill: 10 } } }],
  ];
  test.each(unknowns)("unknown, with the reason: %s", (reason, change) => {
    const state = walStateOf({ ...good, ...change });
    expect(state).toEqual({ kind: "unknown", reason: expect.stringContaining(reason) });
  });
});
