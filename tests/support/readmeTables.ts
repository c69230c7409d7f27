/** The parts of README.md that are made from the code, so that they cannot fall out of step. */
import { type MetricDefinition, metricCatalogue } from "../../src/report/metricCatalogue.ts";

const metricsBegin = "<!-- metrics: made by `npm run generate` from src/report/metricCatalogue.ts -->";
const metricsEnd = "<!-- end of metrics -->";

/** README.md with its generated parts made anew. */
export function withGeneratedParts(readme: string): string {
  const begin = readme.indexOf(metricsBegin);
  const end = readme.indexOf(metricsEnd);
  if (begin < 0 || end < begin) throw new Error("README.md has lost the marks around its metrics table");
  return `${readme.slice(0, begin)}${metricsBegin}\n${metricsTable()}\n${readme.slice(end)}`;
}

function metricsTable(): string {
  const rows = Object.entries<MetricDefinition>(metricCatalogue).map(
    ([name, { type, labels, help }]) => `| \`${name}\` | ${type} | ${labelWords(labels)} | ${help} |`,
  );
  return ["| name | type | more labels | meaning |", "|---|---|---|---|", ...rows].join("\n");
}

function labelWords(labels: MetricDefinition["labels"]): string {
  const words = Object.entries(labels)
    .filter(([label]) => label !== "database")
    .map(([label, values]) => (values === null ? label : `${label} = ${values.join(", ")}`));
  return words.join("; ");
}
