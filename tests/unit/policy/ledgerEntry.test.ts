/** What is noted of a database, and what is taken along from before a restart of the daemon. */
import { describe, expect, test } from "bun:test";
import type { LedgerEntry } from "../../../src/domain/ledger.ts";
import type { ExposureState, WalExposure } from "../../../src/policy/exposureState.ts";
import { type LedgerSeen, ledgerEntryOf, walAfterVerdict } from "../../../src/policy/ledgerEntry.ts";
import { restartVerdict } from "../../../src/policy/restartVerdict.ts";
import {
  databaseHeader,
  frameBytes,
  holder,
  locks,
  observation,
  regularFile,
  rollbackHeader,
  walHeader,
  walIndex,
} from "../../support/builders.ts";
import { bootNow, entry, foundWal, look, noted } from "./ledgerBuilders.ts";

const checksum = "1122334455667788";

function exposed(change: Partial<WalExposure> = {}, state: Partial<ExposureState> = {}): ExposureState {
  return {
    unobservableReason: "",
    lookedAtMs: 1,
    database: null,
    databaseUndecidedMs: null,
    databaseUnverifiedMs: null,
    suspectedAtMs: 0,
    suspectPids: [],
    reset: null,
    changes: null,
    databaseModifiedAtMs: null,
    wal: {
      walIdentity: "5 6",
      checkpointSequence: 0,
      frameBytes,
      lifeSinceMs: 0,
      seenFrame: 10,
      seenCommitCount: 8,
      provenFrame: 4,
      backfilledFrame: 0,
      exposedCommitCount: 5,
      exposedSinceMs: 1,
      undecided: false,
      inFlight: null,
      recentPages: [],
      followedFrame: null,
      ...change,
    },
    ...state,
  };
}

function seen(change: Partial<LedgerSeen> = {}): LedgerSeen {
  return {
    observation: observation({
      wal: regularFile({ sizeBytes: 32 + 10 * frameBytes }),
      shm: regularFile(),
      walHeader: walHeader(),
      walIndex: walIndex(),
      locks: locks({ connected: [holder(7)] }),
    }),
    exposure: exposed(),
    fsyncError: null,
    refusedWal: null,
    bootId: bootNow,
    inheritsExposedPages: false,
    ...change,
  };
}

function noteOf(change: Partial<LedgerSeen> = {}, earlier: LedgerEntry | null = null): LedgerEntry {
  const note = ledgerEntryOf(seen(change), earlier);
  if (note === null) throw new Error("nothing was noted");
  return note;
}

