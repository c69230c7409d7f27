/**
 * The series that a catalogue entry can have for one database, or for none: the product of its labels'
 * values. Used to start every counter at 0 and to remove all that belongs to a database. Pure.
 */
import type { MetricDefinition } from "./metricCatalogue.ts";

export type Labels = Readonly<Record<string, string>>;

/** Empty when a label other than `database` takes values that are not known beforehand. */
export function seriesOf(definition: MetricDefinition, database: string | null): readonly Labels[] {
  let series: readonly Labels[] = [{}];
  for (const [label, values] of Object.entries(definition.labels)) {
    const known = label === "database" && database !== null ? [database] : (values ?? []);
    series = series.flatMap((labels) => known.map((value) => ({ ...labels, [label]: value })));
  }
  return series;
}

export function hasDatabaseLabel(definition: MetricDefinition): boolean {
  return "database" in definition.labels;
}
