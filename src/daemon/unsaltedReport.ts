/**
 * Says once that WALs hold committed frames without salts, however many of them follow one another, and once that there are
 * no more; and of each recovery that ended before such a frame that it did.
 */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { UnsaltedLoss } from "../domain/unsaltedFrame.ts";
import type { DatabaseState } from "../policy/state.ts";
import { adviseUnsalted, describeLoss, describeUnsalted, lossAdvice } from "../policy/unsaltedFrames.ts";
import type { Events } from "../report/events.ts";

type UnsaltedEvents = Pick<Events, "unsaltedFrames" | "unsaltedFramesGone" | "unsaltedFramesLost">;

export class UnsaltedReport {
  readonly #events: UnsaltedEvents;
  /** Since when there are some, by what was said last; null: there are none. */
  #toldSinceMs: number | null = null;
  #toldLoss: UnsaltedLoss | null = null;

  constructor(events: UnsaltedEvents) {
    this.#events = events;
  }

  observed(state: DatabaseState, config: DatabaseConfig, nowMs: number): void {
    const { unsaltedFrame, unsaltedEpisode, unsaltedLoss } = state;
    if (unsaltedLoss !== null && unsaltedLoss !== this.#toldLoss) {
      this.#toldLoss = unsaltedLoss;
      // They are no good news: nothing more is said of their end.
      this.#toldSinceMs = null;
      const reason = describeLoss(unsaltedLoss);
      this.#events.unsaltedFramesLost(config.name, unsaltedLoss, { reason, advice: lossAdvice });
    }
    const toldSinceMs = this.#toldSinceMs;
    if (unsaltedFrame !== null && toldSinceMs === null) {
      this.#toldSinceMs = unsaltedFrame.sinceMs;
      this.#events.unsaltedFrames(config.name, unsaltedFrame, {
        reason: describeUnsalted(unsaltedFrame),
        advice: adviseUnsalted(state, config),
      });
    }
    if (unsaltedFrame !== null || unsaltedEpisode !== null || toldSinceMs === null) return;
    this.#toldSinceMs = null;
    this.#events.unsaltedFramesGone(config.name, { durationMs: Math.max(0, nowMs - toldSinceMs) });
  }
}
