import { describe, expect, test } from "bun:test";
import type { Observation } from "../../../src/domain/observation.ts";
import type { ResidueLook, ResidueReport } from "../../../src/domain/residueReport.ts";
import type { WalScan } from "../../../src/format/walScan.ts";
import { compareRecovery, describeFound } from "../../../src/policy/residueReport.ts";
import {
  databaseHeader,
  holder,
  locks,
  nowMs,
  observation,
  pageSizeBytes,
  path,
  regularFile,
  walHeader,
  withWal,
} from "../../support/builders.ts";

const scan: WalScan = {
  header: walHeader(),
  validFrameCount: 12,
  stop: { reason: "checksumMismatch", frame: 13 },
  trailingBytes: 5_000,
  remains: null,
  mxFrame: 10,
  commitCount: 3,
  pageCount: 41,
  pageOne: null,
  carriesDatabaseHeader: false,
  markedCommitCount: null,
  lastCommit: null,
  pagesBehindCount: 1,
  heldPageCount: null,
  lowestPageCount: null,
};
const hot: ResidueLook["journal"] = {
  kind: "scanned",
  header: {
    kind: "header",
    header: { announcedRecordCount: 4, initialPageCount: 30, sectorBytes: 512, pageSizeBytes },
  },
  recordCount: 4,
  superJournal: null,
  superJournalExists: null,
  sizeBytes: 20_000,
};

const leftWal = withWal(10, 0, 14);

function look(change: Partial<ResidueLook> = {}): ResidueLook {
  return {
    fingerprint: "",
    lookedAtMs: nowMs,
    durationMs: 1,
    wal: { kind: "scanned", scan, sizeBytes: 60_000 },
    journal: { kind: "none" },
    ...change,
  };
}

function report(change: Partial<ResidueLook> = {}, seen: Partial<Observation> = leftWal): ResidueReport {
  const found = describeFound(observation(seen), look(change), { kind: "fits" });
  return { database: "kv", path, foundAtMs: nowMs, found, walCopy: null, recovery: null };
}

describe("the report", () => {
  test("says what recovery will bring back, what it drops, and where the WAL is torn", () => {
    expect(report().found.expectation).toBe(
      "the WAL brings 3 commits in 10 frames back, the database then has 41 pages; 2 frames of a transaction that was never committed are dropped; the WAL is torn at frame 13",
    );
  });

  test("says of a -shm that was left whether it is of this WAL", () => {
    expect(report().found.shm).toMatchObject({ mxFrame: 10, isOfThisWal: true });
    const stale = { ...leftWal, walHeader: walHeader({ salt1: 99 }) };
    expect(report({}, stale).found.shm?.isOfThisWal).toBe(false);
  });

  test("tells a hot journal from one whose transaction was committed with its super-journal", () => {
    const found = (journal: ResidueLook["journal"]) => report({ journal }).found.journal;
    expect(found(hot)).toMatchObject({ state: "hot", pageRecordCount: 4, initialPageCount: 30 });
    const superJournal = "/data/kv.db-mj01";
    expect(found({ ...hot, superJournal, superJournalExists: true })?.state).toBe("hot");
    expect(found({ ...hot, superJournal, superJournalExists: false })).toMatchObject({
      state: "cold",
      reason: expect.stringContaining("super-journal is gone"),
    });
    expect(found({ ...hot, header: { kind: "zeroed" } })).toMatchObject({ state: "cold", reason: "zeroed" });
    expect(found({ kind: "unknown", reason: "open: EACCES" })?.state).toBe("unknown");
  });

  test("of what could not be read claims nothing", () => {
    const { found } = report({ wal: { kind: "unknown", reason: "read: EIO" } });
    expect(found.wal).toMatchObject({ committedFrameCount: null, unknownReason: "read: EIO" });
    expect(found.expectation).toBe("the WAL could not be read");
  });
});

describe("recovery", () => {
  const after = (pageCount: number): Partial<Observation> => ({
    database: regularFile({ sizeBytes: pageCount * pageSizeBytes }),
    header: databaseHeader({ pageCount }),
  });
  const compare = (seen: Partial<Observation>, copied: number, of = report()) =>
    compareRecovery(of, observation({ ...withWal(10, 10), ...seen }), copied, nowMs);

  test("agrees when every announced frame was copied and the database has the announced size", () => {
    expect(compare(after(41), 10)).toMatchObject({ verdict: "agrees", remarks: [] });
  });

  test("differs with both figures", () => {
    expect(compare(after(40), 9)).toMatchObject({
      verdict: "differs",
      remarks: [
        "9 frames were copied, 10 were announced",
        "the header says 40 pages, 41 were announced",
        `the file has ${40 * pageSizeBytes} bytes, ${41 * pageSizeBytes} were announced`,
      ],
    });
  });

  test("agrees too when a connection that closed had copied and emptied the WAL before", () => {
    const emptied = { ...after(41), wal: regularFile({ sizeBytes: 0 }), walHeader: null, walIndex: null };
    expect(compare(emptied, 0)).toMatchObject({ verdict: "agrees", copiedFrameCount: 10 });
    expect(compare(after(41), 0).verdict).toBe("differs");
  });

  test("cannot be compared where others were at work", () => {
    const connected = { ...after(44), locks: locks({ connected: [holder(42)] }) };
    expect(compare(connected, 10).verdict).toBe("incomparable");
    expect(compare({ ...connected, ...after(41) }, 10).verdict).toBe("agrees");
    const startedOver = { ...after(44), ...withWal(2, 0), walHeader: walHeader({ salt1: 6 }) };
    expect(compare(startedOver, 10).verdict).toBe("incomparable");
  });

  test("of a rollback journal brings the size from before the transaction", () => {
    const of = report({ wal: { kind: "none" }, journal: hot }, { journal: regularFile() });
    expect(compare(after(30), 0, of).verdict).toBe("agrees");
    expect(compare(after(33), 0, of).verdict).toBe("differs");
  });
});
