/**
 * The system's sqlite3 tool as an application whose SQLite has the WAL-reset bug: 3.40.1 on Debian 12. Where the tool is
 * missing or newer, tests with it are skipped with a reason.
 */
import { isAffectedByWalResetBug } from "../../src/policy/walResetBug.ts";
import { spawnProcess, type TestProcess } from "./childProcess.ts";
import { requireTool, unavailable } from "./requirements.ts";

/** Null: it is there, and affected. */
export function requireAffectedTool(...others: readonly string[]): string | null {
  const missing = requireTool("sqlite3", ...others);
  if (missing !== null) return missing;
  const version = affectedToolVersion();
  return isAffectedByWalResetBug(version)
    ? null
    : unavailable(`sqlite3 is ${version}, without the WAL-reset bug`);
}

export function affectedToolVersion(): string {
  const { stdout } = Bun.spawnSync(["sqlite3", "--version"]);
  return stdout.toString().split(" ")[0] ?? "";
}

export interface Tool extends AsyncDisposable {
  readonly pid: number;
  readonly process: TestProcess;
  /** Runs statements and gives the lines they print. */
  run(...statements: readonly string[]): Promise<readonly string[]>;
  /** Sends statements and waits for nothing. */
  begin(...statements: readonly string[]): () => Promise<readonly string[]>;
}

export function startTool(path: string): Tool {
  const child = spawnProcess({ command: ["sqlite3", "-batch", path], environment: process.env });
  let marks = 0;
  const begin: Tool["begin"] = (...statements) => {
    marks += 1;
    const mark = `done ${marks}`;
    const fromIndex = child.lines.length;
    child.send(`${statements.map((sql) => `${sql};`).join("\n")}\n.print ${mark}\n`);
    return async () => {
      await child.waitForLine(mark, { fromIndex });
      return child.lines.slice(fromIndex, child.lines.indexOf(mark, fromIndex));
    };
  };
  return {
    pid: child.pid,
    process: child,
    begin,
    run: (...statements) => begin(...statements)(),
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}
