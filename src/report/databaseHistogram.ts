/**
 * A histogram of one database among many; see metricCatalogue.ts for what happens above
 * `databaseHistogramsMax` databases. All values are recorded from the start in the shape that is needed
 * later too, so nothing goes backwards at the change: sum and count of each database go on, and the
 * fleet's distribution begins with all that was seen.
 */
import { Histogram, type Registry } from "prom-client";
import type { DatabaseSeries } from "./databaseSeries.ts";
import { type MetricNameOf, metricCatalogue } from "./metricCatalogue.ts";
import { type Labels, seriesOf } from "./metricSeries.ts";

export class DatabaseHistogram {
  private readonly perDatabase: Histogram;
  private readonly fleet: Histogram;
  private totalsOnly = false;

  constructor(
    private readonly registry: Registry,
    /** The same without finite buckets: `+Inf`, sum and count. */
    private readonly totals: DatabaseSeries,
    private readonly name: MetricNameOf<"histogram">,
    fleetName: MetricNameOf<"histogram">,
  ) {
    const { help, labels, buckets } = metricCatalogue[name];
    const labelNames = Object.keys(labels);
    this.perDatabase = new Histogram({
      name,
      help,
      labelNames,
      buckets: [...buckets],
      registers: [registry],
    });
    const fleet = metricCatalogue[fleetName];
    this.fleet = new Histogram({
      name: fleetName,
      help: fleet.help,
      labelNames: Object.keys(fleet.labels),
      buckets: [...fleet.buckets],
      registers: [],
    });
    for (const series of seriesOf(fleet, null)) this.fleet.zero(series);
  }

  register(database: string): void {
    if (this.totalsOnly) return;
    for (const series of this.seriesOf(database)) this.perDatabase.zero(series);
  }

  unregister(database: string): void {
    for (const series of this.seriesOf(database)) this.perDatabase.remove(series);
  }

  observe(database: string, labels: Labels, valueSeconds: number): void {
    this.totals.observe(this.name, { database, ...labels }, valueSeconds);
    this.fleet.observe(labels, valueSeconds);
    if (!this.totalsOnly) this.perDatabase.observe({ database, ...labels }, valueSeconds);
  }

  /** From now on the distribution is the fleet's. There is no way back before a restart. */
  dropDatabaseBuckets(): void {
    if (this.totalsOnly) return;
    this.totalsOnly = true;
    this.registry.removeSingleMetric(this.name);
    this.perDatabase.reset();
    this.totals.showTotals(this.name);
    this.registry.registerMetric(this.fleet);
  }

  private seriesOf(database: string): readonly Labels[] {
    return seriesOf(metricCatalogue[this.name], database);
  }
}
