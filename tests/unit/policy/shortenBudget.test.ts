/** How long a TRUNCATE may take while nobody is connected, and that it may only then. */
import { expect, test } from "bun:test";
import { nextCheckpointStep } from "../../../src/policy/checkpoint.ts";
import { afterPassive, beginRun } from "../../../src/policy/checkpointRun.ts";
import { shortenBudgetMs } from "../../../src/policy/shortenBudget.ts";
import {
  config,
  endedState,
  hiddenLocks,
  holder,
  locks,
  nowMs,
  observation,
  regularFile,
  withWal,
} from "../../support/builders.ts";

const mb = 1_000_000;

test("the budget grows with the file, above what shortening was measured to take, up to a bound", () => {
  expect(shortenBudgetMs(config(), 289 * mb)).toBeGreaterThan(2 * 88);
  expect(shortenBudgetMs(config(), 1_000 * mb)).toBeGreaterThan(2 * 340);
  expect(shortenBudgetMs(config(), 1_000_000 * mb)).toBe(2_000);
});

test("a declared busy timeout outlasts it", () => {
  const declared = config({ busyTimeoutDeclared: true });
  const { profile } = declared;
  const waitsFor = (busyTimeoutMs: number) => ({ ...declared, profile: { ...profile, busyTimeoutMs } });
  expect(shortenBudgetMs(waitsFor(1_000), 5_000 * mb)).toBe(500);
  expect(shortenBudgetMs(waitsFor(10_000), 5_000 * mb)).toBe(2_000);
});

test("TRUNCATE of a large WAL has it only while nobody is connected, which the worker makes sure of", () => {
  const truncateBeside = (seen: ReturnType<typeof locks>) => {
    const large = { wal: regularFile({ identity: "1:11", sizeBytes: 289 * mb }) };
    const looked = observation({ ...withWal(10, 10), ...large, locks: seen });
    const passive = { busy: false, logFrameCount: 10, checkpointedFrameCount: 10, durationMs: 1 };
    const run = afterPassive(beginRun("startup-recovery", looked), passive);
    const fingerprint = { salts: null, mxFrame: null, walBytes: 0, walModifiedAtMs: 0, rollback: null };
    const idle = { activity: { fingerprint, lastChangeAtMs: nowMs - 3_600_000 } };
    return nextCheckpointStep(run, looked, endedState(idle), config(), nowMs);
  };
  expect(truncateBeside(locks())).toEqual({ kind: "truncate", holdBudgetMs: 389, aloneOnDevice: "8:1" });
  // Beside others it would take longer than may be: the file stays as long as it is.
  const ofIdle = { kind: "done", outcome: "complete" } as const;
  expect(truncateBeside(locks({ connected: [holder(42)] }))).toMatchObject(ofIdle);
  const hidden = hiddenLocks({ connected: false, databaseLocked: false });
  expect(truncateBeside(locks({ viewIsComplete: false, hidden }))).toMatchObject({ kind: "passive" });
});
