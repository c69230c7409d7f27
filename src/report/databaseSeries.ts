/**
 * The series of the databases: every gauge and counter of the catalogue that has a `database` label, and sum and count
 * of its histograms. One row of numbers a database, and the text written from them in slices: prom-client keeps an
 * object for each series, and writes all of them in one piece (290 ms at 1,000 databases, measured).
 *
 * Invariants: which series a database can have is known beforehand, by the catalogue; what is not known is absent; a
 * database that is not there takes no values.
 *
 * Source of the text: Prometheus, "Exposition formats", "Text-based format".
 */
import { seriesText, valueText } from "./expositionText.ts";
import { type MetricDefinition, type MetricName, metricCatalogue } from "./metricCatalogue.ts";
import { hasDatabaseLabel, type Labels, seriesOf } from "./metricSeries.ts";

export interface SeriesGauge {
  set(labels: Labels, value: number): void;
  /** It is not known any more. */
  remove(labels: Labels): void;
}

export interface SeriesCounter {
  inc(labels: Labels, value?: number): void;
}

/** Lets the event loop have its turn when a slice has been used up. */
export type Breathe = () => Promise<void> | null;

interface Row {
  /** NaN: not known. */
  readonly values: Float64Array;
  /** `database="NAME"`, escaped. */
  readonly labelText: string;
}

/** One line of text a database. */
interface Line {
  readonly name: string;
  /** `,trigger="periodic"`, what comes after the database. */
  readonly labelText: string;
  readonly slot: number;
}

interface Family {
  readonly definition: MetricDefinition;
  /** By the values of the labels; of a histogram the sum, with the count in the slot after it. */
  readonly slots: ReadonlyMap<string, number>;
  readonly lines: readonly Line[];
}

/** What is written to a socket in one go. */
const pieceLength = 64 * 1024;

export class DatabaseSeries {
  readonly #families = new Map<MetricName, Family>();
  readonly #rows = new Map<string, Row>();
  readonly #shownTotals = new Set<MetricName>();
  #slotCount = 0;

  constructor() {
    for (const [name, definition] of Object.entries(metricCatalogue) as [MetricName, MetricDefinition][])
      if (hasDatabaseLabel(definition)) this.#families.set(name, this.#makeFamily(name, definition));
  }

  /** Its counters are 0 from now on, its gauges not known. */
  add(database: string): void {
    const values = new Float64Array(this.#slotCount).fill(Number.NaN);
    for (const { definition, slots, lines } of this.#families.values()) {
      if (definition.type === "gauge") continue;
      for (const slot of slots.values()) values[slot] = 0;
      for (const { slot } of lines) values[slot] = 0;
    }
    this.#rows.set(database, { values, labelText: seriesText({ database }) });
  }

  remove(database: string): void {
    this.#rows.delete(database);
  }

  gauge(name: MetricName): SeriesGauge {
    return {
      set: (labels, value) => this.#change(name, labels, () => value),
      remove: (labels) => this.#change(name, labels, () => Number.NaN),
    };
  }

  counter(name: MetricName): SeriesCounter {
    return { inc: (labels, value = 1) => this.#change(name, labels, (before) => before + value) };
  }

  /** Into sum and count of a histogram. */
  observe(name: MetricName, labels: Labels, value: number): void {
    this.#change(name, labels, (before) => before + value);
    this.#change(name, labels, (before) => before + 1, 1);
  }

  /** The histogram is shown from here, without finite buckets. */
  showTotals(name: MetricName): void {
    this.#shownTotals.add(name);
  }

  async pieces(breathe: Breathe): Promise<readonly string[]> {
    const pieces: string[] = [];
    let piece = "";
    for (const [name, { definition, lines }] of this.#families) {
      if (definition.type === "histogram" && !this.#shownTotals.has(name)) continue;
      piece += `# HELP ${name} ${definition.help}\n# TYPE ${name} ${definition.type}\n`;
      for (const row of this.#rows.values()) {
        piece += rowText(row, lines);
        if (piece.length >= pieceLength) {
          pieces.push(piece);
          piece = "";
        }
        const breath = breathe();
        if (breath !== null) await breath;
      }
    }
    pieces.push(piece);
    return pieces;
  }

  #change(name: MetricName, labels: Labels, change: (before: number) => number, offset = 0): void {
    const family = this.#families.get(name);
    const slot = family?.slots.get(keyOf(labels));
    if (slot === undefined) throw new Error(`${name} has no series ${JSON.stringify(labels)}`);
    const values = this.#rows.get(labels.database ?? "")?.values;
    if (values === undefined) return;
    values[slot + offset] = change(values[slot + offset] ?? Number.NaN);
  }

  #makeFamily(name: MetricName, definition: MetricDefinition): Family {
    const slots = new Map<string, number>();
    const lines: Line[] = [];
    for (const { database: _, ...labels } of seriesOf(definition, "")) {
      const slot = this.#slotCount;
      const labelText = Object.keys(labels).length === 0 ? "" : `,${seriesText(labels)}`;
      slots.set(keyOf(labels), slot);
      if (definition.type === "histogram") {
        lines.push({ name: `${name}_bucket`, labelText: `${labelText},le="+Inf"`, slot: slot + 1 });
        lines.push({ name: `${name}_sum`, labelText, slot });
        lines.push({ name: `${name}_count`, labelText, slot: slot + 1 });
      } else lines.push({ name, labelText, slot });
      this.#slotCount += definition.type === "histogram" ? 2 : 1;
    }
    return { definition, slots, lines };
  }
}

/** The values of all labels but the database, whatever order they were written in. */
function keyOf(labels: Labels): string {
  let key = "";
  for (const name of Object.keys(labels).sort()) if (name !== "database") key += `${name}=${labels[name]};`;
  return key;
}

function rowText({ values, labelText }: Row, lines: readonly Line[]): string {
  let text = "";
  for (const line of lines) {
    const value = values[line.slot];
    if (value === undefined || Number.isNaN(value)) continue;
    text += `${line.name}{${labelText}${line.labelText}} ${valueText(value)}\n`;
  }
  return text;
}
