/** `walwarden inspect` as an operator runs it: a process of its own, since it reads files that a test may have open. */
import { join } from "node:path";
import type { DatabaseInspection, LoneWalInspection } from "../../../src/inspect/inspection.ts";
import type { WithIsoTimes } from "../../../src/report/statusJson.ts";
import { checkoutPath } from "../../support/sourceFiles.ts";

export interface Inspected {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export const mainPath = join(checkoutPath, "src/main.ts");
/** A command that blocks is killed after so long, and its exit code tells. */
const deadlineMs = 20_000;

export async function inspect(
  words: readonly string[],
  {
    commandPrefix = [] as readonly string[],
    workingDirectory = checkoutPath,
    // Nothing is folded: a test reads lines.
    columns = 100_000,
  } = {},
): Promise<Inspected> {
  const child = Bun.spawn(
    [...commandPrefix, process.execPath, "--no-env-file", mainPath, "inspect", ...words],
    {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      timeout: deadlineMs,
      cwd: workingDirectory,
      env: { ...process.env, COLUMNS: String(columns) },
    },
  );
  const [stdout, stderr, exitCode] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { exitCode, stdout, stderr };
}

export type DatabaseAnswer = WithIsoTimes<DatabaseInspection>;

export async function inspectDatabase(path: string): Promise<DatabaseAnswer & { readonly exitCode: number }> {
  const { stdout, stderr, exitCode } = await inspect([path, "--json"]);
  const answer: DatabaseAnswer = JSON.parse(stdout);
  if (answer.kind !== "database") throw new Error(`not inspected as a database: ${stdout}${stderr}`);
  return { ...answer, exitCode };
}

export async function inspectWal(
  path: string,
): Promise<WithIsoTimes<LoneWalInspection> & { readonly exitCode: number }> {
  const { stdout, stderr, exitCode } = await inspect([path, "--json"]);
  const answer: WithIsoTimes<LoneWalInspection> = JSON.parse(stdout);
  if (answer.kind !== "wal") throw new Error(`not inspected as a WAL: ${stdout}${stderr}`);
  return { ...answer, exitCode };
}
