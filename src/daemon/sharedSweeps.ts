/**
 * One gathering of the locks for all databases of a fleet that are to be looked at in the same moment. Before an act, and after each of its
 * steps, a database is looked at by locks of that moment; fifty of them at work gathered two hundred times a second, a third
 * of all that the supervisor did (measured). Whoever asks waits for others for a moment that is nothing beside an interval.
 * Of a few databases nobody waits: a round beside a fast writer has no time for that.
 */
import type { Sweep } from "../observe/observer.ts";
import { glanceAboveCount } from "../policy/glance.ts";

export interface SharedSweepsOptions {
  readonly gather: () => Promise<Sweep>;
  readonly databaseCount: () => number;
}

const waitForOthersMs = 20;

export class SharedSweeps {
  readonly #options: SharedSweepsOptions;
  #next: Promise<Sweep> | null = null;

  constructor(options: SharedSweepsOptions) {
    this.#options = options;
  }

  /** No lock in it is older than the question. */
  sweep(): Promise<Sweep> {
    if (this.#options.databaseCount() <= glanceAboveCount) return this.#options.gather();
    this.#next ??= this.#gatherSoon();
    return this.#next;
  }

  async #gatherSoon(): Promise<Sweep> {
    await new Promise((resolve) => setTimeout(resolve, waitForOthersMs));
    this.#next = null;
    return this.#options.gather();
  }
}
