/**
 * Syncs of many databases, a few at a time, off the event loop. Who has been exposed for longest comes first, so one
 * busy database never keeps the others waiting for more than its own turn.
 */

interface Job {
  readonly sinceMs: number;
  readonly run: () => Promise<void>;
}

/** A disk does little more with more; and other file calls of the daemon use the same threads. */
const runningMax = 4;

export class SyncQueue {
  readonly #waiting: Job[] = [];
  #runningCount = 0;

  /** @param run resolves when the sync has ended, whatever came of it */
  add(sinceMs: number, run: () => Promise<void>): void {
    const later = this.#waiting.findIndex((job) => job.sinceMs > sinceMs);
    this.#waiting.splice(later === -1 ? this.#waiting.length : later, 0, { sinceMs, run });
    this.#next();
  }

  #next(): void {
    while (this.#runningCount < runningMax) {
      const job = this.#waiting.shift();
      if (job === undefined) return;
      this.#runningCount += 1;
      void job.run().finally(() => {
        this.#runningCount -= 1;
        this.#next();
      });
    }
  }
}
