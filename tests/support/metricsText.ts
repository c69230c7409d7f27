/**
 * Reads the Prometheus text format, as far as the daemon's answers use it
 * (prometheus.io/docs/instrumenting/exposition_formats).
 */

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface MetricsRead {
  readonly samples: readonly Sample[];
  /** The value of the one series with at least these labels; undefined when there is none. */
  value(name: string, labels?: Readonly<Record<string, string>>): number | undefined;
  /** All series with at least these labels, added up; 0 when there is none. */
  sum(name: string, labels?: Readonly<Record<string, string>>): number;
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [, name = "", escaped = ""] of text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
    labels[name] = escaped.replace(/\\(.)/g, (_whole, sign: string) => (sign === "n" ? "\n" : sign));
  }
  return labels;
}

function parseValue(text: string): number {
  if (text === "+Inf") return Number.POSITIVE_INFINITY;
  if (text === "-Inf") return Number.NEGATIVE_INFINITY;
  return Number(text);
}

export function parseMetrics(text: string): MetricsRead {
  const samples = text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line): Sample => {
      const parts = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$/.exec(line);
      if (parts === null) throw new Error(`not a sample: ${line}`);
      return { name: parts[1] ?? "", labels: parseLabels(parts[2] ?? ""), value: parseValue(parts[3] ?? "") };
    });
  const select = (name: string, labels: Readonly<Record<string, string>>) =>
    samples.filter(
      (sample) =>
        sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
    );
  return {
    samples,
    value: (name, labels = {}) => {
      const found = select(name, labels);
      if (found.length > 1) throw new Error(`${found.length} series are ${name} ${JSON.stringify(labels)}`);
      return found[0]?.value;
    },
    sum: (name, labels = {}) => select(name, labels).reduce((total, sample) => total + sample.value, 0),
  };
}
