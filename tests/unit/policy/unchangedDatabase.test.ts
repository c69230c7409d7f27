import { expect, test } from "bun:test";
import type { Observation } from "../../../src/domain/observation.ts";
import {
  type CheckRecord,
  fingerprintOf,
  recordToRestOn,
  withRecord,
} from "../../../src/policy/unchangedDatabase.ts";
import { nowMs, observation, regularFile, withWal } from "../../support/builders.ts";

const hourMs = 3_600_000;
const before = observation();

function record(change: Partial<CheckRecord> = {}): CheckRecord {
  return {
    check: "quick_check",
    fingerprint: fingerprintOf(before) ?? "",
    endedAtMs: nowMs - 1_000,
    durationMs: 5,
    ...change,
  };
}

function rests(
  records: readonly CheckRecord[],
  seen: Observation,
  check: CheckRecord["check"] = "quick_check",
  maxMs = hourMs,
) {
  return recordToRestOn(records, check, seen, maxMs, nowMs);
}

test("an ok is believed of the same files for as long as the operator says, and not at all by default", () => {
  expect(rests([record()], before)).toEqual(record());
  expect(rests([record()], before, "quick_check", 0)).toBeNull();
  expect(rests([record({ endedAtMs: nowMs - hourMs - 1 })], before)).toBeNull();
  expect(rests([record({ endedAtMs: nowMs + 1 })], before)).toBeNull();
  expect(rests([], before)).toBeNull();
});

test("a quick_check may rest on an integrity_check, never the other way round", () => {
  expect(rests([record({ check: "integrity_check" })], before)).not.toBeNull();
  expect(rests([record()], before, "integrity_check")).toBeNull();
});

const changes: readonly (readonly [string, Observation])[] = [
  ["its time of last write", observation({ database: regularFile({ modifiedAtMs: nowMs }) })],
  ["its size", observation({ database: regularFile({ sizeBytes: 4096 * 99 }) })],
  ["its inode", observation({ database: regularFile({ identity: "9:9" }) })],
  ["commits in the WAL", observation(withWal(10, 0))],
  ["a journal", observation({ journal: regularFile({ sizeBytes: 512 }) })],
  ["a header that cannot be read", observation({ header: { kind: "notADatabase" } })],
];

test.each([...changes])("%s is a change", (_what, seen) => {
  expect(fingerprintOf(before)).not.toBeNull();
  expect(rests([record()], seen)).toBeNull();
});

test("of each check the last record is kept", () => {
  const full = record({ check: "integrity_check" });
  const later = record({ endedAtMs: nowMs });
  expect(withRecord([record(), full], later)).toEqual([full, later]);
});
