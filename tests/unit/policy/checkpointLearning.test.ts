/** What checkpoints learn, and the holds that come of it, over histories made up at random. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { LockedResult } from "../../../src/domain/outcome.ts";
import {
  type CheckpointLearning,
  learnFromEnd,
  learnFromKilled,
  learnFromLocked,
  learnFromPassive,
  learnFromSync,
  learnFromTruncate,
  nothingLearned,
} from "../../../src/policy/checkpointLearning.ts";
import {
  drainHold,
  drainHoldMaxMs,
  type HoldQuestion,
  holdOfSlowDisk,
  usualHold,
  usualHoldMs,
} from "../../../src/policy/holdBudget.ts";
import type { LockPermission } from "../../../src/policy/lockPermission.ts";
import { shortenBesideOthersMs } from "../../../src/policy/shortenBudget.ts";
import { config } from "../../support/builders.ts";

const mb = 1_000_000;
const declared: LockPermission = { kind: "declared", holdMaxMs: 100 };
const idle: LockPermission = { kind: "idle", holdMaxMs: 10 };
const settings = config({ checkpoint: { sizeTargetBytes: 64 * mb } });

function question(change: Partial<HoldQuestion> = {}): HoldQuestion {
  const learned = nothingLearned;
  return { config: settings, permission: declared, walBytes: mb, learned, incompleteCount: 0, ...change };
}

/** A hold beside one reader without a gap, of which it met `metMs` before the end. */
function beside(readerMs: number, metMs: number, hold: ReturnType<typeof drainHold>): LockedResult {
  const base = { acquired: true, acquireMs: 0, logFrameCount: 9, checkpointedFrameCount: 9, durationMs: 0 };
  if (metMs > hold.completeWithinMs) {
    const heldMs = hold.completeWithinMs;
    return { ...base, complete: false, reset: false, completeMs: null, drainMs: null, heldMs };
  }
  const reset = metMs + readerMs <= hold.holdBudgetMs;
  const drainMs = Math.min(readerMs, hold.holdBudgetMs - metMs);
  return { ...base, complete: true, reset, completeMs: metMs, drainMs, heldMs: metMs + drainMs };
}

describe("a hold", () => {
  test("grows with the WAL from the normal budget to the maximum, and never beyond what is permitted", () => {
    expect(usualHoldMs(question())).toBe(10);
    expect(usualHoldMs(question({ walBytes: 160 * mb }))).toBe(55);
    expect(usualHoldMs(question({ walBytes: 900 * mb }))).toBe(100);
    expect(usualHoldMs(question({ walBytes: 900 * mb, permission: idle }))).toBe(10);
  });

  test("outlasts readers after a few attempts when two of their reads fit into it, and resets the WAL", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 24 }),
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 30, maxLength: 30 }),
        (readerMs, luck) => {
          let learned = nothingLearned;
          let resetCount = 0;
          for (const share of luck) {
            const hold = drainHold(question({ learned }));
            expect(hold.holdBudgetMs).toBeLessThanOrEqual(50);
            const result = beside(readerMs, share * readerMs, hold);
            expect(result.heldMs).toBeLessThanOrEqual(hold.holdBudgetMs);
            if (result.reset) resetCount += 1;
            learned = learnFromLocked(learned, result);
          }
          expect(resetCount).toBeGreaterThan(5);
        },
      ),
    );
  });

  test("gives up early when what is left of it would not outlast another read", () => {
    const learned = { ...nothingLearned, readerMs: 30, drainHoldMs: 60 };
    expect(drainHold(question({ learned }))).toEqual({ holdBudgetMs: 50, completeWithinMs: 20 });
    // After rounds in vain the whole of the maximum is allowed.
    expect(drainHoldMaxMs(question({ incompleteCount: 4 }))).toBe(100);
    expect(drainHold(question({ learned, incompleteCount: 4 })).holdBudgetMs).toBe(73);
  });

  test("is the usual one again when the readers have gone", () => {
    let learned: CheckpointLearning = { ...nothingLearned, readerMs: 30, drainHoldMs: 60 };
    for (let round = 0; round < 30; round += 1)
      learned = learnFromLocked(learned, beside(0, 0, usualHold(question())));
    expect(learned.drainHoldMs).toBeNull();
  });

  test("stays within what is permitted, whatever came before", () => {
    const results = fc.record({
      acquired: fc.boolean(),
      acquireMs: fc.constant(1),
      heldMs: fc.double({ min: 0, max: 5_000, noNaN: true }),
      complete: fc.boolean(),
      reset: fc.boolean(),
      completeMs: fc.option(fc.double({ min: 0, max: 5_000, noNaN: true })),
      drainMs: fc.option(fc.double({ min: 0, max: 5_000, noNaN: true })),
      logFrameCount: fc.nat(),
      checkpointedFrameCount: fc.nat(),
      durationMs: fc.constant(1),
    });
    const permissions = fc.constantFrom<LockPermission>(declared, idle);
    const walBytes = fc.integer({ min: 0, max: 2_000 * mb });
    const counts = fc.nat(20);
    fc.assert(
      fc.property(fc.array(results), permissions, walBytes, counts, (history, permission, bytes, count) => {
        let learned = nothingLearned;
        for (const result of history) {
          learned = learnFromLocked(learned, result);
          learned = learnFromEnd(learned, { step: "synced", truncated: null });
        }
        const asked = question({ learned, permission, walBytes: bytes, incompleteCount: count });
        const max = permission.kind === "none" ? 0 : permission.holdMaxMs;
        for (const hold of [usualHold(asked), drainHold(asked), holdOfSlowDisk(asked, 20)]) {
          if (hold === null) continue;
          expect(hold.holdBudgetMs).toBeGreaterThan(0);
          expect(hold.holdBudgetMs).toBeLessThanOrEqual(max);
          expect(hold.completeWithinMs).toBeGreaterThan(0);
          expect(hold.completeWithinMs).toBeLessThanOrEqual(hold.holdBudgetMs);
        }
      }),
    );
  });

  test("on a slow disk is given what it takes only when the WAL has come to half of its target", () => {
    expect(holdOfSlowDisk(question({ walBytes: 30 * mb }), 20)).toBeNull();
    expect(holdOfSlowDisk(question({ walBytes: 70 * mb }), 20)).toMatchObject({ holdBudgetMs: 24 });
    expect(holdOfSlowDisk(question({ walBytes: 70 * mb }), 101)).toBeNull();
    expect(holdOfSlowDisk(question({ walBytes: 70 * mb, permission: idle }), 5)).toBeNull();
  });
});

