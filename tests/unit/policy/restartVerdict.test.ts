/** Every line of the table at the head of restartVerdict.ts, for the same page cache and for another boot. */
import { describe, expect, test } from "bun:test";
import type { LedgerEntry, RestartLook, RestartVerdictKind } from "../../../src/domain/ledger.ts";
import { restartVerdict } from "../../../src/policy/restartVerdict.ts";
import {
  bootBefore,
  bootNow,
  entry,
  type FoundWal,
  foundWal,
  ledgerHeader,
  look,
  noted,
  notedAtMs,
} from "./ledgerBuilders.ts";

const none = { kind: "none" } as const;
const shorter = (mxFrame: number, commitCount: number | null): FoundWal =>
  foundWal({ mxFrame, commitCount, seenFrameMatches: null });
const ahead = (change: Partial<FoundWal> = {}): FoundWal =>
  foundWal({
    salt1: 503,
    salt2: 9,
    checkpointSequence: 10,
    mxFrame: 5,
    commitCount: 5,
    seenFrameMatches: null,
    provenFrameMatches: null,
    ...change,
  });
const behind = ahead({ salt1: 499, checkpointSequence: 6 });
const anew = ahead({ salt1: 0x9000_0000, checkpointSequence: 0 });
const ofThisBoot = notedAtMs + 550_000;

type Bounds = readonly [exposed: number | null, proven: number | null];
const unknown: Bounds = [null, null];
const nothing: Bounds = [0, 0];
type Expected = readonly [RestartVerdictKind, Bounds];

interface Line {
  readonly entry?: Partial<LedgerEntry>;
  readonly look?: Partial<RestartLook>;
  readonly sameCache: Expected;
  readonly anotherBoot: Expected;
}

const intact: Expected = ["intact", nothing];
const undecidable: Expected = ["undecidable", unknown];
const both = (expected: Expected) => ({ sameCache: expected, anotherBoot: expected });

