/**
 * The configuration file that --config or WALWARDEN_CONFIG names: found, read and parsed, or the problem that
 * kept it from being read. A file that was named and is not there is a mistake, never an empty configuration.
 */
import { resolve } from "node:path";
import type { ConfigSources } from "./config.ts";
import type { FileContent } from "./parseFile.ts";
import { parsePath } from "./parsePath.ts";
import { type ConfigProblem, malformed, placeOf, type ValueSource } from "./problem.ts";

/** Text of a file in UTF-8; throws what the operating system says, with its `code`. */
export type ReadFile = (path: string) => string;

export interface OpenedFile {
  readonly named: ConfigSources["file"];
  readonly content: FileContent | null;
  readonly problems: readonly ConfigProblem[];
}

/** `flag` as given; `variablePath` absolute, or null. */
export function openFile(
  flag: string | undefined,
  variablePath: string | null,
  workingDirectory: string,
  readFile: ReadFile,
): OpenedFile {
  const source: ValueSource =
    flag === undefined
      ? { kind: "environment", variable: "WALWARDEN_CONFIG" }
      : { kind: "flag", flag: "--config" };
  const flagPath = flag === undefined ? null : parsePath(flag);
  if (flagPath?.ok === false) {
    return { named: null, content: null, problems: [malformed("--config", flag, flagPath.accepted)] };
  }
  const path = flagPath === null ? variablePath : resolve(workingDirectory, flagPath.value);
  if (path === null) return { named: null, content: null, problems: [] };
  const named = { path, source };
  const text = readText(readFile, path);
  if (typeof text !== "string") {
    const problem = malformed(placeOf(source), path, "a file that can be read", `${text.code} on ${path}`);
    return { named, content: null, problems: [problem] };
  }
  // Loaded here and not above: without a file the daemon needs neither yaml nor zod nor cron to start.
  const parser: typeof import("./parseFile.ts") = require("./parseFile.ts");
  const content = parser.parseFile(path, text);
  return { named, content, problems: content.problems };
}

function readText(readFile: ReadFile, path: string): string | { readonly code: string } {
  try {
    return readFile(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && typeof error.code === "string")
      return { code: error.code };
    throw error;
  }
}
