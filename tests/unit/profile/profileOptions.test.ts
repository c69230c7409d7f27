import { expect, test } from "bun:test";
import type { Synchronous } from "../../../src/domain/databaseConfig.ts";
import { completeProfile } from "../../../src/profile/profileOptions.ts";

test("nothing asked for is the crash-safe profile: WAL, EXTRA, 10 seconds, foreign keys on", () => {
  expect(completeProfile({})).toEqual({
    journalMode: "WAL",
    synchronous: "EXTRA",
    busyTimeoutMs: 10_000,
    foreignKeys: true,
  });
});

test("what is asked for replaces only that default", () => {
  expect(completeProfile({ synchronous: "NORMAL", foreignKeys: false })).toEqual({
    journalMode: "WAL",
    synchronous: "NORMAL",
    busyTimeoutMs: 10_000,
    foreignKeys: false,
  });
  expect(completeProfile({ busyTimeoutMs: 0, journalMode: undefined }).busyTimeoutMs).toBe(0);
});

test("a value that reached us from untyped code is refused before it becomes SQL", () => {
  const injected = "OFF; DROP TABLE t" as unknown as Synchronous;
  expect(() => completeProfile({ synchronous: injected })).toThrow(TypeError);
  for (const busyTimeoutMs of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31]) {
    expect(() => completeProfile({ busyTimeoutMs })).toThrow(/profile.busyTimeoutMs is/);
  }
  expect(() => completeProfile({ foreignKeys: "on" as unknown as boolean })).toThrow(/accepted: true, false/);
});