const lines: Readonly<Record<string, Line>> = {
  "all frames are there": both(intact),
  "more frames are there": { look: { wal: foundWal({ mxFrame: 900, commitCount: 450 }) }, ...both(intact) },
  "all frames are there, database pages were exposed": {
    entry: { databaseExposed: true },
    sameCache: intact,
    anotherBoot: undecidable,
  },
  "all frames are there, exposure could not be seen": {
    entry: { databaseExposed: null },
    sameCache: intact,
    anotherBoot: undecidable,
  },
  "another frame stands where the last one was seen": {
    look: { wal: foundWal({ mxFrame: 120, seenFrameMatches: false }) },
    ...both(["exposed-lost", [1, 0]]),
  },
  "another frame stands where the last proven one was": {
    look: { wal: foundWal({ mxFrame: 120, seenFrameMatches: false, provenFrameMatches: false }) },
    ...both(["proven-lost", [20, 1]]),
  },
  "enough frames, checksum not known, not written since": {
    look: { wal: foundWal({ seenFrameMatches: null }) },
    ...both(intact),
  },
  "enough frames, checksum not known, written since": {
    look: { wal: foundWal({ seenFrameMatches: null, modifiedAtMs: ofThisBoot }) },
    sameCache: intact,
    anotherBoot: undecidable,
  },
  "cut between proven and seen": {
    look: { wal: shorter(80, 40) },
    ...both(["exposed-lost", [10, 0]]),
  },
  "cut at proven": { look: { wal: shorter(60, 30) }, ...both(["exposed-lost", [20, 0]]) },
  "cut between proven and seen, commits not counted": {
    entry: { wal: noted({ seenCommitCount: null }) },
    look: { wal: shorter(80, 40) },
    ...both(["exposed-lost", [1, 0]]),
  },
  "cut below proven": { look: { wal: shorter(40, 18) }, ...both(["proven-lost", [20, 12]]) },
  "cut below proven, where everything was proven": {
    entry: { wal: noted({ provenFrame: 100, provenCommitCount: 50 }) },
    look: { wal: shorter(40, 18) },
    ...both(["proven-lost", [0, 32]]),
  },
  "cut below proven, commits not counted": {
    entry: { wal: noted({ seenCommitCount: null, provenCommitCount: null }) },
    look: { wal: shorter(40, null) },
    ...both(["proven-lost", [1, 1]]),
  },
  "no frame is left": { look: { wal: shorter(0, 0) }, ...both(["proven-lost", [20, 30]]) },
  "started over, all was proven": {
    entry: { wal: noted({ provenFrame: 100, provenCommitCount: 50 }) },
    look: { wal: ahead({ modifiedAtMs: ofThisBoot }) },
    ...both(intact),
  },
  "started over, and written before the boot": { look: { wal: ahead() }, ...both(intact) },
  "started over, and written since the boot": {
    look: { wal: ahead({ modifiedAtMs: ofThisBoot }) },
    sameCache: intact,
    anotherBoot: undecidable,
  },
  "started over, by a clock that was wrong": {
    look: { wal: ahead({ modifiedAtMs: 1_000 }) },
    sameCache: intact,
    anotherBoot: undecidable,
  },
  "started over by a connection that counts for itself": {
    look: { wal: ahead({ checkpointSequence: 3 }) },
    ...both(intact),
  },
  "started over, database pages were exposed": {
    entry: { databaseExposed: true },
    look: { wal: ahead() },
    sameCache: intact,
    anotherBoot: undecidable,
  },
  "started over, and checkpoints were never seen to sync": {
    entry: { checkpointsSeenToSync: false },
    look: { wal: ahead() },
    sameCache: intact,
    anotherBoot: undecidable,
  },
  "started over, all was copied before": {
    entry: { checkpointsSeenToSync: false, wal: noted({ backfilledFrame: 100 }) },
    look: { wal: ahead({ modifiedAtMs: ofThisBoot }) },
    ...both(intact),
  },
  "cut between proven and seen, database pages were exposed": {
    entry: { databaseExposed: true },
    look: { wal: shorter(80, 40) },
    sameCache: ["exposed-lost", [10, 0]],
    anotherBoot: undecidable,
  },
  "its header is lost, some was proven": { look: { wal: behind }, ...both(["proven-lost", [20, 30]]) },
  "its header is lost, nothing was proven": {
    entry: { wal: noted({ provenFrame: 0, provenCommitCount: 0 }) },
    look: { wal: behind },
    sameCache: ["exposed-lost", [50, 0]],
    anotherBoot: undecidable,
  },
  "gone, not all was copied": { look: { wal: none }, ...both(undecidable) },
  "gone, all was copied": {
    entry: { wal: noted({ backfilledFrame: 100 }) },
    look: { wal: none },
    sameCache: intact,
    anotherBoot: undecidable,
  },
  "gone, all was copied and proven": {
    entry: { wal: noted({ backfilledFrame: 100, provenFrame: 100, provenCommitCount: 50 }) },
    look: { wal: none },
    ...both(intact),
  },
  "gone, all was copied and proven, database pages were exposed": {
    entry: {
      wal: noted({ backfilledFrame: 100, provenFrame: 100, provenCommitCount: 50 }),
      databaseExposed: true,
    },
    look: { wal: none },
    sameCache: intact,
    anotherBoot: undecidable,
  },
  "begun anew, not all was copied": { look: { wal: anew }, ...both(undecidable) },
  "begun anew with salts that seem to come just before": {
    look: { wal: ahead({ salt1: 499, checkpointSequence: 0 }) },
    ...both(undecidable),
  },
  "begun anew, all was copied and proven": {
    entry: { wal: noted({ backfilledFrame: 100, provenFrame: 100, provenCommitCount: 50 }) },
    look: { wal: anew },
    ...both(intact),
  },
  "cannot be read": { look: { wal: { kind: "unreadable", reason: "read: EIO" } }, ...both(undecidable) },
  "there was no WAL": { entry: { wal: null }, look: { wal: none }, ...both(intact) },
  "there was no WAL, exposure could not be seen": {
    entry: { wal: null, databaseExposed: null },
    look: { wal: none },
    sameCache: intact,
    anotherBoot: undecidable,
  },
  "a VACUUM: fewer pages, a higher counter": {
    entry: { wal: null },
    look: { wal: none, header: ledgerHeader({ changeCounter: 41, pageCount: 3 }) },
    ...both(intact),
  },
  "rollback mode": {
    entry: { wal: null, header: ledgerHeader({ inWalMode: false }), databaseExposed: null },
    look: { wal: none, header: ledgerHeader({ inWalMode: false }) },
    sameCache: intact,
    anotherBoot: undecidable,
  },
  "rollback mode with a journal": {
    entry: { wal: null, header: ledgerHeader({ inWalMode: false }), databaseExposed: null },
    look: { wal: none, header: ledgerHeader({ inWalMode: false, changeCounter: 39 }), hasJournal: true },
    sameCache: intact,
    anotherBoot: undecidable,
  },
  "another inode": { look: { inode: "11" }, ...both(["replaced", unknown]) },
  "the header went back": {
    entry: { wal: null },
    look: { wal: none, header: ledgerHeader({ changeCounter: 12 }) },
    ...both(["rolled-back", unknown]),
  },
  "the header went back, database pages were exposed": {
    entry: { wal: null, databaseExposed: true },
    look: { wal: none, header: ledgerHeader({ changeCounter: 12 }) },
    sameCache: ["rolled-back", unknown],
    anotherBoot: ["exposed-lost", [1, 0]],
  },
  "the counter went over its end": {
    entry: { wal: null, header: ledgerHeader({ changeCounter: 0xffff_ffff }) },
    look: { wal: none, header: ledgerHeader({ changeCounter: 2 }) },
    ...both(intact),
  },
  "the header went back, and the WAL carries the newer one": {
    look: { wal: foundWal({ pageOneChangeCounter: 41 }), header: ledgerHeader({ changeCounter: 12 }) },
    ...both(intact),
  },
  "a backup of before lies in the same inode, with the WAL beside it": {
    look: { header: ledgerHeader({ changeCounter: 12 }) },
    ...both(["rolled-back", unknown]),
  },
  "both database and WAL of before lie there": {
    look: { header: ledgerHeader({ changeCounter: 12 }), wal: shorter(40, 18) },
    sameCache: ["rolled-back", unknown],
    anotherBoot: ["proven-lost", [20, 12]],
  },
  "no database header any more": { look: { header: null }, ...both(undecidable) },
};

