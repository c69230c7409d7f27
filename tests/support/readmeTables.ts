/** The parts of README.md that are made from the code, so that they cannot fall out of step. */
import { exitStatuses } from "../../src/domain/exitCodes.ts";
import { endpoints } from "../../src/http/endpoints.ts";
import { phraseGroups } from "../../src/report/logPhrases.ts";
import { type MetricDefinition, metricCatalogue } from "../../src/report/metricCatalogue.ts";
import type { PhraseEntries, PhraseEntry } from "../../src/report/phraseEntry.ts";
import { fileKeysTable, variablesTable } from "./configurationTables.ts";
import { markdownTable } from "./markdownTable.ts";

interface Part {
  readonly name: string;
  /** Where the words of the table are written. */
  readonly source: string;
  readonly table: () => string;
}

const parts: readonly Part[] = [
  { name: "variables", source: "src/config/variableCatalogue.ts", table: variablesTable },
  { name: "keys", source: "src/config/fileSchema.ts", table: fileKeysTable },
  { name: "exit statuses", source: "src/domain/exitCodes.ts", table: exitStatusTable },
  { name: "endpoints", source: "src/http/endpoints.ts", table: endpointsTable },
  { name: "log", source: "src/report/logPhrases.ts", table: phrasesTable },
  { name: "metrics", source: "src/report/metricCatalogue.ts", table: metricsTable },
];

/** README.md with its generated parts made anew; throws where the marks around one are gone. */
export function withGeneratedParts(readme: string): string {
  return parts.reduce((text, { name, source, table }) => {
    const beginMark = `<!-- ${name}: made by \`npm run generate\` from ${source} -->`;
    const begin = text.indexOf(beginMark);
    const end = text.indexOf(`<!-- end of ${name} -->`);
    if (begin < 0 || end < begin) throw new Error(`README.md has lost the marks around its table of ${name}`);
    return `${text.slice(0, begin)}${beginMark}\n${table()}\n${text.slice(end)}`;
  }, readme);
}

function exitStatusTable(): string {
  return markdownTable(
    ["exit status", "meaning"],
    exitStatuses.map(({ code, meaning }) => [String(code), meaning]),
  );
}

function endpointsTable(): string {
  const rows = endpoints.map(({ method, paths, answer }) => {
    const [path = "", ...others] = paths;
    return [[`\`${method} ${path}\``, ...others.map((other) => `(\`${other}\`)`)].join(" "), answer];
  });
  return markdownTable(["endpoint", "answer"], rows);
}

/** Neighbours that are logged alike share a row. */
function phrasesTable(): string {
  const entries = Object.values<PhraseEntries>(phraseGroups).flatMap((group) => Object.values(group));
  const rows: { readonly phrases: string[]; readonly entry: PhraseEntry }[] = [];
  for (const entry of entries) {
    const last = rows.at(-1);
    if (last !== undefined && isLoggedAlike(last.entry, entry)) last.phrases.push(entry.phrase);
    else rows.push({ phrases: [entry.phrase], entry });
  }
  return markdownTable(
    ["phrase", "level", "when", "what to do"],
    rows.map(({ phrases, entry }) => [
      phrases.map((phrase) => `\`${phrase}\``).join(", "),
      entry.levels.join(", "),
      entry.when,
      entry.action,
    ]),
  );
}

function isLoggedAlike(one: PhraseEntry, other: PhraseEntry): boolean {
  const texts = ({ levels, when, action }: PhraseEntry) => JSON.stringify([levels, when, action]);
  return texts(one) === texts(other);
}

function metricsTable(): string {
  const rows = Object.entries<MetricDefinition>(metricCatalogue).map(([name, { type, labels, help }]) => [
    `\`${name}\``,
    type,
    labelWords(labels),
    help,
  ]);
  return markdownTable(["name", "type", "more labels", "meaning"], rows);
}

function labelWords(labels: MetricDefinition["labels"]): string {
  const words = Object.entries(labels)
    .filter(([label]) => label !== "database")
    .map(([label, values]) => (values === null ? label : `${label} = ${values.join(", ")}`));
  return words.join("; ");
}
