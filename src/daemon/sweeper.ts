/**
 * The heartbeat: at every interval each database is looked at once. Many databases are taken in slices, so
 * that probes and scrapes are answered in between; for those of them that are quiet a glance does, and their files have
 * their turn in one sweep of several, each sweep an equal share (`policy/glance.ts`). It also notices a late event loop.
 */
import type { Clock } from "../host/clock.ts";
import type { Observer } from "../observe/observer.ts";
import { sweepsPerLook } from "../policy/glance.ts";
import type { DatabaseWatch } from "./databaseWatch.ts";

export interface SweeperOptions {
  readonly clock: Clock;
  readonly observer: Observer;
  readonly intervalMs: number;
  readonly watches: () => readonly DatabaseWatch[];
  readonly onLag: (lagSeconds: number) => void;
  /** After each sweep. */
  readonly onSwept: () => void;
}

/** A slice of a sweep keeps the event loop for this long, at most by one observation more. */
const sliceMs = 5;
/** So many glances take about the time of one look, and no longer: then the time is looked at. */
const glancesPerLook = 16;
/**
 * Locks that were gathered so long ago are gathered anew. What is looked at by older ones is only looked at: before
 * anything is done a database is looked at again, by locks of that moment.
 */
const locksKeptMs = 50;

export class Sweeper {
  readonly #options: SweeperOptions;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #stopped = false;
  #sweepNumber = 0;

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
    this.#options.onSwept();
    const nextMs = Math.max(dueMs + intervalMs, clock.monotonicMs());
    this.#timer = setTimeout(() => void this.#beat(nextMs), Math.max(0, nextMs - clock.monotonicMs()));
  }

  async #sweep(): Promise<void> {
    const { clock, observer, watches, intervalMs } = this.#options;
    let sweep = await observer.gatherSweep();
    let gatheredMs = clock.monotonicMs();
    let sliceBeganMs = gatheredMs;
    let nowMs = clock.nowMs();
    let glanceCount = 0;
    const present = watches();
    const sweepCount = sweepsPerLook(present.length, intervalMs);
    this.#sweepNumber += 1;
    for (const [place, watch] of present.entries()) {
      if (this.#stopped) return;
      const hasTurn = (place + this.#sweepNumber) % sweepCount === 0;
      if (!hasTurn && watch.glance(sweep, nowMs)) {
        glanceCount += 1;
        if (glanceCount % glancesPerLook !== 0) continue;
      } else watch.tick(sweep.observe(watch.config.path));
      if (clock.monotonicMs() - sliceBeganMs < sliceMs) continue;
      await nextTurn();
      sliceBeganMs = clock.monotonicMs();
      nowMs = clock.nowMs();
      if (sliceBeganMs - gatheredMs < locksKeptMs) continue;
      sweep = await observer.gatherSweep();
      gatheredMs = clock.monotonicMs();
      sliceBeganMs = gatheredMs;
      nowMs = clock.nowMs();
    }
  }
}

/** Probes and scrapes have their turn. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
