/** What the ledger does to readiness, and when a restart is judged. */
import { describe, expect, test } from "bun:test";
import type { RestartVerdict, RestartVerdictKind } from "../../../src/domain/ledger.ts";
import { decide } from "../../../src/policy/decide.ts";
import { ledgerCheck } from "../../../src/policy/ledgerCheck.ts";
import { needsRestartVerdict } from "../../../src/policy/restartDue.ts";
import { config, firstSeen, freshState, nowMs, observation } from "../../support/builders.ts";

function verdict(kind: RestartVerdictKind, proven: number | null = null): RestartVerdict {
  return { ...firstSeen, kind, reason: "because", lostProvenCommitCountMin: proven };
}

describe("the readiness check", () => {
  test("a proven loss degrades, and never makes not ready", () => {
    const check = ledgerCheck(verdict("proven-lost", 12), "");
    expect(check).toMatchObject({ name: "ledger", state: "degraded" });
    expect(check.reason).toContain("at least 12 commits that were proven");
    expect(ledgerCheck(verdict("proven-lost", 1), "").reason).toContain("1 commit that was proven");
  });

  test.each([
    "intact",
    "exposed-lost",
    "replaced",
    "rolled-back",
    "restored",
    "undecidable",
    "first-seen",
  ] as const)("%s by itself does not", (kind) => {
    expect(ledgerCheck(verdict(kind), "")).toEqual({ name: "ledger", state: "ok", reason: "" });
  });

  test("a ledger that cannot be kept degrades, with the reason", () => {
    expect(ledgerCheck(null, "write of /state/ledger.json: ENOSPC")).toEqual({
      name: "ledger",
      state: "degraded",
      reason: "the ledger cannot be kept: write of /state/ledger.json: ENOSPC",
    });
  });
});

describe("the verdict", () => {
  const before = freshState({ restartVerdict: null, openersAtMs: nowMs, openers: null });

  test("is due at the first look, before anything is opened", () => {
    const looked = { ...before, openers: { kind: "seen", openers: [], hiddenProcessCount: 0 } as const };
    expect(decide(observation(), looked, config(), nowMs)).toEqual({ kind: "judgeRestart" });
    const judged = { ...looked, restartVerdict: firstSeen };
    expect(decide(observation(), judged, config(), nowMs).kind).not.toBe("judgeRestart");
  });

  test("waits for the file, and for a header that may be written just now", () => {
    expect(needsRestartVerdict(observation({ database: { kind: "absent" } }), before)).toBe(false);
    const torn = observation({ header: { kind: "notADatabase" } });
    expect(needsRestartVerdict(torn, before)).toBe(false);
    const guard = { guard: "not_a_database", reason: "" } as const;
    expect(needsRestartVerdict(torn, { ...before, guards: [{ ...guard, verdict: "wait" }] })).toBe(false);
    expect(needsRestartVerdict(torn, { ...before, guards: [{ ...guard, verdict: "refuse" }] })).toBe(true);
  });
});
