/**
 * Looks at the WAL of every database more often than the heartbeat: a fast writer fills 64 MB in less than a second. A
 * sample is one read of 136 bytes of the WAL-index, which is held open while somebody is connected; of whoever came since
 * the last look it is the size of the WAL file. Where a WAL grows, the next one comes when it should have reached
 * the size at which it is checkpointed.
 */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { Clock } from "../host/clock.ts";
import type { Observer } from "../observe/observer.ts";
import { sampleEveryMs } from "../policy/earlyCheckpoint.ts";
import { glanceAboveCount } from "../policy/glance.ts";
import type { DatabaseWatch } from "./databaseWatch.ts";
import type { WalReading } from "./walSampling.ts";

export interface WalSamplerOptions {
  readonly clock: Clock;
  readonly observer: Observer;
  readonly watches: () => readonly DatabaseWatch[];
}

const sampleMinMs = 10;

export class WalSampler {
  readonly #options: WalSamplerOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: WalSamplerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setTimeout(() => this.#beat(), sampleEveryMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #beat(): void {
    const { clock, observer, watches } = this.#options;
    const nowMs = clock.nowMs();
    let nextMs = nowMs + sampleEveryMs;
    const all = watches();
    const read = ({ path }: DatabaseConfig): WalReading => {
      const index = observer.peek(path);
      // Of very many databases the heartbeat has to do.
      const walFileBytes =
        index === null && all.length <= glanceAboveCount ? observer.walFileBytes(path) : null;
      return { index, walFileBytes };
    };
    for (const watch of all)
      nextMs = Math.min(
        nextMs,
        watch.sampleWal(() => read(watch.config), nowMs),
      );
    this.#timer = setTimeout(() => this.#beat(), Math.max(sampleMinMs, nextMs - nowMs));
  }
}
