/**
 * The one mutable place of a watch: its state and its last observation. Acts on the short and the long lane
 * run side by side, so they change it through functions of the present state, never by writing back an
 * older copy.
 */
import type { Observation } from "../domain/observation.ts";
import type { ReadinessCheck } from "../domain/status.ts";
import type { CheckVerdict } from "../policy/readiness.ts";
import { type DatabaseState, initialState } from "../policy/state.ts";

export class Memory {
  #state: DatabaseState;
  #observation: Observation | null = null;
  #lastPath: string | null = null;
  #lastObservedAtMs: number | null = null;
  readonly #sinceMs = new Map<string, { state: string; sinceMs: number }>();

  constructor(nowMs: number) {
    this.#state = initialState(nowMs);
  }

  get state(): DatabaseState {
    return this.#state;
  }

  get observation(): Observation | null {
    return this.#observation;
  }

  /** `change` must not ask for the time: a clock that was set says so by an update of its own. */
  update(change: (state: DatabaseState) => DatabaseState): void {
    this.#state = change(this.#state);
  }

  /** Where the database was when something was last there, resolved; null: never seen. */
  get lastPath(): string | null {
    return this.#lastPath;
  }

  /** When there was a regular file that could be read; null: never. */
  get lastObservedAtMs(): number | null {
    return this.#lastObservedAtMs;
  }

  noteObservation(observation: Observation): void {
    this.#observation = observation;
    if (observation.database.kind === "regular") this.#lastObservedAtMs = observation.observedAtMs;
    this.#lastPath = observation.resolvedPath ?? this.#lastPath;
  }

  /** Adds since when each check has been in its state. */
  withSince(verdicts: readonly CheckVerdict[], nowMs: number): readonly ReadinessCheck[] {
    return verdicts.map((verdict) => {
      const known = this.#sinceMs.get(verdict.name);
      if (known?.state === verdict.state) return { ...verdict, sinceMs: known.sinceMs };
      this.#sinceMs.set(verdict.name, { state: verdict.state, sinceMs: nowMs });
      return { ...verdict, sinceMs: nowMs };
    });
  }
}
