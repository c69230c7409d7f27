/** What a damaged WAL does to guards and readiness, and when another copy is tried. */
import { describe, expect, test } from "bun:test";
import type { Observation } from "../../../src/domain/observation.ts";
import type { WalCopy, WalDamage } from "../../../src/domain/walDamage.ts";
import { decide } from "../../../src/policy/decide.ts";
import type { DatabaseState } from "../../../src/policy/state.ts";
import {
  damageCopyDue,
  damagedWalGuards,
  fileMark,
  residueCheck,
  whyNoRoom,
} from "../../../src/policy/walDamage.ts";
import {
  config,
  freshState,
  holder,
  locks,
  nowMs,
  observation,
  path,
  withWal,
} from "../../support/builders.ts";

const left = observation(withWal(10, 0));
const failed: WalCopy = { kind: "failed", reason: "no room" };
const kept: WalCopy = {
  kind: "kept",
  walPath: "/state/residue/kv.20261121T000000000Z.wal",
  shmPath: null,
  sizeBytes: 4096,
  wasThere: false,
  removedPaths: [],
};

function state(change: Partial<WalDamage> = {}): DatabaseState {
  const walDamage: WalDamage = {
    foundAtMs: nowMs,
    walMark: fileMark(left.wal),
    text: "broken at frame 10",
    droppedCommitCountMin: 5,
    copy: failed,
    triedAtMs: nowMs,
    failureCount: 1,
    ...change,
  };
  return freshState({
    walDamage,
    openers: { kind: "seen", openers: [], hiddenProcessCount: 0 },
    openersAtMs: nowMs,
  });
}

describe("the guard", () => {
  const findings = (seen: Observation, of: DatabaseState) => damagedWalGuards(seen, of, path);

  test("refuses while there is no copy, and says how to go on", () => {
    const [finding] = findings(left, state());
    expect(finding).toMatchObject({ guard: "damaged_wal", verdict: "refuse" });
    for (const words of ["broken at frame 10", "no room", `copy ${path}`])
      expect(finding?.reason).toContain(words);
  });

  test("says nothing with a copy, of another WAL, or once somebody has opened it", () => {
    expect(findings(left, state({ copy: kept }))).toEqual([]);
    expect(findings(left, state({ walMark: "another" }))).toEqual([]);
    expect(findings(left, freshState())).toEqual([]);
    expect(findings({ ...left, locks: locks({ connected: [holder(4_711)] }) }, state())).toEqual([]);
  });
});

describe("another attempt", () => {
  const due = (afterMs: number, change: Partial<WalDamage> = {}) =>
    damageCopyDue(left, state(change), nowMs + afterMs);

  test("comes with growing pauses of five minutes at most, and begins with another look", () => {
    expect(due(4_999)).toBe(false);
    expect(due(5_000)).toBe(true);
    expect(due(9_999, { failureCount: 2 })).toBe(false);
    expect(due(10_000, { failureCount: 2 })).toBe(true);
    expect(due(299_999, { failureCount: 2_000 })).toBe(false);
    expect(due(300_000, { failureCount: 2_000 })).toBe(true);
    const laterMs = nowMs + 5_000;
    expect(
      decide({ ...left, observedAtMs: laterMs }, { ...state(), openersAtMs: laterMs }, config(), laterMs),
    ).toEqual({
      kind: "scanResidue",
    });
  });

  test("is not wanted with a copy, nor for a WAL that changed", () => {
    expect(due(600_000, { copy: kept })).toBe(false);
    expect(due(600_000, { walMark: "another" })).toBe(false);
  });
});

describe("readiness", () => {
  test("is degraded with the place of the copy, or with why there is none, also when the WAL is gone", () => {
    expect(residueCheck(freshState())).toEqual({ name: "residue", state: "ok", reason: "" });
    expect(residueCheck(state({ copy: kept }))).toMatchObject({ state: "degraded" });
    expect(residueCheck(state({ copy: kept })).reason).toContain(kept.walPath);
    expect(residueCheck(state({ walMark: "another" })).reason).toContain("it could not be kept: no room");
  });
});

test("a copy leaves room for what recovery adds to the database, and for others", () => {
  const mebibyte = 1024 * 1024;
  const room = (sizeBytes: number, freeBytes: number | null) =>
    whyNoRoom(sizeBytes, freeBytes, "/state/residue");
  for (const [sizeBytes, wantedBytes] of [
    [1_000, 2_000 + mebibyte],
    [10 * mebibyte, 30 * mebibyte],
    [1_000 * mebibyte, 2_064 * mebibyte],
  ] as const) {
    expect(room(sizeBytes, wantedBytes)).toBeNull();
    expect(room(sizeBytes, wantedBytes - 1)).toContain("make room there");
  }
  expect(room(1_000, null)).toBeNull();
});
