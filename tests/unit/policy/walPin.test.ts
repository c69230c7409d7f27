/** What looks at locks and marks prove of a reader that holds the WAL back. */
import { describe, expect, test } from "bun:test";
import type { LockHolder, Observation } from "../../../src/domain/observation.ts";
import {
  describePin,
  type Excused,
  type HeldMark,
  leavesMarksReason,
  noteHeldMarks,
} from "../../../src/policy/walPin.ts";
import {
  hiddenLocks,
  holder,
  locks,
  nowMs,
  observation,
  regularFile,
  walIndex,
  withWal,
} from "../../support/builders.ts";

const report = holder(11, "report");
const web = holder(12, "web");
const nobodyExcused: Excused = { pids: new Set(), unnamed: false };

interface Look {
  readonly atMs: number;
  readonly mxFrame?: number;
  readonly nBackfill?: number;
  readonly readers?: readonly { readonly mark: number; readonly holder: LockHolder }[];
  readonly marks?: readonly number[];
  readonly salt1?: number;
  readonly change?: Partial<Observation>;
}

function seen({ atMs, mxFrame = 100, nBackfill = 40, readers = [], marks, salt1 = 5, change }: Look) {
  const readMarks = marks ?? [0, 40, 60, 100, 0xffffffff];
  const wal = withWal(mxFrame, nBackfill);
  return observation({
    ...wal,
    ...(wal.walHeader?.kind === "header"
      ? { walHeader: { kind: "header", header: { ...wal.walHeader.header, salt1 } } }
      : {}),
    walIndex: walIndex({ mxFrame, nBackfill, readMarks, salt1 }),
    locks: locks({ readers, connected: [report, web] }),
    observedAtMs: nowMs + atMs,
    ...change,
  });
}

function pinAfter(looks: readonly Look[], excused = nobodyExcused) {
  let marks: readonly HeldMark[] = [];
  let last: Observation | null = null;
  for (const look of looks) {
    last = seen(look);
    marks = noteHeldMarks(marks, last, excused);
  }
  return describePin(marks, last);
}

const old = { mark: 1, holder: report };

