/**
 * One integrity check from its plan to its result: parts go to several workers, as many at a time as there are, so that
 * the checks of other databases have their turns between them.
 *
 * Invariants: every part is a read transaction of its own, or several; nothing is ok unless every part has ended; what
 * was found is told even if the rest was cut short, for it is proven.
 */
import type { Profile } from "../domain/databaseConfig.ts";
import type { CheckPart } from "../domain/integrityCheck.ts";
import type { Target } from "../domain/operation.ts";
import type { CheckResult, Failure, Outcome } from "../domain/outcome.ts";
import { mergeResults, withSuspicion } from "../policy/integrityMerge.ts";
import { type CheckSizes, checkParts, type WeighedPart } from "../policy/integrityParts.ts";
import type { CheckTally } from "../policy/integrityProgress.ts";
import { needsSecondLook, verdictOf } from "../policy/integrityVerdict.ts";
import type { RunOptions, WorkerPool } from "../worker/pool.ts";

export interface CheckRun {
  readonly run: WorkerPool["run"];
  readonly target: Target;
  readonly profile: Profile;
  readonly check: "quick_check" | "integrity_check";
  readonly findingsMax: number;
  /** Of the whole check, from the moment its plan is there. */
  readonly deadlineMs: number;
  readonly lane: RunOptions["lane"];
  readonly workerCount: number;
  readonly sizes: CheckSizes;
  /** Database and WAL. */
  readonly fileBytes: number;
  readonly signal: AbortSignal;
  readonly nowMs: () => number;
  /** When a part begins or ends, after the plan. */
  readonly onTally: (tally: CheckTally, partCount: number, endedPartCount: number) => void;
  /** Awaited before every part but the first ones; `idle` says whether none runs, `signal` ends the wait. */
  readonly beforePart: (idle: () => boolean, signal: AbortSignal) => Promise<void>;
}

/** Verdicts that say nothing where the check did not come to its end. */
const noProof: ReadonlySet<string> = new Set(["ok", "undecidable"]);

/** setTimeout takes a longer delay for none at all. */
const timerMsMax = 2 ** 31 - 1;

export async function runCheck(check: CheckRun): Promise<Outcome<CheckResult>> {
  const { signal, deadlineMs } = check;
  const whole = () => runPart(check, { kind: "whole" }, { deadlineMs, signal });
  if (
    check.check === "quick_check" ||
    check.fileBytes < check.sizes.dividedFromBytes ||
    check.workerCount < 2
  )
    return whole();
  const plan = await check.run(
    { kind: "planCheck", profile: check.profile, rowsFromPages: check.sizes.rowsFromPages },
    check.target,
    {
      lane: check.lane,
      deadlineMs,
      signal,
    },
  );
  if (!plan.ok) return plan;
  const parts = checkParts(plan, check.workerCount, check.sizes);
  return parts.length === 0 ? whole() : new DividedCheck(check, parts).result();
}

/** A worker that dies under it may have met a bad sector: then it is asked for once more, without mapping. */
async function runPart(
  { run, target, profile, check, findingsMax, lane }: CheckRun,
  part: CheckPart,
  limits: { readonly deadlineMs: number; readonly signal: AbortSignal },
): Promise<Outcome<CheckResult>> {
  const operation = { kind: "integrityCheck", profile, check, findingsMax, part } as const;
  const outcome = await run({ ...operation, memoryMapped: true }, target, { lane, ...limits });
  if (outcome.ok || outcome.reason !== "crash") return outcome;
  return run({ ...operation, memoryMapped: false }, target, { lane, ...limits });
}

class DividedCheck {
  readonly #check: CheckRun;
  readonly #queue: WeighedPart[];
  readonly #partCount: number;
  readonly #totalWeight: number;
  readonly #running = new Set<{ readonly weight: number; readonly beganAtMs: number }>();
  readonly #results: CheckResult[] = [];
  readonly #abort = new AbortController();
  readonly #signal: AbortSignal;
  readonly #beganAtMs: number;
  #endedWeight = 0;
  #endedBusyMs = 0;
  #isLate = false;
  #failure: Failure | null = null;

