/**
 * The environment, read once: what its variables state, and every problem with them. The environment is
 * passed in; nothing here looks at process.env.
 *
 * All KVDB_SQLITE_* and WALWARDEN_* variables are ours, so that an unknown one is a mistake worth stopping
 * for; other KVDB_* belong to the application, and PORT may: it is read only where nothing else says the
 * address. A variable that is set but empty is malformed, because an empty value is what a failed
 * substitution leaves behind.
 */
import { resolve } from "node:path";
import type { DaemonValues } from "./config.ts";
import { type Layer, layerOf } from "./layer.ts";
import { nearestName } from "./nearestName.ts";
import {
  journalModes,
  modes,
  parseChoice,
  parseSwitch,
  startupChecks,
  synchronousLevels,
} from "./parseChoice.ts";
import { accept, type Parsed, refuse } from "./parsed.ts";
import { delayMaxMs, parseInteger } from "./parseInteger.ts";
import { defaultListen, parseListen, parsePort } from "./parseListen.ts";
import { parseDatabasePath, parsePath } from "./parsePath.ts";
import { type ConfigProblem, malformed } from "./problem.ts";
import { type SettingValues, settingKeys } from "./settings.ts";
import {
  ownPrefix,
  ownVariables,
  type VariableEntry,
  type VariableName,
  variableCatalogue,
} from "./variableCatalogue.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface VariablesRead {
  /** Absolute path of the configuration file. */
  readonly configPath: string | null;
  /** Absolute path of the one database that the environment names. */
  readonly databasePath: string | null;
  readonly nodeEnv: string | null;
  /** The folder that systemd made for sockets. */
  readonly runtimeDirectory: string | null;
  readonly settings: Layer<SettingValues>;
  readonly daemon: Layer<DaemonValues>;
  readonly problems: readonly ConfigProblem[];
}

/** The variable that stated a setting: of those that name its key the first. */
function settingVariable(setting: keyof SettingValues): string {
  const named = Object.entries<VariableEntry>(variableCatalogue);
  return named.find(([, { key }]) => key === settingKeys[setting])?.[0] ?? setting;
}

const milliseconds = { min: 0, max: delayMaxMs, unit: "milliseconds" };

/** `listenByFlag`: a flag says the address, so that PORT is the application's alone. */
export function readVariables(
  environment: Environment,
  workingDirectory: string,
  listenByFlag: boolean,
): VariablesRead {
  const problems: ConfigProblem[] = [];
  const take = <T>(variable: VariableName, parse: (text: string) => Parsed<T>): T | undefined => {
    const text = environment[variable];
    if (text === undefined) return undefined;
    const parsed = parse(text);
    if (parsed.ok) return parsed.value;
    problems.push(malformed(variable, text, parsed.accepted, hintFor(text)));
    return undefined;
  };
  const takePath = (variable: VariableName, parse: (text: string) => Parsed<string>): string | undefined => {
    const path = take(variable, parse);
    return path === undefined ? undefined : resolve(workingDirectory, path);
  };

  const intervalMs = take("KVDB_SQLITE_WAL_CHECKPOINT_INTERVAL_MS", (text) =>
    parseInteger(text, milliseconds),
  );
  const settings = layerOf<SettingValues>(
    {
      mode: take("WALWARDEN_MODE", (text) => parseChoice(text, modes)),
      journalMode: take("KVDB_SQLITE_JOURNAL_MODE", (text) => parseChoice(text, journalModes)),
      synchronous: take("KVDB_SQLITE_SYNCHRONOUS", (text) => parseChoice(text, synchronousLevels)),
      busyTimeoutMs: take("KVDB_SQLITE_BUSY_TIMEOUT_MS", (text) => parseInteger(text, milliseconds)),
      foreignKeys: take("KVDB_SQLITE_FOREIGN_KEYS", parseSwitch),
      exposureMaxMs: take("WALWARDEN_EXPOSURE_MAX_MS", (text) => parseInteger(text, milliseconds)),
      checkpointSchedule:
        intervalMs === undefined
          ? undefined
          : intervalMs === 0
            ? { kind: "off" }
            : { kind: "interval", intervalMs },
      startupCheck: take("KVDB_SQLITE_INTEGRITY_CHECK_ON_STARTUP", (text) =>
        parseChoice(text, startupChecks),
      ),
    },
    (key) => ({ kind: "environment", variable: settingVariable(key) }),
  );
  const { listen, variable } = takeListen(take, listenByFlag, environment);
  const daemon = layerOf<DaemonValues>(
    { listen, stateDirectory: takePath("STATE_DIRECTORY", parseFirstDirectory) },
    (key) => ({ kind: "environment", variable: key === "listen" ? variable : "STATE_DIRECTORY" }),
  );
  return {
    configPath: takePath("WALWARDEN_CONFIG", parsePath) ?? null,
    databasePath: takePath("KVDB_SQLITE_FILE", parseDatabasePath) ?? null,
    nodeEnv: take("NODE_ENV", parseWord) ?? null,
    runtimeDirectory: takePath("RUNTIME_DIRECTORY", parseFirstDirectory) ?? null,
    settings,
    daemon,
    problems: [...problems, ...unknownVariables(environment)],
  };
}

type Take = <T>(variable: VariableName, parse: (text: string) => Parsed<T>) => T | undefined;

function takeListen(take: Take, listenByFlag: boolean, environment: Environment) {
  const listen = take("WALWARDEN_LISTEN", parseListen);
  const ownPort = take("WALWARDEN_PORT", parsePort);
  if (environment.WALWARDEN_LISTEN !== undefined) return { listen, variable: "WALWARDEN_LISTEN" };
  const variable = environment.WALWARDEN_PORT !== undefined ? "WALWARDEN_PORT" : "PORT";
  const port = variable === "WALWARDEN_PORT" || listenByFlag ? ownPort : take("PORT", parsePort);
  return { listen: port === undefined ? undefined : { host: defaultListen.host, port }, variable };
}

/** systemd separates several directories by colons (systemd.exec, "StateDirectory="); the first is ours. */
function parseFirstDirectory(text: string): Parsed<string> {
  const first = parsePath(text.split(":")[0] ?? "");
  return first.ok ? first : refuse("the path of a directory, or several separated by colons, not empty");
}

function parseWord(text: string): Parsed<string> {
  return /^\S+$/.test(text) ? accept(text) : refuse("a word, for example development or production");
}

/** The mistake that is made most: systemd and Docker hand over what a shell would have cut off. */
function hintFor(text: string): string {
  if (text === "") return "it is set but empty: unset it for the default";
  if (/\s#/.test(text))
    return "a comment after a value becomes part of it: put comments on lines of their own";
  if (/^(["']).*\1$/s.test(text)) return "the quotes are part of the value: leave them out";
  return "";
}

function unknownVariables(environment: Environment): ConfigProblem[] {
  return Object.keys(environment)
    .filter((name) => ownPrefix.test(name) && environment[name] !== undefined)
    .filter((name) => !ownVariables.includes(name))
    .sort()
    .map((name) => {
      const nearest = nearestName(name, ownVariables);
      return {
        source: name,
        // Not shown: nobody knows what an unknown variable holds, and it may be a secret.
        value: null,
        accepted: ownVariables.join(", "),
        message: `${name}: unknown variable${nearest === null ? "" : `; did you mean ${nearest}?`}`,
      };
    });
}
