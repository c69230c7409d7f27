/**
 * The heartbeat: at every interval each database is looked at once. Many databases are taken in slices, so
 * that probes and scrapes are answered in between. It also notices a late event loop.
 */
import type { Clock } from "../host/clock.ts";
import type { Observer } from "../observe/observer.ts";
import type { DatabaseWatch } from "./databaseWatch.ts";

export interface SweeperOptions {
  readonly clock: Clock;
  readonly observer: Observer;
  readonly intervalMs: number;
  readonly watches: () => readonly DatabaseWatch[];
  readonly onLag: (lagSeconds: number) => void;
}

/** A slice of a sweep keeps the event loop for this long, at most by one observation more. */
const sliceMs = 5;
/**
 * Locks that were gathered so long ago are gathered anew. What is looked at by older ones is only looked at: before
 * anything is done a database is looked at again, by locks of that moment.
 */
const locksKeptMs = 50;

export class Sweeper {
  readonly #options: SweeperOptions;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #stopped = false;

  constructor(options: SweeperOptions) {
    this.#options = options;
  }

  /** The first sweep begins at once. */
  start(): void {
    void this.#beat(this.#options.clock.monotonicMs());
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  async #beat(dueMs: number): Promise<void> {
    const { clock, intervalMs, onLag } = this.#options;
    onLag(Math.max(0, clock.monotonicMs() - dueMs) / 1000);
    await this.#sweep();
    if (this.#stopped) return;
    const nextMs = Math.max(dueMs + intervalMs, clock.monotonicMs());
    this.#timer = setTimeout(() => void this.#beat(nextMs), nextMs - clock.monotonicMs());
  }

  async #sweep(): Promise<void> {
    const { clock, observer, watches } = this.#options;
    let sweep = await observer.gatherSweep();
    let gatheredMs = clock.monotonicMs();
    let sliceBeganMs = gatheredMs;
    for (const watch of watches()) {
      if (this.#stopped) return;
      watch.tick(sweep.observe(watch.config.path));
      if (clock.monotonicMs() - sliceBeganMs < sliceMs) continue;
      await nextTurn();
      sliceBeganMs = clock.monotonicMs();
      if (sliceBeganMs - gatheredMs < locksKeptMs) continue;
      sweep = await observer.gatherSweep();
      gatheredMs = clock.monotonicMs();
      sliceBeganMs = gatheredMs;
    }
  }
}

/** Probes and scrapes have their turn. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
