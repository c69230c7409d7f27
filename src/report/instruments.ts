/**
 * The catalogue as prom-client instruments in one registry: made per daemon, never global. Gauges and
 * counters of a database appear and go with it here; its histograms are in databaseHistogram.ts.
 */
import { Counter, Gauge, type Registry } from "prom-client";
import { DatabaseHistogram } from "./databaseHistogram.ts";
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
  readonly gauges: Readonly<Record<GaugeName, Gauge>>;
  readonly counters: Readonly<Record<CounterName, Counter>>;
  readonly checkpointDuration: DatabaseHistogram;
  readonly writerStall: DatabaseHistogram;
  readonly integrityCheckDuration: DatabaseHistogram;
}

export function createInstruments(registry: Registry): Instruments {
  const registers = [registry];
  const gauges: Record<string, Gauge> = {};
  const counters: Record<string, Counter> = {};
  for (const [name, definition] of definitions()) {
    if (name.startsWith("process_")) continue;
    const options = { name, help: definition.help, labelNames: Object.keys(definition.labels), registers };
    if (definition.type === "gauge") gauges[name] = new Gauge(options);
    if (definition.type === "counter") counters[name] = new Counter(options);
    if (definition.type === "counter" && !hasDatabaseLabel(definition))
      zero(counters[name], definition, null);
  }
  return {
    // The loop above went through the whole catalogue, so every name is there.
    gauges: gauges as Record<GaugeName, Gauge>,
    counters: counters as Record<CounterName, Counter>,
    checkpointDuration: new DatabaseHistogram(
      registry,
      "sqlite_wal_checkpoint_duration_seconds",
      "sqlite_fleet_wal_checkpoint_duration_seconds",
    ),
    writerStall: new DatabaseHistogram(
      registry,
      "sqlite_wal_checkpoint_writer_stall_seconds",
      "sqlite_fleet_wal_checkpoint_writer_stall_seconds",
    ),
    integrityCheckDuration: new DatabaseHistogram(
      registry,
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
  for (const [name, definition] of definitions()) {
    if (definition.type !== "counter" || !hasDatabaseLabel(definition)) continue;
    zero(instruments.counters[name as CounterName], definition, database);
  }
  for (const histogram of histogramsOf(instruments)) histogram.register(database);
}

/** Nothing of the database is left. */
export function removeDatabase(instruments: Instruments, database: string): void {
  for (const [name, definition] of definitions()) {
    if (!hasDatabaseLabel(definition) || definition.type === "histogram") continue;
    const instrument =
      definition.type === "gauge"
        ? instruments.gauges[name as GaugeName]
        : instruments.counters[name as CounterName];
    for (const series of seriesOf(definition, database)) instrument.remove(series);
  }
  for (const histogram of histogramsOf(instruments)) histogram.unregister(database);
}

function zero(counter: Counter | undefined, definition: MetricDefinition, database: string | null): void {
  for (const series of seriesOf(definition, database)) counter?.inc(series, 0);
}

function definitions(): readonly (readonly [MetricName, MetricDefinition])[] {
  return Object.entries(metricCatalogue) as [MetricName, MetricDefinition][];
}
