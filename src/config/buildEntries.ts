/**
 * The entries under `databases` in the file, and the rules between their keys: either path or glob, names
 * and paths of their own. Checked on whatever could be read, so that one bad value hides no other. Pure.
 */
import { dirname, join, resolve } from "node:path";
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { Config, ConfigSources, GlobConfig } from "./config.ts";
import { fileSource, settingsLayer } from "./fileLayers.ts";
import type { FileDatabase } from "./fileSchema.ts";
import { globAccepted, parseGlobPattern } from "./globPattern.ts";
import type { Layer } from "./layer.ts";
import type { FileContent } from "./parseFile.ts";
import { databaseNameOf } from "./parsePath.ts";
import { type ConfigProblem, defaultSource, formatKeyPath, type KeyPath } from "./problem.ts";
import type { VariablesRead } from "./readVariables.ts";
import { type ResolvedSettings, resolveSettings } from "./resolveSettings.ts";
import { type SettingValues, toTemplate } from "./settings.ts";

export interface DatabasesBuilt {
  readonly databases: Config["databases"];
  readonly globs: Config["globs"];
  readonly sources: Pick<ConfigSources, "databases" | "globs">;
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly string[];
}

/** One entry, read: at most one of `database` and `glob` is there. */
interface EntryRead {
  readonly at: KeyPath;
  readonly database: DatabaseConfig | null;
  readonly glob: GlobConfig | null;
  readonly settings: ResolvedSettings;
  readonly problems: readonly ConfigProblem[];
}

export function buildEntries(variables: VariablesRead, file: FileContent): DatabasesBuilt {
  const entries = (file.values.databases ?? []).map((entry, index) =>
    readEntry(variables, file, entry, index),
  );
  const databases = entries.flatMap(({ database, at, settings }) =>
    database === null ? [] : [{ database, at, settings }],
  );
  const globs = entries.flatMap(({ glob, at, settings }) => (glob === null ? [] : [{ glob, at, settings }]));
  return {
    databases: databases.map(({ database }) => database),
    globs: globs.map(({ glob }) => glob),
    sources: {
      databases: databases.map(({ at, settings }) => ({
        name: fileSource(file, [...at, file.states([...at, "name"]) ? "name" : "path"]),
        path: fileSource(file, [...at, "path"]),
        settings: settings.sources,
      })),
      globs: globs.map(({ at, settings }) => ({
        name: file.states([...at, "name"]) ? fileSource(file, [...at, "name"]) : defaultSource,
        pattern: fileSource(file, [...at, "glob"]),
        settings: settings.sources,
      })),
    },
    problems: [
      ...entries.flatMap((entry) => [...entry.settings.problems, ...entry.problems]),
      ...sharedProblems(file, entries),
    ],
    warnings: entries.flatMap((entry) => entry.settings.warnings),
  };
}

function readEntry(
  variables: VariablesRead,
  file: FileContent,
  entry: FileDatabase,
  index: number,
): EntryRead {
  const at: KeyPath = ["databases", index];
  const base = dirname(file.path);
  const problems: ConfigProblem[] = [];
  const saysGlob = file.states([...at, "glob"]);
  if (file.states([...at, "path"]) === saysGlob && file.statesMapping(at)) {
    problems.push(file.problem(at, entry.name ?? null, "an entry with either path or glob"));
  }
  const layers = [...defaultsOf(file), settingsLayer(file, entry, at), variables.settings];
  const settings = resolveSettings(layers, variables.nodeEnv, saysGlob);
  if (saysGlob && entry.whenMissing !== undefined && entry.whenMissing !== "pass") {
    const hint = "nobody knows what a pattern does not find: it can be neither created nor waited for";
    problems.push(file.problem([...at, "whenMissing"], entry.whenMissing, "pass, beside glob", hint));
  }
  const template = templateOf(settings);
  const path = entry.path === undefined ? null : resolve(base, entry.path);
  const name = entry.name ?? null;
  const pattern = entry.glob === undefined ? null : parseGlobPattern(entry.glob, base);
  if (pattern?.ok === false) problems.push(file.problem([...at, "glob"], entry.glob, globAccepted));
  return {
    at,
    database: path === null ? null : { name: name ?? databaseNameOf(path), path, glob: null, ...template },
    glob: pattern?.ok
      ? {
          ...pattern.value,
          pattern: join(pattern.value.directory, ...pattern.value.segments),
          namePrefix: name,
          template,
        }
      : null,
    settings,
    problems,
  };
}

/**
 * Two patterns with the same name are fine where they start in the same folder: the names of their matches
 * are relative to it. Otherwise two files could come to one name, today or later.
 */
function sharedProblems(file: FileContent, entries: readonly EntryRead[]): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const owners = new Map<string, EntryRead>();
  const claim = (
    kind: string,
    key: string,
    entry: EntryRead,
    value: string,
    says: string,
    accepted: string,
  ) => {
    const owner = owners.get(`${kind}\0${key}`);
    owners.set(`${kind}\0${key}`, owner ?? entry);
    if (owner === undefined || (kind === "prefix" && owner.glob?.directory === entry.glob?.directory)) return;
    const place = [...entry.at, says];
    const hint = `${formatKeyPath(owner.at)} has the same`;
    problems.push(file.problem(file.states(place) ? place : entry.at, value, accepted, hint));
  };
  for (const entry of entries) {
    const { database, glob } = entry;
    if (database !== null) {
      claim("name", database.name, entry, database.name, "name", "a name that no other database has");
      claim("path", database.path, entry, database.path, "path", "a path that no other database has");
    }
    if (glob !== null) {
      const prefix = glob.namePrefix ?? "";
      claim(
        "prefix",
        prefix,
        entry,
        prefix,
        "name",
        "a name of its own for each folder that patterns start in",
      );
      claim("pattern", glob.pattern, entry, glob.pattern, "glob", "a pattern that no other entry has");
    }
  }
  return problems;
}

/** The layer of the file's own defaults, as a list of one or none. */
export function defaultsOf(file: FileContent | null): readonly Layer<SettingValues>[] {
  const defaults = file?.values.defaults;
  return file === null || defaults === undefined ? [] : [settingsLayer(file, defaults, ["defaults"])];
}

export function templateOf(settings: ResolvedSettings): GlobConfig["template"] {
  return toTemplate(settings.values, settings.sources.busyTimeoutMs.kind !== "default");
}
