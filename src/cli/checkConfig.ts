/**
 * `walwarden check-config`: the configuration as the daemon would take it, each value with its origin. Reads
 * the configuration and nothing else: no database is touched, nothing is listened on, nothing is written.
 */
import { readFileSync } from "node:fs";
import { type EffectiveSection, effectiveConfig } from "../config/effectiveConfig.ts";
import { loadConfig } from "../config/load.ts";
import type { ConfigProblem } from "../config/problem.ts";
import { exitCodes } from "../domain/exitCodes.ts";

export interface CheckConfigOptions {
  readonly config?: string | undefined;
  readonly listen?: string | undefined;
  readonly json?: boolean | undefined;
}

export interface CheckConfigIo {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
}

/** Exit status: 0, or 78 with every problem on a line of its own. */
export async function runCheckConfig(options: CheckConfigOptions, io: CheckConfigIo): Promise<number> {
  const loaded = loadConfig({
    flags: { config: options.config, listen: options.listen },
    environment: io.environment,
    readFile: (path) => readFileSync(path, "utf8"),
    workingDirectory: io.workingDirectory,
  });
  if (!loaded.ok) {
    if (options.json) io.stdout(toJson({ ok: false, problems: loaded.problems }));
    io.stderr(formatProblems(loaded.problems));
    return exitCodes.config;
  }
  const { config, sources } = loaded;
  const sections = effectiveConfig(config, sources);
  if (options.json) io.stdout(toJson({ ok: true, config, sections, warnings: config.warnings }));
  else io.stdout(formatTable(sections) + config.warnings.map((warning) => `warning: ${warning}\n`).join(""));
  return 0;
}

/** One line each, for stderr. */
export function formatProblems(problems: readonly ConfigProblem[]): string {
  return problems.map(({ message }) => `config: ${printable(message)}\n`).join("");
}

function formatTable(sections: readonly EffectiveSection[]): string {
  const rows = sections.flatMap((section) => section.rows);
  const keyWidth = Math.max(...rows.map(({ key }) => printable(key).length));
  const valueWidth = Math.max(...rows.map(({ value }) => printable(value).length));
  const lines = sections.flatMap((section) => [
    section.kind === "daemon" ? "daemon" : `${section.kind} ${printable(section.name)}`,
    ...section.rows.map(({ key, value, from }) => {
      const columns = [printable(key).padEnd(keyWidth), printable(value).padEnd(valueWidth), printable(from)];
      return `  ${columns.join("  ")}`;
    }),
    "",
  ]);
  return `${lines.join("\n")}\n`;
}

/** Names and paths may hold control characters; a terminal must not be told to obey them. */
function printable(text: string): string {
  return text.replace(/\p{C}/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

function toJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
