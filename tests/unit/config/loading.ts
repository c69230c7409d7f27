/** What the tests of loadConfig share: a load with one file in memory, and the two ways it may come out. */
import type { Config, ConfigSources } from "../../../src/config/config.ts";
import { type LoadOptions, loadConfig } from "../../../src/config/load.ts";
import type { ConfigProblem } from "../../../src/config/problem.ts";

export interface Given {
  readonly flags?: LoadOptions["flags"];
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Text of /etc/walwarden/walwarden.yml; it is named by --config unless the flags say otherwise. */
  readonly file?: string;
}

export const filePath = "/etc/walwarden/walwarden.yml";

export function load(given: Given) {
  return loadConfig({
    flags: { ...(given.file === undefined ? {} : { config: filePath }), ...given.flags },
    environment: given.environment ?? {},
    readFile: (path) => {
      if (path === filePath && given.file !== undefined) return given.file;
      throw Object.assign(new Error("no such file"), { code: "ENOENT" });
    },
    workingDirectory: "/srv/app",
  });
}

export function loaded(given: Given): { readonly config: Config; readonly sources: ConfigSources } {
  const result = load(given);
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join("\n"));
  return result;
}

export function problemsOf(given: Given): readonly ConfigProblem[] {
  const result = load(given);
  return result.ok ? [] : result.problems;
}

export function messagesOf(given: Given): readonly string[] {
  return problemsOf(given).map(({ message }) => message);
}

/** The one database of a configuration that has one. */
export function onlyDatabase(given: Given) {
  const [database] = loaded(given).config.databases;
  if (database === undefined) throw new Error("no database");
  return database;
}
