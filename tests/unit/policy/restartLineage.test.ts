import { describe, expect, test } from "bun:test";
import type { RestartWal } from "../../../src/domain/ledger.ts";
import { needsRestartVerdict } from "../../../src/policy/restartDue.ts";
import { contradictedVerdict, rememberedAtRestart } from "../../../src/policy/restartLineage.ts";
import { restartVerdict } from "../../../src/policy/restartVerdict.ts";
import type { DatabaseState } from "../../../src/policy/state.ts";
import { freshState, nowMs, observation } from "../../support/builders.ts";
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

const nothingSeen = { headerBesideWal: null, earlierWalSalts: null };

test("the ledger's header counts beside its WAL, but not after a cut, which may have taken a checkpoint back", () => {
  const inCache = look({ bootId: bootBefore });
  const remembered = rememberedAtRestart(entry(), inCache, nothingSeen);
  expect(remembered).toEqual({ walSalts: "500 600", headerHex: "00".repeat(100) });
  expect(rememberedAtRestart(entry(), look(), nothingSeen)).toBeNull();
  expect(rememberedAtRestart(null, inCache, nothingSeen)).toBeNull();
});

test("beside a WAL that is as it was before, the ledger's header says nothing: both files were put back together", () => {
  const beside = (wal: RestartWal) =>
    rememberedAtRestart(entry(), look({ bootId: bootBefore, wal }), nothingSeen);
  expect(beside(foundWal())).not.toBeNull();
  expect(beside(foundWal({ mxFrame: 101, seenFrameMatches: null }))).not.toBeNull();
  expect(beside(foundWal({ mxFrame: 99, seenFrameMatches: null }))).toBeNull();
  expect(beside(foundWal({ mxFrame: 120, seenFrameMatches: false }))).toBeNull();
});
