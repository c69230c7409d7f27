/**
 * Whoever asked a watch for work and waits for its end. Everybody is answered once: with a status, or with why
 * not. A status is the answer only to those who asked before that work began: what was committed between its
 * beginning and their asking it may not have seen.
 */
import type { CheckpointStatus, CheckpointTrigger, IntegrityStatus } from "../domain/status.ts";

type Check = IntegrityStatus["check"];

interface Waiting<Kind, Status> {
  readonly kind: Kind;
  readonly answer: (answer: Status | string) => void;
  hasBegun: boolean;
}

export class Requests {
  #checkpoints: readonly Waiting<CheckpointTrigger, CheckpointStatus>[] = [];
  #checks: readonly Waiting<Check, IntegrityStatus>[] = [];

  get hasChecks(): boolean {
    return this.#checks.length > 0;
  }

  get hasCheckpoints(): boolean {
    return this.#checkpoints.length > 0;
  }

  checkpoint(trigger: CheckpointTrigger): Promise<CheckpointStatus | string> {
    return new Promise((answer) => {
      this.#checkpoints = [...this.#checkpoints, { kind: trigger, answer, hasBegun: false }];
    });
  }

  check(check: Check): Promise<IntegrityStatus | string> {
    return new Promise((answer) => {
      this.#checks = [...this.#checks, { kind: check, answer, hasBegun: false }];
    });
  }

  checkpointBegins(trigger: CheckpointTrigger): void {
    begin(this.#checkpoints, trigger);
  }

  checkBegins(check: Check): void {
    begin(this.#checks, check);
  }

  answerCheckpoint(status: CheckpointStatus): void {
    this.#checkpoints = answerBegun(this.#checkpoints, status.trigger, status);
  }

  answerCheck(status: IntegrityStatus): void {
    this.#checks = answerBegun(this.#checks, status.check, status);
  }

  dismissChecks(reason: string): void {
    const waiting = this.#checks;
    this.#checks = [];
    for (const { answer } of waiting) answer(reason);
  }

  dismissCheckpoints(reason: string): void {
    const waiting = this.#checkpoints;
    this.#checkpoints = [];
    for (const { answer } of waiting) answer(reason);
  }

  dismissAll(reason: string): void {
    this.dismissCheckpoints(reason);
    this.dismissChecks(reason);
  }
}

function begin<Kind, Status>(waiting: readonly Waiting<Kind, Status>[], kind: Kind): void {
  for (const one of waiting) if (one.kind === kind) one.hasBegun = true;
}

/** @returns those that go on waiting. */
function answerBegun<Kind, Status>(
  waiting: readonly Waiting<Kind, Status>[],
  kind: Kind,
  status: Status,
): readonly Waiting<Kind, Status>[] {
  for (const one of waiting) if (one.kind === kind && one.hasBegun) one.answer(status);
  return waiting.filter((one) => !(one.kind === kind && one.hasBegun));
}
