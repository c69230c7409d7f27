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
    let sliceBeganMs = clock.monotonicMs();
    for (const watch of watches()) {
      if (this.#stopped) return;
      watch.tick(sweep.observe(watch.config.path));
      if (clock.monotonicMs() - sliceBeganMs < sliceMs) continue;
      sweep = await observer.gatherSweep();
      sliceBeganMs = clock.monotonicMs();
    }
  }
}
