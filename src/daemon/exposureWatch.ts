/**
 * What a power cut would cost one database: looked at with each heartbeat, synced when it has to be, and said. Nothing
 * here judges: `policy/exposure*.ts` does.
 */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { Observation } from "../domain/observation.ts";
import type { Outcome, SyncResult } from "../domain/outcome.ts";
import { noteExposure } from "../policy/exposure.ts";
import { askExposure, needsLook } from "../policy/exposureQuestion.ts";
import { looksApartMaxMs } from "../policy/exposureState.ts";
import { decideSync, noteSynced, type SyncWanted } from "../policy/exposureSync.ts";
import { ExposureReport } from "./exposureReport.ts";
import { noteFailedSync, recallFailedSync } from "./failedSyncs.ts";
import type { Memory } from "./memory.ts";
import { UnsaltedWatch } from "./unsaltedWatch.ts";
import type { WatchContext } from "./watchContext.ts";

export class ExposureWatch {
  readonly #context: WatchContext;
  readonly #memory: Memory;
  readonly #report: ExposureReport;
  readonly #unsaltedFrames: UnsaltedWatch;
  /** When it was last known what is exposed: by a look, or because nothing had changed. */
  #knownAtMs: number | null = null;
  #checkpointSeenAtMs: number | null = null;
  #syncing = false;

  constructor(context: WatchContext, memory: Memory) {
    this.#context = context;
    this.#memory = memory;
    this.#report = new ExposureReport(context);
    this.#unsaltedFrames = new UnsaltedWatch(context, memory);
  }

  /** Never waits: a sync goes on beside. */
  look(observation: Observation, config: DatabaseConfig): void {
    // First: what is asked, and what is synced, depends on it.
    recallFailedSync(this.#context, this.#memory, observation);
    const { state } = this.#memory;
    let isKnown = true;
    if (needsLook(observation, state)) {
      const { question, context } = askExposure(observation, state, this.#previousAtMs(observation));
      const look = this.#context.lookAtExposure(observation.resolvedPath ?? config.path, question);
      isKnown = look.kind === "wal" || look.kind === "noWal";
      this.#memory.update((present) => ({
        ...present,
        exposure: noteExposure(present.exposure, look, context),
      }));
    }
    const { exposure } = this.#memory.state;
    if (isKnown) this.#knownAtMs = observation.observedAtMs;
    this.#syncWhatIsWanted(observation, config);
    this.#report.looked(config, exposure, observation);
    this.#unsaltedFrames.look(observation);
  }

  /**
   * Without a look: what was known at the last one is known still. Only a glance beside somebody who stays connected tells
   * that; where nobody is, a short-lived process may have committed since.
   */
  nothingCommitted(atMs: number): void {
    if (this.#knownAtMs !== null) this.#knownAtMs = atMs;
  }

  clockJumped(jumpMs: number): void {
    if (this.#knownAtMs !== null) this.#knownAtMs += jumpMs;
  }

  /** Another file: what was known of the earlier one says nothing. */
  startOver(): void {
    this.#knownAtMs = null;
  }

  #previousAtMs({ observedAtMs }: Observation): number | null {
    const knownAtMs = this.#knownAtMs;
    return knownAtMs === null || observedAtMs - knownAtMs > looksApartMaxMs ? null : knownAtMs;
  }

  #syncWhatIsWanted(observation: Observation, config: DatabaseConfig): void {
    if (this.#syncing || observation.database.kind !== "regular" || observation.resolvedPath === null) return;
    const { exposure, checkpoint } = this.#memory.state;
    const { lookIntervalMs, syncs } = this.#context;
    const afterCheckpoint = checkpoint.ownSuccessAtMs !== this.#checkpointSeenAtMs;
    const nowMs = observation.observedAtMs;
    const wanted = decideSync(exposure, config, nowMs, lookIntervalMs, afterCheckpoint);
    this.#checkpointSeenAtMs = checkpoint.ownSuccessAtMs;
    if (wanted === null) return;
    this.#syncing = true;
    const files = {
      path: observation.resolvedPath,
      database: observation.database.identity,
      wal: observation.wal.kind === "regular" ? observation.wal.identity : null,
    };
    syncs.add(wanted.sinceMs, async () => {
      try {
        this.#synced(config, wanted, await this.#sync(files, wanted));
      } finally {
        this.#syncing = false;
      }
    });
  }

  async #sync(
    files: { readonly path: string; readonly database: string; readonly wal: string | null },
    wanted: SyncWanted,
  ): Promise<Outcome<SyncResult>> {
    const { syncFile } = this.#context;
    const wal =
      wanted.wal === null || files.wal === null
        ? ({ ok: true, durationMs: 0 } as const)
        : await syncFile(`${files.path}-wal`, files.wal);
    if (!wal.ok || wanted.database === null) return wal;
    const database = await syncFile(files.path, files.database);
    return database.ok ? { ok: true, durationMs: wal.durationMs + database.durationMs } : database;
  }

  #synced(config: DatabaseConfig, wanted: SyncWanted, outcome: Outcome<SyncResult>): void {
    if (!outcome.ok) noteFailedSync(this.#context, this.#memory, outcome);
    // One that failed meanwhile, for a checkpoint, has told this one nothing.
    else if (this.#memory.state.fsyncError === null)
      this.#memory.update((state) => ({ ...state, exposure: noteSynced(state.exposure, wanted) }));
    this.#report.synced(config, wanted, outcome);
  }
}