describe.each(Object.entries(lines))("%s", (_name, line) => {
  const inCache = look({ bootId: bootBefore, ...line.look });
  const afterBoot = look({ ...line.look });

  test.each([
    ["the same page cache", inCache, line.sameCache],
    ["another boot", afterBoot, line.anotherBoot],
  ] as const)("%s", (_cache, found, [kind, [exposed, proven]]) => {
    const verdict = restartVerdict(entry(line.entry), found, null);
    expect(verdict).toMatchObject({
      kind,
      lostExposedCommitCountMin: exposed,
      lostProvenCommitCountMin: proven,
      judgedAtMs: found.lookedAtMs,
    });
    expect(verdict.reason).not.toBe("");
  });

  test("announced before, anything but intact is the restore", () => {
    const announced = entry({ ...line.entry, restoreWindowEndsAtMs: afterBoot.lookedAtMs });
    const [kind] = line.anotherBoot;
    expect(restartVerdict(announced, afterBoot, null).kind).toBe(kind === "intact" ? "intact" : "restored");
    const tooLate = { ...afterBoot, lookedAtMs: afterBoot.lookedAtMs + 1 };
    expect(restartVerdict(announced, tooLate, null).kind).toBe(kind);
  });
});

describe("a database that was written since it was noted", () => {
  const nothingWaited = entry({ wal: null });
  const allCopied = entry({ wal: noted({ backfilledFrame: 100, provenFrame: 100, provenCommitCount: 50 }) });
  const { databaseBytes } = entry();
  const written = { databaseModifiedAtMs: notedAtMs + 300_000 };
  const kindOf = (known: LedgerEntry, change: Partial<RestartLook>) =>
    restartVerdict(known, look(change), null).kind;

  test.each([
    ["the same page cache", bootBefore],
    ["another boot", bootNow],
  ] as const)("without a WAL to explain it is undecidable, and never a loss: %s", (_cache, bootId) => {
    for (const known of [nothingWaited, allCopied]) {
      const changes = [
        written,
        { databaseBytes: databaseBytes + 4_096 },
        { databaseModifiedAtMs: notedAtMs - 86_400_000 },
      ];
      for (const change of changes) {
        const verdict = restartVerdict(known, look({ bootId, wal: none, ...change }), null);
        expect(verdict).toMatchObject({ kind: "undecidable", lostExposedCommitCountMin: null });
        expect(verdict.reason).toContain("closed by its application, or written by a hand");
      }
      expect(kindOf(known, { bootId, wal: none })).toBe("intact");
      expect(kindOf(known, { bootId, wal: anew, ...written })).toBe("undecidable");
      expect(kindOf(known, { bootId, wal: anew })).toBe("intact");
    }
  });

  test("is explained by a WAL of the noted life, or by one that followed it", () => {
    for (const wal of [foundWal(), ahead()])
      for (const bootId of [bootBefore, bootNow]) {
        const change = { bootId, wal, ...written, databaseBytes: databaseBytes + 4_096 };
        expect(kindOf(allCopied, change)).toBe("intact");
      }
  });

  test("a power cut takes the time of the last write back by seconds, a page cache that was kept does not", () => {
    const change = { wal: none, databaseModifiedAtMs: notedAtMs - 30_000 };
    expect(kindOf(nothingWaited, change)).toBe("intact");
    expect(kindOf(nothingWaited, { ...change, bootId: bootBefore })).toBe("undecidable");
  });

  test("an entry of an earlier version, which noted no time, is judged by the size", () => {
    const known = { ...nothingWaited, databaseModifiedAtMs: null };
    expect(kindOf(known, { bootId: bootBefore, wal: none, ...written })).toBe("intact");
    expect(kindOf(known, { bootId: bootBefore, wal: none, databaseBytes: 4_096 })).toBe("undecidable");
  });
});

