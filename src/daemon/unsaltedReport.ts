/** Says once of each WAL that it holds committed frames without salts, and once that it holds them no more. */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { UnsaltedFrame } from "../domain/unsaltedFrame.ts";
import type { DatabaseState } from "../policy/state.ts";
import { adviseUnsalted, describeUnsalted } from "../policy/unsaltedFrames.ts";
import type { Events } from "../report/events.ts";

type UnsaltedEvents = Pick<Events, "unsaltedFrames" | "unsaltedFramesGone">;

export class UnsaltedReport {
  readonly #events: UnsaltedEvents;
  #told: UnsaltedFrame | null = null;

  constructor(events: UnsaltedEvents) {
    this.#events = events;
  }

  observed(state: DatabaseState, config: DatabaseConfig, nowMs: number): void {
    const { unsaltedFrame } = state;
    const told = this.#told;
    if (unsaltedFrame === null) {
      if (told !== null)
        this.#events.unsaltedFramesGone(config.name, { durationMs: Math.max(0, nowMs - told.sinceMs) });
      this.#told = null;
      return;
    }
    if (told?.walIdentity === unsaltedFrame.walIdentity) return;
    this.#told = unsaltedFrame;
    this.#events.unsaltedFrames(config.name, unsaltedFrame, {
      reason: describeUnsalted(unsaltedFrame),
      advice: adviseUnsalted(state, config),
    });
  }
}
