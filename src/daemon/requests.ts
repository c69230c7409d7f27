/** Whoever asked a watch for work and waits for its end. Everybody is answered once: with a status, or with why not. */
import type { CheckpointStatus, CheckpointTrigger, IntegrityStatus } from "../domain/status.ts";

type Check = IntegrityStatus["check"];
type Answer<Status> = (answer: Status | string) => void;

export class Requests {
  #checkpoints: { readonly trigger: CheckpointTrigger; readonly answer: Answer<CheckpointStatus> }[] = [];
  readonly #checks = new Map<Check, Answer<IntegrityStatus>[]>();

  get hasChecks(): boolean {
    return this.#checks.size > 0;
  }

  checkpoint(trigger: CheckpointTrigger): Promise<CheckpointStatus | string> {
    return new Promise((answer) => {
      this.#checkpoints.push({ trigger, answer });
    });
  }

  check(check: Check): Promise<IntegrityStatus | string> {
    return new Promise((answer) => {
      this.#checks.set(check, [...(this.#checks.get(check) ?? []), answer]);
    });
  }

  /** Only whoever asked for this kind: a last checkpoint is not answered by one that was under way. */
  answerCheckpoint(status: CheckpointStatus): void {
    const waiting = this.#checkpoints;
    this.#checkpoints = waiting.filter(({ trigger }) => trigger !== status.trigger);
    for (const { trigger, answer } of waiting) if (trigger === status.trigger) answer(status);
  }

  answerCheck(status: IntegrityStatus): void {
    const waiting = this.#checks.get(status.check) ?? [];
    this.#checks.delete(status.check);
    for (const answer of waiting) answer(status);
  }

  dismissChecks(reason: string): void {
    const waiting = [...this.#checks.values()].flat();
    this.#checks.clear();
    for (const answer of waiting) answer(reason);
  }

  dismissAll(reason: string): void {
    const waiting = this.#checkpoints;
    this.#checkpoints = [];
    for (const { answer } of waiting) answer(reason);
    this.dismissChecks(reason);
  }
}
