/** How long to wait before an operation that failed is tried again. Doubles, with a ceiling. */
import type { Failure } from "../domain/outcome.ts";
import type { Retry } from "./state.ts";

const delayMinMs = 250;
const delayMaxMs = 30_000;

export function backoffMs(failureCount: number): number {
  return doublingMs(failureCount, delayMinMs, delayMaxMs);
}

/** The least after the first attempt, twice as much after each more. */
export function doublingMs(count: number, minMs: number, maxMs: number): number {
  return Math.min(maxMs, minMs * 2 ** Math.min(Math.max(count - 1, 0), 20));
}

export function afterFailure(retry: Retry, failure: Failure, nowMs: number): Retry {
  const failureCount = retry.failureCount + 1;
  return { failureCount, notBeforeMs: nowMs + backoffMs(failureCount), last: failure };
}

/** The daemon's own trouble: its worker died or did not start. It says nothing about the database. */
export function isWorkerTrouble(failure: Failure | null): boolean {
  return failure !== null && workerReasons.has(failure.reason);
}

const workerReasons: ReadonlySet<Failure["reason"]> = new Set(["crash", "protocol", "spawn"]);
