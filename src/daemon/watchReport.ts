/**
 * Says what changed between two looks at one database: guards, mode, readiness, a WAL that started over. Keeps only
 * what it said last.
 */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { Observation } from "../domain/observation.ts";
import type { DatabaseStatus } from "../domain/status.ts";
import type { WalHeader } from "../format/walHeader.ts";
import type { GuardName } from "../policy/guardFinding.ts";
import type { DatabaseState } from "../policy/state.ts";
import { walResetCount } from "../policy/walResets.ts";
import { WalReport } from "./walReport.ts";
import type { WatchContext } from "./watchContext.ts";

export class WatchReport {
  readonly #context: WatchContext;
  #config: DatabaseConfig;
  #refused = new Set<GuardName>();
  #mode: DatabaseStatus["mode"];
  readonly #readiness = new Map<string, string>();
  #walHeader: WalHeader | null = null;
  #unreadable = "";
  #replicator = "";
  readonly #wal: WalReport;

  constructor(context: WatchContext, config: DatabaseConfig) {
    this.#context = context;
    this.#wal = new WalReport(context.events);
    this.#config = config;
    this.#mode = config.mode;
  }

  reconfigure(config: DatabaseConfig): void {
    this.#config = config;
    this.#mode = config.mode;
  }

  /** Another file: its WAL is no continuation of the earlier one's. */
  startOver(): void {
    this.#walHeader = null;
    this.#wal.startOver();
  }

  observed(status: DatabaseStatus, state: DatabaseState, observation: Observation): void {
    this.#guards(state);
    this.#modes(status);
    this.#readinessChanges(status, state);
    this.#resets(observation);
    this.#failures(observation);
    this.#replicators(status);
    this.#wal.observed(status, observation.observedAtMs);
  }

  #guards(state: DatabaseState): void {
    const { events } = this.#context;
    const refused = new Set<GuardName>();
    for (const finding of state.guards) {
      if (finding.verdict !== "refuse") continue;
      refused.add(finding.guard);
      if (this.#refused.has(finding.guard)) continue;
      events.guardRefused(this.#config.name, { guard: finding.guard, reason: finding.reason });
    }
    for (const guard of this.#refused) {
      const pending = state.guards.some((finding) => finding.guard === guard);
      if (!pending) events.guardCleared(this.#config.name, { guard });
      else refused.add(guard);
    }
    this.#refused = refused;
  }

  #modes(status: DatabaseStatus): void {
    const { mode, modeReason, configuredMode } = status;
    const from = this.#mode;
    // A guard that only waits may pass in a moment: it lowers the mode without a word.
    if (mode === from || (mode !== configuredMode && this.#refused.size === 0 && isWaiting(status))) return;
    if (mode === configuredMode) this.#context.events.modeRestored(this.#config.name, { from, to: mode });
    else this.#context.events.modeLowered(this.#config.name, { from, to: mode, reason: modeReason });
    this.#mode = mode;
  }

  #readinessChanges(status: DatabaseStatus, state: DatabaseState): void {
    // While the sequence goes forward every check changes; its end says what came of it.
    const underWay = state.stage !== "ended" && state.stage !== "missing";
    const heldUp = state.retry.failureCount > 0 || this.#refused.size > 0;
    if (state.startupEndedAtMs === null || (underWay && !heldUp)) return;
    // Guards that only wait come and go with every commit in rollback mode, and with every last close.
    if (state.guards.length > 0 && this.#refused.size === 0) return;
    for (const { name, state: checkState, reason, sinceMs } of status.readiness.checks) {
      const known = this.#readiness.get(name);
      this.#readiness.set(name, checkState);
      if (known === checkState || (known === undefined && checkState === "ok")) continue;
      this.#context.events.readinessChanged(this.#config.name, {
        check: name,
        state: checkState,
        reason,
        sinceMs,
      });
    }
  }

  /** Once for each that comes, and for each that goes. */
  #replicators({ replicator }: DatabaseStatus): void {
    const name = replicator?.checkpointsLeftToIt ? replicator.name : "";
    if (name === this.#replicator) return;
    const { events } = this.#context;
    if (this.#replicator !== "") events.replicatorGone(this.#config.name, { replicator: this.#replicator });
    if (replicator !== null && name !== "") {
      const { evidence, holders, reason } = replicator;
      events.replicatorDetected(this.#config.name, { replicator: name, evidence, holders, reason });
    }
    this.#replicator = name;
  }

  /** From nothing to something is no reset. */
  #resets(observation: Observation): void {
    if (observation.walHeader?.kind !== "header") return;
    const { header } = observation.walHeader;
    const resetCount = this.#walHeader === null ? 0 : walResetCount(this.#walHeader, header);
    if (resetCount > 0) this.#context.metrics.walReset(this.#config.name, resetCount);
    this.#walHeader = header;
  }

  #failures(observation: Observation): void {
    const { database } = observation;
    const unreadable = database.kind === "unreadable" ? `${database.operation} ${database.code}` : "";
    if (database.kind === "unreadable" && unreadable !== this.#unreadable) {
      this.#context.events.observationFailed(this.#config.name, {
        operation: database.operation,
        path: this.#config.path,
        code: database.code,
      });
    }
    this.#unreadable = unreadable;
  }
}

function isWaiting(status: DatabaseStatus): boolean {
  return status.readiness.checks.some((check) => check.name === "guards" && check.state === "degraded");
}
