/**
 * The tables of README.md about the configuration. What is accepted is asked of the configuration itself, by a value
 * that it must refuse; defaults are those of a configuration that states nothing.
 */
import { effectiveConfig } from "../../src/config/effectiveConfig.ts";
import { fileSchema } from "../../src/config/fileSchema.ts";
import { configJsonSchemaText } from "../../src/config/jsonSchema.ts";
import { loadConfig } from "../../src/config/load.ts";
import { synchronousLevels } from "../../src/config/parseChoice.ts";
import { durationToMs } from "../../src/config/parseDuration.ts";
import { type VariableEntry, variableCatalogue } from "../../src/config/variableCatalogue.ts";
import { markdownTable } from "./markdownTable.ts";

interface SchemaNode {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
}

interface FileKey {
  readonly key: string;
  readonly meaning: string;
  readonly accepted: string;
  /** It names a database, and stands in an entry of the list only. */
  readonly ofEntry: boolean;
}

const workingDirectory = "/working-directory";
/** No key accepts a list within a list. */
const refusedValue = [[]];

/** Keys of the daemon first, then those of a database without the name of the section they stand in. */
export function fileKeys(): readonly FileKey[] {
  const { properties: { defaults, databases, ...daemon } = {} }: SchemaNode = JSON.parse(
    configJsonSchemaText(),
  );
  const entries = databases?.items?.properties ?? {};
  const naming = Object.fromEntries(
    Object.entries(entries).filter(([key]) => !(key in (defaults?.properties ?? {}))),
  );
  return [
    ...keysOf(daemon, "", (value) => value),
    ...keysOf(naming, "", (value) => ({ databases: [value] })).map((key) => ({ ...key, ofEntry: true })),
    ...keysOf(defaults?.properties ?? {}, "", (value) => ({ defaults: value })),
  ];
}

function keysOf(
  nodes: Readonly<Record<string, SchemaNode>>,
  at: string,
  inFile: (value: object) => object,
): readonly FileKey[] {
  return Object.entries(nodes).flatMap(([name, node]): readonly FileKey[] => {
    const within = (value: unknown) => inFile({ [name]: value });
    if (node.properties !== undefined) return keysOf(node.properties, `${at}${name}.`, within);
    const accepted = acceptedBy(within(node.items === undefined ? refusedValue : [refusedValue]));
    const list = node.items === undefined ? "" : "a list; each ";
    return [
      { key: `${at}${name}`, meaning: node.description ?? "", accepted: list + accepted, ofEntry: false },
    ];
  });
}

function acceptedBy(content: object): string {
  const parsed = fileSchema.safeParse(content);
  const message = parsed.error?.issues[0]?.message;
  if (message === undefined) throw new Error(`${JSON.stringify(content)} is accepted`);
  return message;
}

/** What helps where a value was refused is noise in a table: examples, the largest delay, how paths are spelt. */
function short(accepted: string): string {
  return accepted
    .replace(/, for example .*?(?=, from |, or |$)/, "")
    .replace(/, from (0|1ms) to 24d20h31m23s647ms/, "")
    .replace(/ to 24d20h31m23s647ms/, " on")
    .replace(/ to 2147483647, milliseconds, without a unit/, " on, in milliseconds")
    .replace(/^(the path of a database file|a path|a duration) \(.*?\)/, "$1")
    .replace(/(a cron expression) \(.*\)$/, "$1");
}

function defaultsWith(environment: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  const loaded = loadConfig({ flags: {}, environment, readFile: () => "", workingDirectory });
  if (!loaded.ok) throw new Error(`no valid configuration by ${JSON.stringify(environment)}`);
  const rows = effectiveConfig(loaded.config, loaded.sources).flatMap((section) => section.rows);
  return new Map(rows.map(({ key, value }) => [key, value.replace(workingDirectory, ".")]));
}

/** Some defaults follow the synchronous level: then every default that there is, with its levels. */
function defaultOf(key: string, spell: (value: string) => string = (value) => value): string {
  const valueAt = (level: string) =>
    defaultsWith(key === "synchronous" ? {} : { KVDB_SQLITE_SYNCHRONOUS: level }).get(key) ?? "";
  const levelsOf = Map.groupBy(synchronousLevels, valueAt);
  const values = [...levelsOf].map(([value, levels]): readonly [string, string] => [
    value === "none" || value === "" ? value : code(spell(value)),
    levels.join(" and "),
  ]);
  return values
    .map(([value, levels]) => (values.length === 1 ? value : `${value} with ${levels}`))
    .join(", ");
}

function code(value: string): string {
  return `\`${value}\``;
}

/** As the variable takes it: NAME_MS a number of milliseconds, NAME_PORT the port alone. */
function spelling(variable: string): (value: string) => string {
  if (variable.endsWith("_MS")) return (value) => (value === "off" ? "0" : String(durationToMs(value)));
  if (variable.endsWith("PORT")) return (value) => value.slice(value.lastIndexOf(":") + 1);
  return (value) => value;
}

export function variablesTable(): string {
  const meanings = new Map(fileKeys().map(({ key, meaning }) => [key, meaning]));
  const rows = Object.entries<VariableEntry>(variableCatalogue).map(([name, { key, meaning }]) => {
    const about = meaning === "" ? meanings.get(key ?? "") : meaning;
    if (about === undefined) throw new Error(`${name} has no meaning`);
    // The path is no key of the daemon, and has a default only where no file lists databases.
    const defaultKey = name === "KVDB_SQLITE_FILE" ? "path" : key;
    const value = defaultKey === null ? "" : defaultOf(defaultKey, spelling(name));
    return [code(name), key === null ? "" : code(key), value, short(acceptedByVariable(name)), about];
  });
  return markdownTable(["variable", "key", "default", "accepted", "meaning"], rows);
}

function acceptedByVariable(name: string): string {
  const loaded = loadConfig({ flags: {}, environment: { [name]: "" }, readFile: () => "", workingDirectory });
  if (loaded.ok) throw new Error(`${name} accepts an empty value`);
  return loaded.problems[0]?.accepted ?? "";
}

export function fileKeysTable(): string {
  const variables = Object.entries<VariableEntry>(variableCatalogue);
  const rows = fileKeys().map(({ key, meaning, accepted, ofEntry }) => {
    const names = variables.filter(([, entry]) => entry.key === key).map(([name]) => code(name));
    return [code(key), names.join(", "), ofEntry ? "" : defaultOf(key), short(accepted), meaning];
  });
  return markdownTable(["key", "variable", "default", "accepted", "meaning"], rows);
}
