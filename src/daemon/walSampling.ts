/** The samples of one WAL between two looks: when a look is needed for the sake of a checkpoint. */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import { saltsOf, walFrameBytes } from "../format/walHeader.ts";
import type { WalIndex } from "../format/walIndex.ts";
import {
  hasOutgrown,
  lookNeededAtMs,
  sampleAfterRunAtMs,
  sampleEveryMs,
  sampleOf,
  sampleWithinMs,
  type WalSample,
} from "../policy/earlyCheckpoint.ts";
import type { DatabaseState } from "../policy/state.ts";

/** What was read: the WAL-index where it is held open, else the size of the file; both null: neither. */
export interface WalReading {
  readonly index: WalIndex | null;
  readonly walFileBytes: number | null;
}

export interface SamplingTerms {
  readonly nowMs: number;
  /** A checkpoint is on its way: nothing to begin. */
  readonly isAtWork: boolean;
  /** That are watched. */
  readonly databaseCount: number;
}

export class WalSampling {
  #sample: WalSample | null = null;
  #walFileBytes: number | null = null;
  #isLooking = false;
  #dueAtMs = 0;

  /**
   * @param look begins at once where one is needed; not twice at a time.
   * @returns when the next sample is wanted, wall clock in milliseconds.
   */
  take(
    read: (path: string) => WalReading,
    state: DatabaseState,
    config: DatabaseConfig,
    { nowMs, isAtWork, databaseCount }: SamplingTerms,
    look: () => Promise<void>,
  ): number {
    // One that lies far ahead is from before the clock was set back.
    if (nowMs < this.#dueAtMs && this.#dueAtMs <= nowMs + sampleWithinMs(this.#sample, config, databaseCount))
      return this.#dueAtMs;
    const wantedAtMs = isAtWork
      ? sampleAfterRunAtMs(this.#sample, config, nowMs)
      : this.#sampleNow(read(config.path), state, config, nowMs, look);
    this.#dueAtMs = Math.min(nowMs + sampleWithinMs(this.#sample, config, databaseCount), wantedAtMs);
    return this.#dueAtMs;
  }

  #sampleNow(
    { index, walFileBytes }: WalReading,
    state: DatabaseState,
    config: DatabaseConfig,
    nowMs: number,
    look: () => Promise<void>,
  ): number {
    // In the midst of a commit: what was known holds for a moment more.
    const isKnown = this.#sample !== null && nowMs - this.#sample.atMs < 2 * sampleEveryMs;
    if (index === null && isKnown) return sampleAfterRunAtMs(this.#sample, config, nowMs);
    const outgrown = hasOutgrown(this.#walFileBytes, walFileBytes, config);
    this.#sample = index === null ? null : this.#sampleOf(index, nowMs);
    this.#walFileBytes = walFileBytes;
    if (this.#isLooking) return sampleAfterRunAtMs(this.#sample, config, nowMs);
    const neededAtMs = outgrown ? nowMs : lookNeededAtMs(state, this.#sample, config, nowMs);
    if (neededAtMs > nowMs) return neededAtMs;
    this.#isLooking = true;
    void look().finally(() => {
      this.#isLooking = false;
    });
    return sampleAfterRunAtMs(this.#sample, config, nowMs);
  }

  #sampleOf(index: WalIndex, nowMs: number): WalSample {
    const frameBytes = walFrameBytes(index.pageSizeBytes);
    const { mxFrame, nBackfill } = index;
    return sampleOf(this.#sample, { walIdentity: saltsOf(index), mxFrame, nBackfill, frameBytes }, nowMs);
  }
}
