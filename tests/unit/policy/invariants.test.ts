/** The promises of the decisions in every world: files, locks, outcomes and settings made up at random. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { DatabaseConfig } from "../../../src/domain/databaseConfig.ts";
import type { Observation } from "../../../src/domain/observation.ts";
import { type Decision, decide, decideCheck } from "../../../src/policy/decide.ts";
import { queueDueWork } from "../../../src/policy/dueWork.ts";
import { isAlone, lockPermission } from "../../../src/policy/lockPermission.ts";
import { effectiveMode } from "../../../src/policy/mode.ts";
import { noteObservation } from "../../../src/policy/noteObservation.ts";
import { residueOf } from "../../../src/policy/residue.ts";
import {
  type DatabaseState,
  initialState,
  isStructurallyCorrupt,
  type Stage,
} from "../../../src/policy/state.ts";
import { observation, nowMs as startMs } from "../../support/builders.ts";
import { carryOut, keep } from "./policyModel.ts";
import { configs, type Spell, spells } from "./worlds.ts";

const roundsMax = 60;
/** Of one that failed: printed with the failure, and set by INVARIANTS_SEED. */
const seed = Number(process.env.INVARIANTS_SEED ?? Math.floor(Math.random() * 2 ** 31));
const runCount = Number(process.env.INVARIANTS_RUNS ?? 1_500);
/** What is promised has nothing to do with how busy the machine is: a thousand runs take a quarter of a second. */
const testTimeoutMs = 120_000;
console.log(`INVARIANTS_SEED=${seed}`);

interface Seen {
  readonly observation: Observation;
  readonly state: DatabaseState;
  readonly config: DatabaseConfig;
  readonly nowMs: number;
  readonly decision: Decision;
}

const opening = new Set(["create", "evidenceCheck", "applyProfile", "startupCheck"]);
const writing = new Set(["create", "applyProfile"]);

function isStep({ decision }: Seen): boolean {
  return decision.kind === "checkpointStep" && decision.step.kind !== "done";
}

function opens(seen: Seen): boolean {
  return opening.has(seen.decision.kind) || isStep(seen);
}

function writes(seen: Seen): boolean {
  return writing.has(seen.decision.kind) || isStep(seen);
}

/** Drives the decisions through the spells and hands every one of them to `check`. */
function drive(first: DatabaseConfig, all: readonly Spell[], check: (seen: Seen) => void): void {
  let nowMs = startMs;
  let settings = first;
  let state = initialState(nowMs);
  for (const { world, fates: ofSpell, afterMs, reconfigured, queued } of all) {
    nowMs += afterMs;
    if (reconfigured !== null) {
      settings = reconfigured;
      if (state.stage === "ended") state = { ...state, stage: "guards", profile: null };
    }
    if (queued === "checkpoint") state = { ...state, pendingCheckpoint: "demand" };
    if (queued === "check") {
      state = { ...state, pendingChecks: [{ check: "integrity_check", trigger: "demand" }] };
    }
    let present = world;
    const trace: string[] = [];
    for (let round = 0; ; round += 1) {
      nowMs += 1;
      const looked = { ...present, observedAtMs: nowMs };
      state = noteObservation(state, looked, { config: settings, duplicateOf: null });
      state = queueDueWork(state, looked, settings, nowMs, () => nowMs + 60_000);
      const fate = ofSpell[round % ofSpell.length];
      if (fate === undefined) throw new Error("a spell without a fate");
      const turn = { observation: looked, config: settings, nowMs, fate };
      const pending = decideCheck(looked, state, settings);
      if (pending !== null) {
        expect(state.guards).toEqual([]);
        expect(settings.mode).not.toBe("observe");
        state = { ...keep(state, pending.check, turn), pendingChecks: [] };
      }
      const decision = decide(looked, state, settings, nowMs);
      check({ observation: looked, state, config: settings, nowMs, decision });
      if (decision.kind === "rest") break;
      trace.push(`${state.stage}: ${decision.kind}`);
      if (round > roundsMax) throw new Error(`does not come to rest: ${trace.slice(-20).join(", ")}`);
      // What was created is there from now on.
      if (decision.kind === "create" && fate.failure === null) present = observation();
      state = carryOut(state, decision, turn);
    }
  }
}

function everywhere(check: (seen: Seen) => void): void {
  fc.assert(
    fc.property(configs, spells, (settings, all) => drive(settings, all, check)),
    { seed, numRuns: runCount, includeErrorInReport: true },
  );
}

const nextStages: Readonly<Record<Stage, readonly Stage[]>> = {
  missing: ["guards"],
  guards: ["missing", "evidence", "ended"],
  evidence: ["profile", "guards"],
  profile: ["check", "guards"],
  recovery: ["check", "guards"],
  check: ["ended", "guards"],
  ended: ["guards"],
};