describe("an entry", () => {
  test("holds what was seen, what is proven, and the checksum of the last frame", () => {
    expect(noteOf()).toMatchObject({
      path: "/data/kv.db",
      device: "1",
      inode: "10",
      databaseExposed: false,
      bootId: bootNow,
      header: { changeCounter: 7, inWalMode: true },
      wal: {
        salt1: 5,
        salt2: 6,
        seenFrame: 10,
        seenCommitCount: 8,
        seenFrameChecksum: checksum,
        provenFrame: 4,
        provenCommitCount: 3,
        provenFrameChecksum: null,
        backfilledFrame: 0,
      },
    });
  });

  test("is the same object while nothing has changed, so that nothing is written", () => {
    const first = noteOf();
    expect(noteOf({}, first)).toBe(first);
    expect(noteOf({ exposure: exposed({ provenFrame: 6, exposedCommitCount: 3 }) }, first)).not.toBe(first);
  });

  test("knows the checksum of a proven frame that was the last one once", () => {
    const first = noteOf();
    const later = noteOf(
      {
        observation: { ...seen().observation, walIndex: walIndex({ mxFrame: 30, frameChecksum1: 9 }) },
        exposure: exposed({ seenFrame: 30, seenCommitCount: 20, provenFrame: 10, exposedCommitCount: 12 }),
      },
      first,
    );
    expect(later.wal).toMatchObject({ provenFrame: 10, provenCommitCount: 8, provenFrameChecksum: checksum });
  });

  test("holds a sync that failed for as long as it is remembered", () => {
    const fsyncError = {
      file: "database",
      code: "EIO",
      atMs: 1,
      walIdentity: "5 6",
      databaseIdentity: "1:10",
    } as const;
    const failed = noteOf({ fsyncError }, noteOf());
    expect(failed.fsyncError).toEqual(fsyncError);
    expect(noteOf({ fsyncError }, failed)).toBe(failed);
    expect(noteOf({ fsyncError: { ...fsyncError } }, failed)).toBe(failed);
    expect(noteOf({}, failed).fsyncError).toBeNull();
  });

  test("says nothing of the WAL when all is in the database", () => {
    const atRest = observation({ wal: { kind: "absent" } });
    expect(noteOf({ observation: atRest }).wal).toBeNull();
    const emptied = { ...seen().observation, walIndex: walIndex({ mxFrame: 0 }) };
    expect(noteOf({ observation: emptied }).wal).toBeNull();
  });

  test("does not know whether pages are exposed where that cannot be seen", () => {
    expect(noteOf({ exposure: null }).databaseExposed).toBeNull();
    expect(noteOf({ exposure: exposed({}, { unobservableReason: "tmpfs" }) }).databaseExposed).toBeNull();
    expect(noteOf({ exposure: exposed({}, { databaseUndecidedMs: 1 }) }).databaseExposed).toBeNull();
    expect(noteOf({ inheritsExposedPages: true }).databaseExposed).toBe(true);
  });

  test("has seen that checkpoints sync once the WAL has started over and nothing was exposed", () => {
    const before = noteOf();
    expect(before.checkpointsSeenToSync).toBe(false);
    const startedOver = {
      ...seen().observation,
      walHeader: walHeader({ salt1: 6 }),
      walIndex: walIndex({ salt1: 6 }),
    };
    const wal = { walIdentity: "6 6" };
    const after = noteOf({ observation: startedOver, exposure: exposed(wal) }, before);
    expect(after.checkpointsSeenToSync).toBe(true);
    const database = { sinceMs: 1, commitCount: 1, byteCount: 4096, isOfSuspect: false };
    const unsynced = noteOf({ observation: startedOver, exposure: exposed(wal, { database }) }, before);
    expect(unsynced).toMatchObject({ databaseExposed: true, checkpointsSeenToSync: false });
  });

  test("in rollback mode never holds a header that is not committed yet", () => {
    const committed = noteOf({ observation: observation({ header: rollbackHeader }) });
    const during = observation({
      header: databaseHeader({ inWalMode: false, changeCounter: 8, bytesHex: "ff".repeat(100) }),
      journal: regularFile({ sizeBytes: 512 }),
    });
    expect(noteOf({ observation: during }, committed).header).toBe(committed.header);
  });

  test("is not made of what is no database", () => {
    const gone = observation({ database: { kind: "absent" } });
    expect(ledgerEntryOf(seen({ observation: gone }), entry())).toBeNull();
    const garbage = observation({ header: { kind: "notADatabase" } });
    expect(ledgerEntryOf(seen({ observation: garbage }), entry())).toBeNull();
  });
});

describe("through a restart of the daemon", () => {
  const before = entry({
    device: "1",
    wal: noted({
      salt1: 5,
      salt2: 6,
      seenFrame: 9,
      seenCommitCount: 7,
      provenFrame: 9,
      provenCommitCount: 7,
    }),
  });

  test("what was proven stays proven in the same life of the WAL", () => {
    const wal = noteOf({ exposure: exposed({ provenFrame: 0, exposedCommitCount: 8 }) }, before).wal;
    expect(wal).toMatchObject({ seenFrame: 10, provenFrame: 9, provenCommitCount: 7 });
  });

  test("and not in another one", () => {
    const other = { ...before, wal: noted({ salt1: 4, salt2: 3, provenFrame: 9 }) };
    const wal = noteOf({ exposure: exposed({ provenFrame: 0, exposedCommitCount: 8 }) }, other).wal;
    expect(wal).toMatchObject({ provenFrame: 0, provenCommitCount: 0 });
  });

  test("frames that nobody vouches for are those that the scan has found", () => {
    const found = look({ wal: foundWal({ mxFrame: 80, commitCount: 40, lastFrameChecksum: checksum }) });
    const noticed = entry();
    const wal = walAfterVerdict(noticed, found, restartVerdict(noticed, found, null));
    expect(wal).toMatchObject({ seenFrame: 80, seenCommitCount: 40, provenFrame: 60, provenCommitCount: 30 });
    const nobody = { ...seen().observation, walHeader: walHeader(), locks: locks() };
    const carried = { ...before, wal: { ...noted({ salt1: 5, salt2: 6, seenFrame: 3, provenFrame: 0 }) } };
    expect(noteOf({ observation: nobody }, carried).wal).toBe(carried.wal);
  });

  test("after a proven loss nothing is taken for proven that was found", () => {
    const found = look({ wal: foundWal({ mxFrame: 40, commitCount: 18 }) });
    const noticed = entry();
    const verdict = restartVerdict(noticed, found, null);
    expect(verdict.kind).toBe("proven-lost");
    expect(walAfterVerdict(noticed, found, verdict)).toMatchObject({ seenFrame: 40, provenFrame: 0 });
  });
});
