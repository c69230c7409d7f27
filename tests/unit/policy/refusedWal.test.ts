import { describe, expect, test } from "bun:test";
import type { LedgerEntry, RefusedWal } from "../../../src/domain/ledger.ts";
import { noteObservation } from "../../../src/policy/noteObservation.ts";
import { walFileOf } from "../../../src/policy/putBack.ts";
import { isSameRefusal, recalled, refusedWalOf, standingRefusal } from "../../../src/policy/refusedWal.ts";
import { databaseMarkOf } from "../../../src/policy/strangeWal.ts";
import { walSalts } from "../../../src/policy/walState.ts";
import {
  config,
  databaseHeader,
  freshState,
  nowMs,
  observation,
  regularFile,
  walHeader,
  withWal,
} from "../../support/builders.ts";
import { entry, noted } from "./ledgerBuilders.ts";

const beside = observation(withWal(10, 0));
const salts = walSalts(beside) ?? "";
const ofEarlier: RefusedWal = {
  walSalts: salts,
  evidence: "it goes with the file that was there before",
  ownerIdentity: "1:77",
  ownerHeaderHex: null,
  walInode: "11",
  databaseMark: null,
};
const byContent: RefusedWal = {
  ...ofEarlier,
  ownerIdentity: null,
  databaseMark: databaseMarkOf(beside),
};
const stands = (refusedWal: RefusedWal | null, seen = beside) =>
  standingRefusal(entry({ refusedWal }), seen, freshState()) !== null;
const guardsAfter = (refused: RefusedWal) => {
  const state = recalled(freshState(), refused, beside);
  return noteObservation(state, beside, { config: config(), duplicateOf: null }).guards.map(
    ({ guard, verdict }) => `${guard} ${verdict}`,
  );
};

describe("a refusal that the ledger has", () => {
  test("stands beside the same WAL, and the guard refuses at the first look", () => {
    for (const refused of [ofEarlier, byContent]) {
      expect(stands(refused)).toBe(true);
      expect(guardsAfter(refused)).toEqual(["wal_of_another_file refuse"]);
    }
    expect(standingRefusal(null, beside, freshState())).toBeNull();
    expect(stands(null)).toBe(false);
  });

  test("falls when the WAL is gone or another one is there; one that started over is the same", () => {
    const salt1 = Number(salts.split(" ")[0]);
    const withSalt = (next: number) =>
      observation({ ...withWal(10, 0), walHeader: walHeader({ salt1: next }) });
    expect(stands(ofEarlier, withSalt(salt1 + 1))).toBe(true);
    expect(stands(ofEarlier, withSalt(salt1 + 5_000_000))).toBe(false);
    expect(stands(byContent, withSalt(salt1 + 1))).toBe(false);
    for (const refused of [ofEarlier, byContent]) expect(stands(refused, observation())).toBe(false);
  });

  test("that was told by what is in the two falls when the database is another one", () => {
    const written = observation({ ...withWal(10, 0), database: regularFile({ modifiedAtMs: nowMs - 77 }) });
    const other = observation({ ...withWal(10, 0), header: databaseHeader({ changeCounter: 4_711 }) });
    for (const seen of [written, other]) expect(stands(byContent, seen)).toBe(false);
    expect(stands(ofEarlier, other)).toBe(true);
  });

  test("falls when the WAL's file is another one, for it was put there", () => {
    const elsewhere = observation({ ...withWal(10, 0), wal: regularFile({ identity: "1:99" }) });
    for (const refused of [ofEarlier, byContent]) {
      expect(stands(refused, elsewhere)).toBe(false);
      expect(stands({ ...refused, walInode: null }, elsewhere)).toBe(true);
    }
  });

  test("falls when a restore was announced and has written the WAL's file since, and not before", () => {
    const standsIn = (walFile: string | null, windowMs: number) =>
      standingRefusal(
        entry({ refusedWal: ofEarlier, walFile, restoreWindowEndsAtMs: nowMs + windowMs }),
        beside,
        freshState(),
      ) !== null;
    expect(standsIn(walFileOf(beside), 60_000)).toBe(true);
    expect(standsIn("11/1/2/3", 60_000)).toBe(false);
    expect(standsIn("11/1/2/3", -60_000)).toBe(true);
  });

  test("is made where another file has its database's place and nobody has touched the WAL since, and only there", () => {
    const wal = noted({ salt1: Number(salts.split(" ")[0]), salt2: Number(salts.split(" ")[1]) });
    const replaced = entry({ inode: "77", wal, walFile: walFileOf(beside) });
    const found = (change: Partial<LedgerEntry>) =>
      standingRefusal({ ...replaced, ...change }, beside, freshState());
    expect(found({})).toMatchObject({ walSalts: salts, ownerIdentity: "64:77", databaseMark: null });
    for (const change of [{ inode: "10" }, { walFile: "11/1/2/3" }, { walFile: null }, { wal: null }])
      expect(found(change)).toBeNull();
  });

  test("takes nothing from what is known by itself", () => {
    const state = { ...freshState(), earlierWalSalts: "1 2", earlierIdentity: "1:5" };
    expect(recalled(state, ofEarlier, beside)).toBe(state);
  });
});

describe("what the ledger notes", () => {
  test("is what the guard goes by, the same again after it was recalled", () => {
    for (const refused of [ofEarlier, byContent]) {
      const again = refusedWalOf(beside, recalled(freshState(), refused, beside));
      expect(again).toEqual({ ...refused, evidence: again?.evidence ?? "" });
      expect(isSameRefusal(again, { ...refused, evidence: again?.evidence ?? "" })).toBe(true);
    }
    expect(isSameRefusal(ofEarlier, byContent)).toBe(false);
  });

  test("is nothing without a WAL, or while it is only doubted", () => {
    const state = recalled(freshState(), ofEarlier, beside);
    expect(refusedWalOf(observation({ wal: { kind: "absent" } }), state)).toBeNull();
    const doubted = recalled(freshState(), byContent, beside).strangeWal;
    expect(doubted).not.toBeNull();
    if (doubted === null) return;
    expect(
      refusedWalOf(beside, { ...freshState(), strangeWal: { ...doubted, confirmed: false } }),
    ).toBeNull();
  });
});
