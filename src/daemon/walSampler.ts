/**
 * Looks at the WAL of every database more often than the heartbeat: a fast writer fills 64 MB in less than a second. A
 * sample is one read of 136 bytes of the WAL-index, which is held open while somebody is connected; of whoever came since
 * the last look it is the size of the WAL file. Where a WAL grows, the next one comes when it should have reached
 * the size at which it is checkpointed.
 */
import type { Clock } from "../host/clock.ts";
import type { Observer } from "../observe/observer.ts";
import { sampleEveryMs, sampleRoundMs } from "../policy/earlyCheckpoint.ts";
import { glanceAboveCount } from "../policy/glance.ts";
import type { DatabaseWatch } from "./databaseWatch.ts";
import type { WalReading } from "./walSampling.ts";

export interface WalSamplerOptions {
  readonly clock: Clock;
  readonly observer: Observer;
  readonly watches: () => readonly DatabaseWatch[];
}

const sampleMinMs = 10;
const nothingRead: WalReading = { index: null, walFileBytes: null };

export class WalSampler {
  readonly #options: WalSamplerOptions;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #isStarted = false;
  /** When all have their turn again, wall clock; in between only those that want it sooner. */
  #nextRoundAtMs = 0;
  #impatient: readonly DatabaseWatch[] = [];

  constructor(options: WalSamplerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#isStarted = true;
    this.#wakeIn(sampleEveryMs);
  }

  stop(): void {
    this.#isStarted = false;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** Of very many databases all have their turn when the heartbeat ends: a burst of its own would cost more than the reads. */
  swept(): void {
    if (!this.#isStarted) return;
    if (this.#isFleet()) this.#visit(true);
    else if (this.#timer === null) this.#wakeIn(sampleEveryMs);
  }

  #isFleet(): boolean {
    return this.#options.watches().length > glanceAboveCount;
  }

  #beat(): void {
    const nowMs = this.#options.clock.nowMs();
    // One that lies far ahead is from before the clock was set back.
    const isOver = nowMs >= this.#nextRoundAtMs || nowMs < this.#nextRoundAtMs - sampleEveryMs;
    this.#visit(isOver && !this.#isFleet());
  }

  #visit(isRound: boolean): void {
    const nowMs = this.#options.clock.nowMs();
    const all = this.#options.watches();
    if (isRound) this.#nextRoundAtMs = nowMs + sampleRoundMs(all.length);
    const read = isRound && this.#isFleet() ? this.#swept : this.#read;
    const impatient: DatabaseWatch[] = [];
    let nextMs = this.#nextRoundAtMs;
    for (const watch of isRound ? all : this.#impatient) {
      const wantedAtMs = watch.sampleWal(read, nowMs, all.length);
      if (wantedAtMs >= this.#nextRoundAtMs) continue;
      impatient.push(watch);
      nextMs = Math.min(nextMs, wantedAtMs);
    }
    this.#impatient = impatient;
    if (impatient.length > 0 || !this.#isFleet()) this.#wakeIn(nextMs - nowMs);
  }

  #wakeIn(ms: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => {
        this.#timer = null;
        this.#beat();
      },
      Math.max(sampleMinMs, ms),
    );
  }

  #read = (path: string): WalReading => {
    const { observer } = this.#options;
    const index = observer.peek(path);
    return { index, walFileBytes: index === null && !this.#isFleet() ? observer.walFileBytes(path) : null };
  };

  /** What the sweep that has just ended has seen: nothing is read. */
  #swept = (path: string): WalReading => {
    const index = this.#options.observer.seenIndex(path);
    return index === null ? nothingRead : { index, walFileBytes: null };
  };
}
