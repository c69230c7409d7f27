/**
 * Says what a database has exposed: once when it begins, with who may have written it, and once when it has stopped for
 * good. An application that never syncs is exposed anew after each sync of ours: that is one story, told once.
 */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { Observation } from "../domain/observation.ts";
import type { Outcome, SyncResult } from "../domain/outcome.ts";
import type { ExposureState } from "../policy/exposureState.ts";
import { describeExposure } from "../policy/exposureStatus.ts";
import type { SyncWanted } from "../policy/exposureSync.ts";
import type { WatchContext } from "./watchContext.ts";

/** Nothing exposed for so long: the story is over. */
const endedAfterMs = 60_000;

export class ExposureReport {
  readonly #context: WatchContext;
  /** Processes that have been named; null: nothing is being told. */
  #named: ReadonlySet<number | null> | null = null;
  #lastExposedAtMs = 0;
  #tooSlow = false;

  constructor(context: WatchContext) {
    this.#context = context;
  }

  looked(config: DatabaseConfig, exposure: ExposureState | null, observation: Observation): void {
    if (this.#named === null && !isExposed(exposure)) return;
    const status = describeExposure(exposure, observation);
    if (status.kind === "unobservable") return;
    const nowMs = observation.observedAtMs;
    if (status.sinceMs === null) {
      if (nowMs - this.#lastExposedAtMs < endedAfterMs) return;
      this.#named = null;
      this.#context.events.exposureEnded(config.name);
      return;
    }
    this.#lastExposedAtMs = nowMs;
    const pids = new Set(status.writers.map(({ pid }) => pid));
    const named = this.#named;
    if (named !== null && [...pids].every((pid) => named.has(pid))) return;
    this.#named = new Set([...(named ?? []), ...pids]);
    this.#context.events.exposureDetected(config.name, { ...status, boundMs: config.exposureMaxMs });
  }

  synced(config: DatabaseConfig, wanted: SyncWanted, outcome: Outcome<SyncResult>): void {
    this.#context.metrics.walSync(config.name, outcome.ok ? "ok" : "failed");
    if (!outcome.ok) {
      // Another file is there now: the next look is about that one.
      if (outcome.reason !== "identity") this.#context.events.operationFailed(config.name, outcome);
      return;
    }
    const boundMs = config.exposureMaxMs;
    const tooSlow = wanted.because === "bound" && outcome.durationMs > boundMs;
    if (tooSlow && !this.#tooSlow) {
      this.#context.events.exposureBoundMissed(config.name, { durationMs: outcome.durationMs, boundMs });
    }
    if (wanted.because === "bound") this.#tooSlow = tooSlow;
  }
}

function isExposed(exposure: ExposureState | null): boolean {
  return exposure !== null && (exposure.database !== null || (exposure.wal?.exposedSinceMs ?? null) !== null);
}