describe("in every world", () => {
  test(
    "nothing is opened while a guard finds something, the mode is observe or no regular file is there",
    () => {
      everywhere((seen) => {
        if (!opens(seen)) return;
        expect(seen.state.guards).toEqual([]);
        expect(seen.config.mode).not.toBe("observe");
        const { kind } = seen.observation.database;
        expect(kind).toBe(seen.decision.kind === "create" ? "absent" : "regular");
      });
    },
    testTimeoutMs,
  );

  test(
    "nothing writes after a structural verdict, nor to a file of which there was no scan for openers",
    () => {
      everywhere((seen) => {
        if (!writes(seen)) return;
        expect(isStructurallyCorrupt(seen.state)).toBe(false);
        if (seen.decision.kind === "create") return;
        expect(effectiveMode(seen.config, seen.state).mode).not.toBe("observe");
        expect(seen.state.openers).not.toBeNull();
        const { database } = seen.observation;
        expect(database.kind === "regular" ? database.identity : null).toBe(seen.state.identity);
      });
    },
    testTimeoutMs,
  );

  test(
    "the write lock is taken only by permission and never longer than it allows",
    () => {
      everywhere(({ decision, state, observation: looked, config: settings, nowMs }) => {
        if (decision.kind !== "checkpointStep") return;
        const { step } = decision;
        if (step.kind !== "locked" && step.kind !== "truncate") return;
        const permission = lockPermission(settings, state.activity, looked, nowMs);
        if (permission.kind === "none") throw new Error(`${step.kind} without permission`);
        expect(step.holdBudgetMs).toBeGreaterThan(0);
        if (step.kind === "locked" || step.aloneOnDevice === null) {
          expect(step.holdBudgetMs).toBeLessThanOrEqual(permission.holdMaxMs);
          return;
        }
        expect(isAlone(looked)).toBe(true);
        if (permission.kind === "declared")
          expect(step.holdBudgetMs).toBeLessThan(settings.profile.busyTimeoutMs);
      });
    },
    testTimeoutMs,
  );

  test("the write lock is asked for a few times in a run, and not to wait for a reader who has been there for longer", () => {
    everywhere(({ decision, state, observation: looked }) => {
      if (decision.kind !== "checkpointStep" || decision.step.kind !== "locked") return;
      const { holdBudgetMs, completeWithinMs } = decision.step;
      expect(state.run?.lockCount).toBeLessThan(4);
      expect(completeWithinMs).toBeGreaterThan(0);
      expect(completeWithinMs).toBeLessThanOrEqual(holdBudgetMs);
      if (state.run?.snapshotComplete === true) return;
      const agesMs = state.walWatch.heldMarks.map((mark) => looked.observedAtMs - mark.sinceMs);
      expect(Math.max(0, ...agesMs)).toBeLessThanOrEqual(100);
    });
  });

  test(
    "the stages of the startup sequence come in their order, and nothing is done out of its stage",
    () => {
      everywhere(({ decision, state }) => {
        if (decision.kind === "advance") expect(nextStages[state.stage]).toContain(decision.to);
        if (decision.kind === "create") expect(state.stage).toBe("missing");
        if (decision.kind === "startupCheck") expect(state.stage).toBe("check");
        if (decision.kind === "evidenceCheck") expect(["evidence", "profile"]).toContain(state.stage);
        if (decision.kind === "applyProfile") expect(["profile", "ended"]).toContain(state.stage);
        if (decision.kind === "checkpointStep" && decision.step.kind !== "done") {
          expect(["recovery", "ended"]).toContain(state.stage);
        }
        if (decision.kind !== "beginCheckpoint") return;
        expect(state.stage).toBe(decision.trigger === "startup-recovery" ? "recovery" : "ended");
      });
    },
    testTimeoutMs,
  );

  test(
    "what was left in a WAL is looked at before the sequence writes",
    () => {
      everywhere(({ decision, state, observation: looked }) => {
        if (decision.kind !== "advance" || state.stage !== "evidence" || decision.to !== "profile") return;
        const residue = residueOf(looked, state.openers);
        if (residue === null || residue.walBytes === 0 || residue.journalBytes > 0) return;
        expect(state.quickCheck?.endedAtMs ?? 0).toBeGreaterThanOrEqual(state.sequenceStartedAtMs);
      });
    },
    testTimeoutMs,
  );

  test(
    "the loop comes to rest, and acts or waits within a few rounds",
    () => {
      let roundsWithoutAct = 0;
      everywhere((seen) => {
        roundsWithoutAct = opens(seen) || seen.decision.kind === "rest" ? 0 : roundsWithoutAct + 1;
        expect(roundsWithoutAct).toBeLessThan(15);
      });
    },
    testTimeoutMs,
  );
});
