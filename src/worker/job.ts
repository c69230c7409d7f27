/** One request on its way through a lane: settled exactly once, cancelled at any moment. */
import type { Operation, OperationKind, Target } from "../domain/operation.ts";
import type { Failure } from "../domain/outcome.ts";
import type { Limits } from "./client.ts";
import type { Hello } from "./message.ts";
import type { AnyOutcome } from "./protocol.ts";

export type JobResult =
  | { readonly kind: "outcome"; readonly outcome: AnyOutcome }
  | { readonly kind: "failure"; readonly failure: Failure }
  | { readonly kind: "hello"; readonly hello: Hello };

export interface Work {
  readonly operation: Operation;
  readonly target: Target;
  readonly limits: Limits;
  /** Awaited when a worker has been found for it, before that one begins. Never rejects. */
  readonly before?: (() => Promise<void>) | undefined;
}

export class Job {
  /** Null: only a worker's hello is wanted. */
  readonly work: Work | null;
  readonly result: Promise<JobResult>;
  /** Time that it spent waiting for a lane in back-off; queueing behind other work does not count. */
  backoffWaitMs = 0;
  /** On performance.now(). */
  readonly submittedAtMs = performance.now();
  isSettled = false;
  readonly #resolve: (result: JobResult) => void;
  #kill: (() => void) | null = null;

  constructor(work: Work | null) {
    this.work = work;
    const { promise, resolve } = Promise.withResolvers<JobResult>();
    this.result = promise;
    this.#resolve = resolve;
  }

  get operationKind(): OperationKind | null {
    return this.work?.operation.kind ?? null;
  }

  get path(): string | null {
    return this.work?.target.path ?? null;
  }

  settle(result: JobResult): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.#kill = null;
    this.#resolve(result);
  }

  fail(reason: Failure["reason"], message: string): void {
    this.settle({ kind: "failure", failure: this.#failure(reason, message) });
  }

  /** From now on cancelling means killing the worker; the job is then settled when the worker is gone. */
  beginRunning(kill: () => void): void {
    this.#kill = kill;
  }

  cancel(): void {
    if (this.#kill === null) this.fail("stopped", "cancelled before it began");
    else this.#kill();
  }

  #failure(reason: Failure["reason"], message: string): Failure {
    return {
      ok: false,
      reason,
      operation: this.operationKind ?? "sqliteVersion",
      path: this.path ?? "",
      code: null,
      message,
      retryable: reason !== "stopped",
    };
  }
}
