/** The test's side of an application process that runs SQL: see sqlProcessMain.ts. */
import { spawnProcess } from "../../support/childProcess.ts";

type Row = Readonly<Record<string, unknown>>;

export interface SqlProcess extends AsyncDisposable {
  readonly pid: number;
  /** Runs statements one after the other; the rows of the last. The connection is opened at its first use. */
  run(path: string, sql: string, name?: string): Promise<readonly Row[]>;
  close(path: string, name?: string): Promise<void>;
  kill(): Promise<number>;
}

export function startSqlProcess(): SqlProcess {
  const main = new URL("./sqlProcessMain.ts", import.meta.url).pathname;
  const child = spawnProcess({ command: [process.execPath, "--no-env-file", main] });
  const ask = async (path: string, sql: string, name: string): Promise<readonly Row[]> => {
    const fromIndex = child.lines.length;
    child.send(`${JSON.stringify({ name: `${path} ${name}`, path, sql })}\n`);
    return JSON.parse(await child.waitForLine(/^\[/, { fromIndex })) as readonly Row[];
  };
  return {
    pid: child.pid,
    run: (path, sql, name = "a") => ask(path, sql, name),
    close: async (path, name = "a") => void (await ask(path, "close", name)),
    kill: () => child.kill(),
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}
