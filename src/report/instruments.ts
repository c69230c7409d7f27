/**
 * The catalogue as instruments: made per daemon, never global. What belongs to a database appears and goes with it, in
 * databaseSeries.ts, its histograms in databaseHistogram.ts; the rest is prom-client's, in one registry.
 */
import { Counter, Gauge, type Registry } from "prom-client";
import { DatabaseHistogram } from "./databaseHistogram.ts";
import { DatabaseSeries, type SeriesCounter, type SeriesGauge } from "./databaseSeries.ts";
import {
  type MetricDefinition,
  type MetricName,
  type MetricNameOf,
  metricCatalogue,
} from "./metricCatalogue.ts";
import { hasDatabaseLabel, seriesOf } from "./metricSeries.ts";

/** `process_*` belong to processMetrics.ts, which registers them itself. */
type OwnNameOf<Type extends "gauge" | "counter"> = Exclude<MetricNameOf<Type>, `process_${string}`>;
export type GaugeName = OwnNameOf<"gauge">;
export type CounterName = OwnNameOf<"counter">;

export interface Instruments {
  readonly gauges: Readonly<Record<GaugeName, SeriesGauge>>;
  readonly counters: Readonly<Record<CounterName, SeriesCounter>>;
  readonly series: DatabaseSeries;
  readonly checkpointDuration: DatabaseHistogram;
  readonly writerStall: DatabaseHistogram;
  readonly integrityCheckDuration: DatabaseHistogram;
}

export function createInstruments(registry: Registry): Instruments {
  const registers = [registry];
  const series = new DatabaseSeries();
  const gauges: Record<string, SeriesGauge> = {};
  const counters: Record<string, SeriesCounter> = {};
  for (const [name, definition] of definitions()) {
    if (name.startsWith("process_")) continue;
    const { type, help, labels } = definition;
    const options = { name, help, labelNames: Object.keys(labels), registers };
    const isOfDatabase = hasDatabaseLabel(definition);
    if (type === "gauge") gauges[name] = isOfDatabase ? series.gauge(name) : new Gauge(options);
    if (type !== "counter") continue;
    const counter = isOfDatabase ? series.counter(name) : new Counter(options);
    counters[name] = counter;
    if (!isOfDatabase) for (const labelled of seriesOf(definition, null)) counter.inc(labelled, 0);
  }
  const histogram = (name: MetricNameOf<"histogram">, fleetName: MetricNameOf<"histogram">) =>
    new DatabaseHistogram(registry, series, name, fleetName);
  return {
    // The loop above went through the whole catalogue, so every name is there.
    gauges: gauges as Record<GaugeName, SeriesGauge>,
    counters: counters as Record<CounterName, SeriesCounter>,
    series,
    checkpointDuration: histogram(
      "sqlite_wal_checkpoint_duration_seconds",
      "sqlite_fleet_wal_checkpoint_duration_seconds",
    ),
    writerStall: histogram(
      "sqlite_wal_checkpoint_writer_stall_seconds",
      "sqlite_fleet_wal_checkpoint_writer_stall_seconds",
    ),
    integrityCheckDuration: histogram(
      "sqlite_integrity_check_duration_seconds",
      "sqlite_fleet_integrity_check_duration_seconds",
    ),
  };
}

export function histogramsOf(instruments: Instruments): readonly DatabaseHistogram[] {
  return [instruments.checkpointDuration, instruments.writerStall, instruments.integrityCheckDuration];
}

/** Every counter of the database is there from now on, with 0. */
export function addDatabase(instruments: Instruments, database: string): void {
  instruments.series.add(database);
  for (const histogram of histogramsOf(instruments)) histogram.register(database);
}

/** Nothing of the database is left. */
export function removeDatabase(instruments: Instruments, database: string): void {
  instruments.series.remove(database);
  for (const histogram of histogramsOf(instruments)) histogram.unregister(database);
}

function definitions(): readonly (readonly [MetricName, MetricDefinition])[] {
  return Object.entries(metricCatalogue) as [MetricName, MetricDefinition][];
}
