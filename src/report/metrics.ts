/**
 * The metrics of a daemon: counted when something happens, the gauges of a database read from its status when
 * /metrics is asked for, deciding nothing. One registry per call of `createMetrics`. Invariants: a database has
 * series exactly from `register` to `unregister` (a result that comes later is not recorded); its counters are
 * there with 0 from the start; a scrape of many databases lets the event loop breathe; see metricCatalogue.ts for
 * names and for what changes above 50 databases.
 */
import { Histogram, Registry } from "prom-client";
import type { CheckpointStatus, DatabaseStatus, IntegrityStatus } from "../domain/status.ts";
import { databaseGauges } from "./databaseGauges.ts";
import type { Breathe } from "./databaseSeries.ts";
import {
  addDatabase,
  createInstruments,
  histogramsOf,
  type Instruments,
  removeDatabase,
} from "./instruments.ts";
import { databaseHistogramsMax, metricCatalogue } from "./metricCatalogue.ts";
import { registerProcessMetrics } from "./processMetrics.ts";

export type WorkerFailureReason = "deadline" | "crash" | "protocol" | "spawn";

export interface Metrics {
  readonly contentType: string;
  text(): Promise<string>;
  /** The same text in pieces of some ten kilobytes. */
  pieces(): Promise<readonly string[]>;
  /** @param status what is known of it when it is asked for; null: nothing is known any more. */
  register(database: string, status: () => DatabaseStatus | null): void;
  unregister(database: string): void;
  /** After every checkpoint, and when one was skipped. */
  checkpoint(database: string, status: CheckpointStatus): void;
  integrity(database: string, status: IntegrityStatus): void;
  /** Once per startup sequence; 0: there was nothing to recover, which is no recovery. */
  recovery(database: string, recoveredFrameCount: number): void;
  /** Another file is there under the same name: what was said of the old one is withdrawn. */
  startOver(database: string): void;
  /** So many times the WAL started over since the last look at it. */
  walReset(database: string, resetCount: number): void;
  /** After each sync of a WAL that an application had not synced. */
  walSync(database: string, outcome: "ok" | "failed"): void;
  workerFailure(reason: WorkerFailureReason): void;
  eventLoopLag(lagSeconds: number): void;
}

export interface MetricsOptions {
  readonly version: string;
  readonly bunVersion: string;
  readonly sqliteVersion: string;
}

export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry();
  const instruments = createInstruments(registry);
  const lag = createLagHistogram(registry);
  registerProcessMetrics(registry);
  const { version, bunVersion: bun, sqliteVersion: sqlite } = options;
  instruments.gauges.walwarden_build_info.set({ version, bun, sqlite }, 1);
  const databases = new Map<string, () => DatabaseStatus | null>();

  async function pieces(): Promise<readonly string[]> {
    const breathe = breathing();
    for (const readStatus of databases.values()) {
      const status = readStatus();
      if (status !== null) setGauges(instruments, status);
      const breath = breathe();
      if (breath !== null) await breath;
    }
    return [...(await instruments.series.pieces(breathe)), await registry.metrics()];
  }

  return {
    contentType: registry.contentType,
    text: async () => (await pieces()).join(""),
    pieces,
    register(database, status) {
      const isKnown = databases.has(database);
      databases.set(database, status);
      if (isKnown) return;
      addDatabase(instruments, database);
      if (databases.size <= databaseHistogramsMax) return;
      for (const histogram of histogramsOf(instruments)) histogram.dropDatabaseBuckets();
    },
    unregister(database) {
      if (databases.delete(database)) removeDatabase(instruments, database);
    },
    checkpoint(database, status) {
      if (databases.has(database)) countCheckpoint(instruments, database, status);
    },
    integrity(database, status) {
      if (databases.has(database)) countIntegrityCheck(instruments, database, status);
    },
    recovery(database, recoveredFrameCount) {
      if (!databases.has(database)) return;
      if (recoveredFrameCount > 0) instruments.counters.sqlite_startup_recoveries_total.inc({ database });
      instruments.gauges.sqlite_startup_recovered_frames.set({ database }, recoveredFrameCount);
    },
    startOver(database) {
      if (databases.has(database)) withdrawVerdicts(instruments, database);
    },
    walReset(database, resetCount) {
      if (databases.has(database)) instruments.counters.sqlite_wal_resets_total.inc({ database }, resetCount);
    },
    walSync(database, outcome) {
      if (databases.has(database)) instruments.counters.sqlite_wal_syncs_total.inc({ database, outcome });
    },
    workerFailure(reason) {
      instruments.counters.walwarden_sql_worker_failures_total.inc({ reason });
    },
    eventLoopLag(lagSeconds) {
      lag.observe(lagSeconds);
    },
  };
}