  constructor(check: CheckRun, parts: readonly WeighedPart[]) {
    this.#check = check;
    this.#queue = [...parts];
    this.#partCount = parts.length;
    this.#totalWeight = parts.reduce((sum, { weight }) => sum + weight, 0);
    this.#signal = AbortSignal.any([check.signal, this.#abort.signal]);
    this.#beganAtMs = check.nowMs();
  }

  async result(): Promise<Outcome<CheckResult>> {
    const { deadlineMs, workerCount, findingsMax, nowMs } = this.#check;
    const deadline = setTimeout(
      () => {
        this.#isLate = true;
        this.#abort.abort();
      },
      Math.min(deadlineMs, timerMsMax),
    );
    try {
      await Promise.all(Array.from({ length: workerCount }, () => this.#work()));
      const suspicious = this.#results.some(needsSecondLook);
      const second =
        suspicious && !this.#signal.aborted
          ? await runPart(this.#check, { kind: "whole" }, this.#limits())
          : null;
      if (second?.ok === false) this.#failure ??= this.#named(second);
      const merged = mergeResults(this.#results, second?.ok === true ? second : null, findingsMax);
      const failure = this.#failure;
      const isProven = suspicious || !noProof.has(verdictOf(merged));
      if (failure !== null && (failure.reason === "stopped" || !isProven)) return failure;
      const cutShort = failure !== null;
      const told = cutShort ? withSuspicion(merged) : merged;
      return {
        ok: true,
        ...told,
        truncated: told.truncated || cutShort,
        durationMs: nowMs() - this.#beganAtMs,
      };
    } finally {
      clearTimeout(deadline);
    }
  }

  async #work(): Promise<void> {
    for (let isFirst = true; ; isFirst = false) {
      if (this.#queue.length === 0) return;
      if (!isFirst) await this.#check.beforePart(() => this.#running.size === 0, this.#signal);
      if (this.#failure !== null || this.#signal.aborted) return this.#cutShort();
      // What was found is looked at as a whole: the other parts would only say it again.
      if (this.#results.some(needsSecondLook)) return;
      const next = this.#queue.shift();
      if (next === undefined) return;
      const outcome = await this.#runWeighed(next);
      if (outcome.ok) this.#results.push(outcome);
      else {
        this.#failure ??= this.#named(outcome);
        this.#abort.abort();
      }
    }
  }

  async #runWeighed({ part, weight }: WeighedPart): Promise<Outcome<CheckResult>> {
    const running = { weight, beganAtMs: this.#check.nowMs() };
    this.#running.add(running);
    this.#tell();
    const outcome = await runPart(this.#check, part, this.#limits());
    this.#running.delete(running);
    this.#endedWeight += weight;
    this.#endedBusyMs += this.#check.nowMs() - running.beganAtMs;
    this.#tell();
    return outcome;
  }

  #tell(): void {
    const tally: CheckTally = {
      totalWeight: this.#totalWeight,
      endedWeight: this.#endedWeight,
      endedBusyMs: this.#endedBusyMs,
      running: [...this.#running],
      workerCount: this.#check.workerCount,
    };
    this.#check.onTally(tally, this.#partCount, this.#partCount - this.#queue.length - this.#running.size);
  }

  #limits() {
    const passedMs = this.#check.nowMs() - this.#beganAtMs;
    // The check's own timer comes first: what it cuts short is no failure of a worker.
    return { deadlineMs: Math.max(1, this.#check.deadlineMs - passedMs) + 1_000, signal: this.#signal };
  }

  /** The end came between two parts. */
  #cutShort(): void {
    const { check, target } = this.#check;
    const message = `${check} was cut short between its parts`;
    this.#failure ??= this.#named({
      ok: false,
      reason: "stopped",
      operation: "integrityCheck",
      path: target.path,
      code: null,
      message,
      retryable: false,
    });
  }

  /** What our own deadline stopped has not been stopped by the daemon's end. */
  #named(failure: Failure): Failure {
    if (failure.reason !== "stopped" || !this.#isLate) return failure;
    const { check, deadlineMs } = this.#check;
    const message = `${check} did not end within ${deadlineMs} ms`;
    return { ...failure, reason: "deadline", message, retryable: true };
  }
}
