/**
 * Which databases are watched, and with which settings: those that the file lists, or the one that the
 * environment names, or ./kv.db. Pure.
 */
import { resolve } from "node:path";
import { buildEntries, type DatabasesBuilt, defaultsOf, templateOf } from "./buildEntries.ts";
import type { FileContent } from "./parseFile.ts";
import { databaseNameOf } from "./parsePath.ts";
import { defaultSource, type ValueSource } from "./problem.ts";
import type { VariablesRead } from "./readVariables.ts";
import { resolveSettings } from "./resolveSettings.ts";

export function buildDatabases(
  variables: VariablesRead,
  file: FileContent | null,
  workingDirectory: string,
): DatabasesBuilt {
  const listed = file?.states(["databases"]) ? buildEntries(variables, file) : null;
  if (listed !== null && variables.databasePath === null) return listed;
  const single = buildSingle(variables, file, workingDirectory);
  if (file === null) return single;
  if (listed === null) {
    if (variables.databasePath !== null) return single;
    const warning = `${file.path} names no databases: ${single.databases[0]?.path} is watched, the default`;
    return { ...single, warnings: [warning, ...single.warnings] };
  }
  // What the file says of its databases is checked although it is not used: it will be, one day.
  const count = file.values.databases?.length ?? 0;
  const warning =
    `KVDB_SQLITE_FILE is set: the ${count} ${count === 1 ? "entry" : "entries"} ` +
    `under databases in ${file.path} ${count === 1 ? "is" : "are"} not watched`;
  return {
    ...single,
    problems: [...listed.problems, ...single.problems],
    warnings: [warning, ...single.warnings],
  };
}

function buildSingle(
  variables: VariablesRead,
  file: FileContent | null,
  workingDirectory: string,
): DatabasesBuilt {
  const path = variables.databasePath ?? resolve(workingDirectory, "kv.db");
  const source: ValueSource =
    variables.databasePath === null ? defaultSource : { kind: "environment", variable: "KVDB_SQLITE_FILE" };
  const settings = resolveSettings([...defaultsOf(file), variables.settings], variables.nodeEnv, false);
  return {
    databases: [{ name: databaseNameOf(path), path, glob: null, ...templateOf(settings) }],
    globs: [],
    sources: { databases: [{ name: source, path: source, settings: settings.sources }], globs: [] },
    problems: settings.problems,
    warnings: settings.warnings,
  };
}
