import { describe, expect, test } from "bun:test";
import type { LedgerEntry, RestartWal } from "../../../src/domain/ledger.ts";
import { walFileOf } from "../../../src/policy/putBack.ts";
import { needsRestartVerdict } from "../../../src/policy/restartDue.ts";
import { contradictedVerdict, rememberedAtRestart } from "../../../src/policy/restartLineage.ts";
import { restartVerdict } from "../../../src/policy/restartVerdict.ts";
import type { DatabaseState } from "../../../src/policy/state.ts";
import { freshState, nowMs, observation, regularFile } from "../../support/builders.ts";
import { bootBefore, entry, foundWal, look } from "./ledgerBuilders.ts";

const strange = (confirmed: boolean) => ({
  walSalts: "5 6",
  evidence: "its pages tell",
  sinceMs: nowMs,
  confirmed,
  databaseMark: "regular",
});
const intact = restartVerdict(entry(), look({ bootId: bootBefore }), null);
const isDue = (change: Partial<DatabaseState>) =>
  needsRestartVerdict(observation(), { ...freshState(), stage: "guards", restartVerdict: null, ...change });

describe("the verdict of a restart and the guard say the same", () => {
  test("it is not given before it is sure whose the WAL is", () => {
    expect(isDue({ strangeWal: null })).toBe(true);
    expect(isDue({ strangeWal: strange(false) })).toBe(false);
    expect(isDue({ strangeWal: strange(true) })).toBe(true);
  });

  test("an intact of before is taken back, once, and no other verdict is", () => {
    expect(intact.kind).toBe("intact");
    expect(isDue({ restartVerdict: intact })).toBe(false);
    expect(isDue({ restartVerdict: intact, strangeWal: strange(false) })).toBe(false);
    expect(isDue({ restartVerdict: intact, strangeWal: strange(true) })).toBe(true);
    const after = contradictedVerdict(intact, strange(true), nowMs);
    expect(after).toMatchObject({ kind: "undecidable", lostExposedCommitCountMin: null, judgedAtMs: nowMs });
    expect(after.reason).toContain("its pages tell");
    expect(isDue({ restartVerdict: after, strangeWal: strange(true) })).toBe(false);
  });
});

const touched = observation({ wal: regularFile({ identity: "1:11", changedAtMs: nowMs }) });
const nothingSeen = { headerBesideWal: null, earlierWalSalts: null };

test("the ledger's header counts beside its WAL, but not after a cut, which may have taken a checkpoint back", () => {
  const noted = entry({ walFile: walFileOf(touched) });
  const inCache = look({ bootId: bootBefore });
  const remembered = rememberedAtRestart(noted, inCache, touched, nothingSeen);
  expect(remembered).toEqual({ walSalts: "500 600", headerHex: "00".repeat(100) });
  expect(rememberedAtRestart(noted, look(), touched, nothingSeen)).toBeNull();
  expect(rememberedAtRestart(null, inCache, touched, nothingSeen)).toBeNull();
});

test("beside a WAL that may be of before the ledger's header, that header says nothing: both were put back together", () => {
  const untouched = entry({ walFile: walFileOf(touched) });
  const counts = (noted: LedgerEntry, wal: RestartWal) =>
    rememberedAtRestart(noted, look({ bootId: bootBefore, wal }), touched, nothingSeen) !== null;
  const further = foundWal({ mxFrame: 101 });
  // As it was noted, or gone on: the database alone went back.
  expect(counts(untouched, foundWal())).toBe(true);
  expect(counts(entry(), further)).toBe(true);
  // The same frames in a file that was written since.
  expect(counts(entry(), foundWal())).toBe(false);
  expect(counts(entry({ headerFrame: 101 }), further)).toBe(false);
  expect(counts(entry({ headerFrame: null }), further)).toBe(false);
  for (const noted of [entry(), untouched]) {
    expect(counts(noted, foundWal({ mxFrame: 99, seenFrameMatches: null }))).toBe(false);
    expect(counts(noted, foundWal({ mxFrame: 120, seenFrameMatches: false }))).toBe(false);
  }
});
