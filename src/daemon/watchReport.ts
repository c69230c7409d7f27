/**
 * Says what changed between two looks at one database: guards, mode, readiness, a WAL that started over. Keeps only
 * what it said last. One cause is one line: what a guard brings about (mode, readiness) is in the line of the guard.
 */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { Observation } from "../domain/observation.ts";
import type { DatabaseStatus } from "../domain/status.ts";
import type { WalHeader } from "../format/walHeader.ts";
import type { GuardName } from "../policy/guardFinding.ts";
import type { CheckVerdict } from "../policy/readiness.ts";
import type { DatabaseState } from "../policy/state.ts";
import { walResetCount } from "../policy/walResets.ts";
import { UnsaltedReport } from "./unsaltedReport.ts";
import { WalReport } from "./walReport.ts";
import type { WatchContext } from "./watchContext.ts";

/** While a guard refuses these say no more than that: its own line has told of mode and readiness. */
const broughtAboutByGuards: ReadonlySet<string> = new Set([
  "startup",
  "guards",
  "file",
  "profile",
  "integrity",
  "observation",
] satisfies CheckVerdict["name"][]);

/** It comes and goes with frames without salts, which have lines of their own. */
const saidByEvent: ReadonlySet<string> = new Set(["wal"] satisfies CheckVerdict["name"][]);

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
  readonly #unsaltedFrames: UnsaltedReport;

  constructor(context: WatchContext, config: DatabaseConfig) {
    this.#context = context;
    this.#wal = new WalReport(context.events);
    this.#unsaltedFrames = new UnsaltedReport(context.events);
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
    const isMissing = observation.database.kind === "absent";
    // What is missing says itself what speaks against putting another file there.
    if (!isMissing) this.#guards(status, state);
    this.#modes(status, state);
    this.#readinessChanges(status, state, isMissing);
    this.#resets(observation);
    this.#failures(observation, state);
    this.#replicators(status);
    this.#unsaltedFrames.observed(state, this.#config, observation.observedAtMs);
    this.#wal.observed(status, observation.observedAtMs, this.#refused.size > 0);
  }

  #guards(status: DatabaseStatus, state: DatabaseState): void {
    const { events } = this.#context;
    const { name } = this.#config;
    const { mode } = status;
    const refused = new Set<GuardName>();
    for (const { guard, verdict, reason } of state.guards) {
      if (verdict !== "refuse" || refused.has(guard)) continue;
      refused.add(guard);
      if (this.#refused.has(guard)) continue;
      events.guardRefused(name, { guard, reason, ready: status.readiness.ready, mode });
      // Who told it by may be gone when the daemon starts again.
      if (guard === "wal_of_another_file" || guard === "fsync_error") this.#context.ledger.writeSoon();
    }
    for (const guard of this.#refused) {
      const pending = state.guards.some((finding) => finding.guard === guard);
      if (!pending) events.guardCleared(name, { guard, mode });
      else refused.add(guard);
    }
    this.#refused = refused;
  }

  /** A guard says itself that it lowers the mode; one that only waits may pass in a moment. */
  #modes({ mode, modeReason, configuredMode }: DatabaseStatus, state: DatabaseState): void {
    const from = this.#mode;
    if (mode === from || state.guards.length > 0) return;
    if (mode === configuredMode) this.#context.events.modeRestored(this.#config.name, { from, to: mode });
    else this.#context.events.modeLowered(this.#config.name, { from, to: mode, reason: modeReason });
    this.#mode = mode;
  }

  #readinessChanges(status: DatabaseStatus, state: DatabaseState, isMissing: boolean): void {
    // While the sequence goes forward every check changes; its end says what came of it.
    const underWay = state.stage !== "ended" && state.stage !== "missing";
    const heldUp = state.retry.failureCount > 0 || this.#refused.size > 0;
    if (state.startupEndedAtMs === null || (underWay && !heldUp)) return;
    // Guards that only wait come and go with every commit in rollback mode, and with every last close.
    if (state.guards.length > 0 && this.#refused.size === 0) return;
    const isSaid = (check: string): boolean =>
      (isMissing && check === "file" && this.#config.whenMissing !== "create") ||
      (this.#refused.size > 0 && broughtAboutByGuards.has(check)) ||
      saidByEvent.has(check);
    for (const { name, state: checkState, reason, sinceMs } of status.readiness.checks) {
      const known = this.#readiness.get(name);
      // What was said last stays known, so that only what is left when the guard has gone is news.
      if (known === checkState || isSaid(name)) continue;
      this.#readiness.set(name, checkState);
      if (known === undefined && checkState === "ok") continue;
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

  #failures({ database }: Observation, state: DatabaseState): void {
    const unreadable = database.kind === "unreadable" ? `${database.operation} ${database.code}` : "";
    const isSaid = state.guards.some(({ guard, verdict }) => guard === "file_access" && verdict === "refuse");
    if (database.kind === "unreadable" && unreadable !== this.#unreadable && !isSaid) {
      this.#context.events.observationFailed(this.#config.name, {
        operation: database.operation,
        path: this.#config.path,
        code: database.code,
      });
    }
    this.#unreadable = unreadable;
  }
}
