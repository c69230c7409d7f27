/**
 * Flags, environment and file to one frozen Config, or to all the problems there are. Nothing is read but
 * what is passed in: no process.env, no working directory of the process, no file system of its own.
 *
 * Precedence: flag, environment, file, default. Paths of flags and variables are relative to the working
 * directory, paths in the file to the file's folder.
 */
import { buildDaemon, overriddenWarnings, socketProblems } from "./buildDaemon.ts";
import { buildDatabases } from "./buildDatabases.ts";
import type { Config, ConfigSources, DaemonValues } from "./config.ts";
import { deepFreeze } from "./deepFreeze.ts";
import { daemonLayer } from "./fileLayers.ts";
import { type Layer, layerOf } from "./layer.ts";
import { openFile, type ReadFile } from "./openFile.ts";
import { parseListen } from "./parseListen.ts";
import { type ConfigProblem, malformed } from "./problem.ts";
import { type Environment, readVariables } from "./readVariables.ts";

export interface LoadOptions {
  readonly flags: { readonly config?: string | undefined; readonly listen?: string | undefined };
  readonly environment: Environment;
  readonly readFile: ReadFile;
  /** Absolute. */
  readonly workingDirectory: string;
}

export type LoadResult =
  | { readonly ok: true; readonly config: Config; readonly sources: ConfigSources }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

export function loadConfig(options: LoadOptions): LoadResult {
  const { flags, workingDirectory } = options;
  const variables = readVariables(options.environment, workingDirectory, flags.listen !== undefined);
  const opened = openFile(flags.config, variables.configPath, workingDirectory, options.readFile);
  const file = opened.content;
  const flagged = readListenFlag(flags.listen);
  const built = buildDatabases(variables, file, workingDirectory);
  const fromFile: Layer<DaemonValues> = file === null ? { values: {}, sources: {} } : daemonLayer(file);
  const daemon = buildDaemon(
    variables.runtimeDirectory,
    [fromFile, variables.daemon, flagged.layer],
    workingDirectory,
  );
  const problems = [
    ...flagged.problems,
    ...variables.problems,
    ...opened.problems,
    ...built.problems,
    ...socketProblems(daemon),
  ];
  if (problems.length > 0)
    return deepFreeze({ ok: false, problems: uniqueBy(problems, ({ message }) => message) });
  const warnings = [...overriddenWarnings(fromFile, variables.daemon, daemon), ...built.warnings];
  const { databases, globs } = built;
  return deepFreeze({
    ok: true,
    config: {
      ...daemon.values,
      databases,
      globs,
      nodeEnv: variables.nodeEnv,
      warnings: uniqueBy(warnings, String),
    },
    sources: { file: opened.named, daemon: daemon.sources, ...built.sources },
  });
}

function readListenFlag(flag: string | undefined) {
  const listen = flag === undefined ? null : parseListen(flag);
  const problems = listen?.ok === false ? [malformed("--listen", flag, listen.accepted)] : [];
  const values = { listen: listen?.ok ? listen.value : undefined };
  return { layer: layerOf<DaemonValues>(values, () => ({ kind: "flag", flag: "--listen" })), problems };
}

function uniqueBy<T>(items: readonly T[], key: (item: T) => string): readonly T[] {
  return [...new Map(items.map((item) => [key(item), item])).values()];
}