/** A scrape of many databases keeps the event loop for this long at a time. */
const sliceMs = 5;

function breathing(): Breathe {
  let beganMs = performance.now();
  return () => {
    if (performance.now() - beganMs < sliceMs) return null;
    return new Promise((resolve) =>
      setImmediate(() => {
        beganMs = performance.now();
        resolve();
      }),
    );
  };
}

function withdrawVerdicts(instruments: Instruments, database: string): void {
  const { gauges } = instruments;
  for (const check of metricCatalogue.sqlite_integrity_ok.labels.check) {
    gauges.sqlite_integrity_ok.remove({ database, check });
    gauges.sqlite_last_successful_integrity_check_timestamp_seconds.remove({ database, check });
  }
  gauges.sqlite_startup_recovered_frames.remove({ database });
}

function createLagHistogram(registry: Registry): Histogram {
  const name = "walwarden_event_loop_lag_seconds";
  const { help, buckets } = metricCatalogue[name];
  return new Histogram({ name, help, buckets: [...buckets], registers: [registry] });
}

function setGauges(instruments: Instruments, status: DatabaseStatus): void {
  for (const { name, labels, value } of databaseGauges(status)) {
    const series = { database: status.name, ...labels };
    if (value === null) instruments.gauges[name].remove(series);
    else instruments.gauges[name].set(series, value);
  }
}

function countCheckpoint(instruments: Instruments, database: string, status: CheckpointStatus): void {
  const { trigger, outcome, durationMs, heldMs } = status;
  instruments.counters.sqlite_wal_checkpoints_total.inc({ database, trigger, outcome });
  if (outcome === "skipped") return;
  instruments.checkpointDuration.observe(database, { trigger }, durationMs / 1000);
  if (heldMs > 0) instruments.writerStall.observe(database, {}, heldMs / 1000);
}

function countIntegrityCheck(instruments: Instruments, database: string, status: IntegrityStatus): void {
  const { check, verdict, durationMs, endedAtMs, restsOn } = status;
  const { gauges, counters } = instruments;
  if (restsOn !== null) {
    // No check was done: the gauges tell of the one that the verdict rests on, and its age.
    gauges.sqlite_integrity_ok.set({ database, check }, 1);
    const series = { database, check };
    gauges.sqlite_last_successful_integrity_check_timestamp_seconds.set(series, endedAtMs / 1000);
    return;
  }
  // One that did not end took no time that is known.
  if (verdict !== "unknown")
    instruments.integrityCheckDuration.observe(database, { check }, durationMs / 1000);
  if (verdict === "undecidable" || verdict === "unknown") {
    // No verdict: what the check last said stays, and the timestamp beside it tells how old that is.
    counters.sqlite_integrity_checks_total.inc({ database, check, outcome: verdict });
    return;
  }
  const passed = verdict === "ok";
  counters.sqlite_integrity_checks_total.inc({ database, check, outcome: passed ? "ok" : "failed" });
  gauges.sqlite_integrity_ok.set({ database, check }, passed ? 1 : 0);
  if (passed) {
    const series = { database, check };
    gauges.sqlite_last_successful_integrity_check_timestamp_seconds.set(series, endedAtMs / 1000);
  } else {
    counters.sqlite_integrity_check_failures_total.inc({ database, check, class: verdict });
  }
}