describe("a pin", () => {
  test("is a reader that is seen on one mark before the end of the WAL for five seconds, at least since the first look", () => {
    const looks = [0, 1_000, 2_000, 3_000, 4_000].map((atMs) => ({ atMs, readers: [old] }));
    expect(pinAfter(looks)).toEqual({ kind: "none" });
    expect(pinAfter([...looks, { atMs: 5_000, mxFrame: 250, readers: [old] }])).toEqual({
      kind: "held",
      sinceMs: nowMs,
      heldFrameCount: 210,
      holders: [{ ...report, sinceMs: nowMs, heldFrameCount: 210 }],
      unnamedHolders: false,
    });
  });

  test("is no reader whose mark lies at the end of the WAL, however long it stays", () => {
    const readers = [{ mark: 3, holder: web }];
    expect(
      pinAfter([
        { atMs: 0, readers },
        { atMs: 3_600_000, readers },
      ]),
    ).toEqual({ kind: "none" });
  });

  test("counts from the moment at which something waits behind the mark, not from before", () => {
    const readers = [{ mark: 3, holder: web }];
    const idle = { atMs: 0, readers };
    const behind = { atMs: 60_000, mxFrame: 101, readers };
    expect(pinAfter([idle, behind])).toEqual({ kind: "none" });
    expect(pinAfter([idle, behind, { ...behind, atMs: 65_000 }])).toMatchObject({ sinceMs: nowMs + 60_000 });
  });

  test("is nobody who takes a newer mark at each look, on the same slot too", () => {
    const looks = [0, 1, 2, 3, 4, 5, 6, 7].map((second) => ({
      atMs: second * 1_000,
      mxFrame: 100 + 10 * second,
      marks: [0, 95 + 10 * second, 0, 0, 0],
      readers: [old],
    }));
    expect(pinAfter(looks)).toEqual({ kind: "none" });
  });

  test("ends with the WAL that it was in: the same mark in the next one is another reader", () => {
    const looks = [
      { atMs: 0, readers: [old] },
      { atMs: 6_000, readers: [old], salt1: 6 },
    ];
    expect(pinAfter(looks)).toEqual({ kind: "none" });
  });

  test("on mark 0 keeps everything from being copied, and ends with the first frame that is", () => {
    const readers = [{ mark: 0, holder: report }];
    const held = [
      { atMs: 0, readers },
      { atMs: 5_000, readers },
    ];
    expect(pinAfter(held)).toMatchObject({ heldFrameCount: 60, holders: [{ pid: 11 }] });
    expect(pinAfter([held[0] ?? { atMs: 0 }, { atMs: 5_000, readers, nBackfill: 50 }])).toEqual({
      kind: "none",
    });
  });

  test("survives one look whose list left it out, and not two", () => {
    const gap = { atMs: 3_000 };
    const last = { atMs: 6_000, readers: [old] };
    expect(pinAfter([{ atMs: 0, readers: [old] }, gap, last])).toMatchObject({ sinceMs: nowMs });
    expect(pinAfter([{ atMs: 0, readers: [old] }, gap, { atMs: 4_000 }, last])).toEqual({ kind: "none" });
  });

  test("is not bridged where somebody found the mark free and changed it", () => {
    const changed = { atMs: 3_000, marks: [0, 100, 60, 100, 0] };
    const looks = [{ atMs: 0, readers: [old] }, changed, { atMs: 6_000, readers: [old] }];
    expect(pinAfter(looks)).toEqual({ kind: "none" });
  });

  test("that nobody sees any more is not shown", () => {
    expect(pinAfter([{ atMs: 0, readers: [old] }, { atMs: 6_000, readers: [old] }, { atMs: 7_000 }])).toEqual(
      {
        kind: "none",
      },
    );
  });

  test("by two readers names both, the one that holds back most first", () => {
    const readers = [{ mark: 2, holder: web }, old];
    const pin = pinAfter([
      { atMs: 0, readers },
      { atMs: 5_000, readers },
    ]);
    expect(pin).toMatchObject({
      heldFrameCount: 60,
      holders: [{ pid: 11 }, { pid: 12, heldFrameCount: 40 }],
    });
  });

  test("passes to whoever took the mark over: it was never free, and says since when each was seen", () => {
    const other = { mark: 1, holder: web };
    const looks = [
      { atMs: 0, readers: [old] },
      { atMs: 4_000, readers: [old, other] },
      { atMs: 8_000, readers: [other] },
    ];
    expect(pinAfter(looks)).toMatchObject({
      sinceMs: nowMs,
      holders: [{ pid: 12, sinceMs: nowMs + 4_000 }],
    });
  });

  test("is not a replicator that reads all the time, while another reader beside it is", () => {
    const excused = { pids: new Set([11]), unnamed: false };
    const both = [old, { mark: 2, holder: web }];
    expect(
      pinAfter(
        [
          { atMs: 0, readers: [old] },
          { atMs: 9_000, readers: [old] },
        ],
        excused,
      ),
    ).toEqual({
      kind: "none",
    });
    const pin = pinAfter(
      [
        { atMs: 0, readers: both },
        { atMs: 9_000, readers: both },
      ],
      excused,
    );
    expect(pin).toMatchObject({ heldFrameCount: 40, holders: [{ pid: 12 }] });
  });

  test("from another PID namespace is told of without a name", () => {
    const hidden = hiddenLocks({ readerMarks: [1] });
    const change = { locks: locks({ viewIsComplete: false, hidden, connectedWithOwnCount: 1 }) };
    const looks = [
      { atMs: 0, change },
      { atMs: 5_000, change },
    ];
    expect(pinAfter(looks)).toMatchObject({ kind: "held", holders: [], unnamedHolders: true });
    expect(pinAfter(looks, { pids: new Set(), unnamed: true })).toEqual({ kind: "none" });
    const covered = locks({
      viewIsComplete: false,
      hidden: { ...hidden, readerMarks: [], readersCovered: true },
      connectedWithOwnCount: 1,
    });
    expect(pinAfter([{ atMs: 0, change: { locks: covered } }]).kind).toBe("unobservable");
  });

  test("cannot be denied where locks cannot be seen", () => {
    const unseen = { locks: { kind: "unobservable", reason: "hidden" } } as const;
    expect(pinAfter([{ atMs: 0, change: unseen }]).kind).toBe("unobservable");
    const partial = { locks: locks({ viewIsComplete: false, connectedWithOwnCount: 1 }) };
    expect(pinAfter([{ atMs: 0, change: partial }]).kind).toBe("unobservable");
    expect(describePin([], null).kind).toBe("unobservable");
  });

  describe("by a reader that may not write the WAL-index", () => {
    const stranger: LockHolder = { ...report, user: "nobody", uid: 65_534 };
    const unable = { kind: "unobservable", reason: leavesMarksReason } as const;
    const on = (mark: number, ...holders: readonly LockHolder[]) =>
      holders.map((holder) => ({ mark, holder }));
    const through = (readers: Look["readers"], change?: Partial<Observation>) =>
      pinAfter(
        [0, 2_000, 5_000].map((atMs) => ({ atMs, readers: readers ?? [], ...(change ? { change } : {}) })),
      );

    test("is not proven, and nobody is named: each of its short reads takes the same old mark", () => {
      expect(through(on(1, stranger))).toEqual(unable);
      expect(pinAfter([{ atMs: 0, readers: on(1, stranger) }])).toEqual({ kind: "none" });
    });

    test("is judged by user, owner and permissions", () => {
      const shm = (permissions: number) => ({ shm: regularFile({ uid: 1000, permissions }) });
      expect(through(on(1, stranger), shm(0o666)).kind).toBe("held");
      // It may be of the group, or not.
      expect(through(on(1, stranger), shm(0o664))).toEqual(unable);
      expect(through(on(1, stranger), shm(0o606))).toEqual(unable);
      expect(through(on(1, web), shm(0o444))).toEqual(unable);
      expect(through(on(1, { ...stranger, uid: 0 })).kind).toBe("held");
      expect(through(on(1, { ...stranger, uid: null }))).toEqual(unable);
    });

    test("is a pin on mark 0: while frames wait nobody takes it anew", () => {
      expect(through(on(0, stranger))).toMatchObject({ kind: "held", holders: [{ pid: 11 }] });
    });

    test("names only those beside it that set marks, since they were seen", () => {
      expect(through(on(1, stranger, web))).toMatchObject({ kind: "held", holders: [{ pid: 12 }] });
      const later = [
        { atMs: 0, readers: on(1, stranger) },
        { atMs: 4_000, readers: on(1, stranger, web) },
      ];
      const still = { atMs: 8_000, readers: on(1, web) };
      expect(pinAfter([...later, still]).kind).toBe("none");
      expect(pinAfter([...later, still, { ...still, atMs: 9_000 }])).toMatchObject({
        kind: "held",
        sinceMs: nowMs + 4_000,
        holders: [{ pid: 12 }],
      });
    });
  });

  test("nothing new is remembered while the same is seen", () => {
    const first = noteHeldMarks([], seen({ atMs: 0, readers: [old] }), nobodyExcused);
    expect(noteHeldMarks(first, seen({ atMs: 1_000, mxFrame: 300, readers: [old] }), nobodyExcused)).toBe(
      first,
    );
  });
});