describe("copying", () => {
  test("is foreseen by what a frame took, a slower one at once and faster ones step by step", () => {
    const quickSync = learnFromSync(nothingLearned, 0);
    const slow = learnFromPassive(quickSync, 1_000, 50);
    expect(slow.copyMsPerFrame).toBe(0.05);
    expect(learnFromPassive(slow, 1_000, 10).copyMsPerFrame).toBeCloseTo(0.038);
    expect(learnFromPassive(slow, 10, 10)).toBe(slow);
    // Syncs are no part of it: of a disk whose syncs are not known nothing is learned.
    expect(learnFromPassive(learnFromSync(slow, 100), 1_000, 310).copyMsPerFrame).toBeCloseTo(0.038);
    expect(learnFromPassive(nothingLearned, 1_000, 500)).toBe(nothingLearned);
  });

  test("under the lock that killed its worker is taken for slower, and is tried again at some time", () => {
    let learned = learnFromKilled(nothingLearned, { kind: "locked" });
    expect(learned.copyMsPerFrame).toBe(2 * nothingLearned.copyMsPerFrame);
    for (let round = 0; round < 30; round += 1)
      learned = learnFromEnd(learned, { step: "synced", truncated: null });
    expect(learned).toEqual(nothingLearned);
  });
});

describe("shortening a file beside others", () => {
  const truncated = (heldMs: number) => ({ busy: false, truncated: true, heldMs, durationMs: heldMs });

  test("is begun only where it is sure to end in time, by what it took before", () => {
    expect(shortenBesideOthersMs(idle, nothingLearned, 10 * mb)).toBe(10);
    expect(shortenBesideOthersMs(idle, nothingLearned, 64 * mb)).toBeNull();
    expect(shortenBesideOthersMs(declared, nothingLearned, 64 * mb)).toBe(32);
    expect(shortenBesideOthersMs(declared, nothingLearned, 400 * mb)).toBeNull();
    const slow = learnFromTruncate(nothingLearned, truncated(100), 50 * mb);
    expect(shortenBesideOthersMs(declared, slow, 64 * mb)).toBeNull();
    expect(shortenBesideOthersMs({ kind: "none", reason: "" }, nothingLearned, mb)).toBeNull();
  });

  test("that was killed is not begun again at once, and is at some time", () => {
    let learned = learnFromKilled(nothingLearned, { kind: "truncate" });
    expect(shortenBesideOthersMs(declared, learned, 180 * mb)).toBeNull();
    for (let round = 0; round < 20; round += 1)
      learned = learnFromEnd(learned, { step: "passive", truncated: null });
    expect(shortenBesideOthersMs(declared, learned, 180 * mb)).not.toBeNull();
  });

  test("of a small file says nothing about a large one", () => {
    expect(learnFromTruncate(nothingLearned, truncated(9), mb)).toBe(nothingLearned);
  });
});
