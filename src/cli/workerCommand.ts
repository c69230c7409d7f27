/** What starts a sql worker: this executable again, compiled or run from source. */

/** Files of a compiled Bun executable live under this path. */
const compiledRoot = "/$bunfs/";

/** The supervisor's process id is added by whoever starts it. Bun must not load `.env` on its own. */
export function workerCommand(executable: string, mainModule: string): readonly string[] {
  if (mainModule.startsWith(compiledRoot)) return [executable, "sql-worker"];
  return [executable, "--no-env-file", mainModule, "sql-worker"];
}
