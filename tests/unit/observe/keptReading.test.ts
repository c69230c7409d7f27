import { describe, expect, test } from "bun:test";
import type { StatLook } from "../../../src/host/fileLook.ts";
import { KeptReading } from "../../../src/observe/keptReading.ts";
import { nowMs, regularFile } from "../../support/builders.ts";

const bytes = (...values: number[]) => Uint8Array.from(values);
const changedAt = (changedAtMs: number): StatLook => ({ ...regularFile(), changedAtMs });
const reading = () => new KeptReading(4, (read) => ({ sum: read.reduce((sum, byte) => sum + byte, 0) }));

describe("what was read", () => {
  test("is given again while the file looks the very same and had long been unchanged when it was read", () => {
    const kept = reading();
    const look = changedAt(nowMs - 60_000);
    expect(kept.isStillSo(look)).toBe(false);
    kept.take(bytes(1, 2), look, nowMs);
    expect(kept.isStillSo(look)).toBe(true);
    expect(kept.isStillSo({ ...changedAt(nowMs - 60_000) })).toBe(false);
  });

  test("is read again when the file had changed within a tick of a coarse clock, or by a clock that was set back", () => {
    for (const changedAtMs of [nowMs - 2_000, nowMs, nowMs + 3_600_000]) {
      const kept = reading();
      const look = changedAt(changedAtMs);
      kept.take(bytes(1), look, nowMs);
      expect(kept.isStillSo(look)).toBe(false);
    }
  });

  test("is read again where times say nothing, and when it was forgotten", () => {
    const kept = reading();
    const look = changedAt(nowMs - 60_000);
    kept.take(bytes(1), look, Number.NEGATIVE_INFINITY);
    expect(kept.isStillSo(look)).toBe(false);
    kept.take(bytes(1), look, nowMs);
    kept.forget();
    expect(kept.isStillSo(look)).toBe(false);
    expect(kept.parsed).toBeNull();
  });

  test("is the same value for the same bytes, and does not change with the buffer that it was read into", () => {
    const kept = reading();
    const buffer = bytes(1, 2);
    const first = kept.take(buffer, changedAt(nowMs - 1), nowMs);
    expect(kept.take(bytes(1, 2), changedAt(nowMs), nowMs)).toBe(first);
    buffer[0] = 9;
    const second = kept.take(buffer, changedAt(nowMs), nowMs);
    expect(second).toEqual({ sum: 11 });
    expect(first).toEqual({ sum: 3 });
    expect(kept.take(bytes(9, 2, 0), changedAt(nowMs), nowMs)).not.toBe(second);
  });
});