test("the same boot on another device is a page cache that was lost", () => {
  const found = look({ bootId: bootBefore, device: "65", wal: ahead({ modifiedAtMs: ofThisBoot }) });
  expect(restartVerdict(entry(), found, null).kind).toBe("undecidable");
});

test("a boot that is not known is another one", () => {
  expect(restartVerdict(entry({ bootId: null }), look({ bootId: null, wal: none }), null).kind).toBe(
    "undecidable",
  );
  const copied = entry({ bootId: null, wal: noted({ backfilledFrame: 100 }) });
  expect(restartVerdict(copied, look({ bootId: null, wal: none }), null).kind).toBe("undecidable");
});

test("beside an application that came up first an older header proves nothing", () => {
  const found = look({ wal: foundWal({ isLive: true }), header: ledgerHeader({ changeCounter: 12 }) });
  expect(restartVerdict(entry(), found, null).kind).toBe("intact");
});

describe("after a sync that failed", () => {
  const failed = (file: "wal" | "database") =>
    entry({ fsyncError: { file, code: "EIO", atMs: 0, walIdentity: "500 600", databaseIdentity: "64:10" } });
  const boots = [
    ["the same boot", bootBefore],
    ["another boot", bootNow],
  ] as const;

  test.each(boots)("of the database nothing is called intact: %s", (_which, bootId) => {
    for (const wal of [foundWal(), foundWal({ isLive: true }), foundWal({ salt1: 501, salt2: 7 })]) {
      const verdict = restartVerdict(failed("database"), look({ bootId, wal }), null);
      expect(verdict).toMatchObject({ kind: "undecidable", lostProvenCommitCountMin: null });
      expect(verdict.reason).toContain("a sync of the database had failed with EIO");
      expect(verdict.reason).toContain("integrity check");
    }
  });

  test.each(boots)("of the WAL it is intact only where all frames were read: %s", (_which, bootId) => {
    const kindOf = (wal: FoundWal) => restartVerdict(failed("wal"), look({ bootId, wal }), null).kind;
    expect(kindOf(foundWal())).toBe("intact");
    expect(kindOf(foundWal({ isLive: true }))).toBe("undecidable");
    expect(kindOf(foundWal({ seenFrameMatches: null }))).toBe("undecidable");
    expect(kindOf(foundWal({ salt1: 501, salt2: 7, checkpointSequence: 8 }))).toBe("undecidable");
  });

  test("a loss stays one, and says what came before it", () => {
    const verdict = restartVerdict(
      failed("wal"),
      look({ wal: foundWal({ mxFrame: 10, commitCount: 5 }) }),
      null,
    );
    expect(verdict.kind).toBe("proven-lost");
    expect(verdict.reason).toContain("a sync of the WAL had failed with EIO");
  });
});

test("without an entry nothing is claimed", () => {
  expect(restartVerdict(null, look(), null)).toMatchObject({
    kind: "first-seen",
    lostExposedCommitCountMin: null,
    lostProvenCommitCountMin: null,
  });
});

describe("beside a WAL that belongs to another database", () => {
  const another = { kind: "another", evidence: "its pages tell" } as const;
  const behind = ledgerHeader({ changeCounter: 39 });

  test.each(Object.entries(lines))("%s: nothing that the WAL says counts", (_name, line) => {
    for (const bootId of [bootBefore, bootNow]) {
      const found = look({ bootId, ...line.look });
      const verdict = restartVerdict(entry(line.entry), found, another);
      expect(["undecidable", "replaced", "rolled-back"]).toContain(verdict.kind);
      expect([verdict.lostExposedCommitCountMin, verdict.lostProvenCommitCountMin]).toEqual([null, null]);
    }
  });

  test("the reason names what tells it, and what the WAL alone would say", () => {
    const { kind, reason } = restartVerdict(entry(), look({ bootId: bootBefore }), another);
    expect(kind).toBe("undecidable");
    expect(reason).toContain("its pages tell");
    expect(reason).toContain("this were intact");
  });

  test("a header that went back proves an earlier content, whatever page 1 in that WAL says", () => {
    const wal = foundWal({ pageOneChangeCounter: 41 });
    for (const bootId of [bootBefore, bootNow])
      expect(restartVerdict(entry(), look({ bootId, wal, header: behind }), another).kind).toBe(
        "rolled-back",
      );
  });

  test("after a cut it proves nothing where a checkpoint may have been undone", () => {
    for (const databaseExposed of [true, null])
      expect(restartVerdict(entry({ databaseExposed }), look({ header: behind }), another).kind).toBe(
        "undecidable",
      );
  });

  test("announced, it is the restore", () => {
    const announced = entry({ restoreWindowEndsAtMs: look().lookedAtMs });
    expect(restartVerdict(announced, look(), another).kind).toBe("restored");
  });
});

test("a WAL that fits, or of which nothing is known, changes no verdict", () => {
  for (const lineage of [
    null,
    { kind: "fits" },
    { kind: "nothing" },
    { kind: "undecided", reason: "" },
  ] as const)
    for (const line of Object.values(lines)) {
      const found = look({ bootId: bootBefore, ...line.look });
      expect(restartVerdict(entry(line.entry), found, lineage).kind).toBe(line.sameCache[0]);
    }
});

describe("the same WAL with all its frames, beside a file that was written since", () => {
  const written = { databaseModifiedAtMs: notedAtMs + 300_000 };
  const kindOf = (mayHaveBeenCopied: boolean | null, change: Partial<RestartLook>) =>
    restartVerdict(entry(), look({ wal: foundWal({ mayHaveBeenCopied }), ...change }), null).kind;

  test("is undecidable where nothing was copied from the WAL since", () => {
    const { reason } = restartVerdict(
      entry(),
      look({ bootId: bootBefore, wal: foundWal({ mayHaveBeenCopied: false }), ...written }),
      null,
    );
    expect(reason).toContain("nothing was copied into it from this WAL");
    expect(kindOf(false, { bootId: bootBefore, ...written })).toBe("undecidable");
    expect(kindOf(false, { bootId: bootBefore, databaseBytes: 4_096 })).toBe("undecidable");
  });

  test("is intact where a checkpoint explains it, or where it was not written", () => {
    for (const copied of [true, null])
      expect(kindOf(copied, { bootId: bootBefore, ...written })).toBe("intact");
    expect(kindOf(false, { bootId: bootBefore })).toBe("intact");
  });

  test("after a cut only what was written since the boot counts", () => {
    expect(kindOf(false, written)).toBe("intact");
    expect(kindOf(false, { databaseModifiedAtMs: notedAtMs + 550_000 })).toBe("undecidable");
  });
});
