/** Starts `bunWriter.ts` as a process and waits until it has opened the database. */
import { join } from "node:path";
import { spawnProcess } from "../childProcess.ts";
import { withDeadline } from "../waitFor.ts";
import { type Writer, type WriterError, waitForRows } from "./writer.ts";
import { type WriterOptions, writerDefaults } from "./writerOptions.ts";

export interface BunWriterStart {
  /** For LD_PRELOAD and the like, on top of the test's own environment. */
  readonly environment?: Readonly<Record<string, string>>;
  /** False: return at once, for a writer that cannot get its database yet. */
  readonly waitUntilReady?: boolean;
}

export async function startBunWriter(
  options: Partial<WriterOptions> & { readonly path: string },
  { environment = {}, waitUntilReady = true }: BunWriterStart = {},
): Promise<Writer> {
  const complete: WriterOptions = { ...writerDefaults, ...options };
  const acknowledged: number[] = [];
  const errors: WriterError[] = [];
  const child = spawnProcess({
    command: [
      process.execPath,
      "--no-env-file",
      join(import.meta.dir, "bunWriter.ts"),
      JSON.stringify(complete),
    ],
    environment: { ...process.env, ...environment },
    onLine: (line) => {
      if (line.startsWith("row ")) acknowledged.push(Number(line.slice(4)));
      const error = /^error (\S+) (.*)$/.exec(line);
      if (error !== null) errors.push({ code: error[1] ?? "", message: error[2] ?? "" });
    },
  });
  if (waitUntilReady) await child.waitForLine(complete.mode === "write" ? /^ready$/ : /^holding$/);
  return {
    pid: child.pid,
    process: child,
    acknowledged,
    errors,
    waitForRows: (count, deadlineMs) => waitForRows(child, acknowledged, count, deadlineMs),
    waitForMoreRows: (count, deadlineMs) =>
      waitForRows(child, acknowledged, acknowledged.length + count, deadlineMs),
    release: async () => {
      child.send("release\n");
      await child.waitForLine(/^released$/);
    },
    stop: async () => {
      if (child.exitCode() !== null) return;
      child.send("stop\n");
      const code = await withDeadline(`writer ${child.pid} to stop`, child.exited, 15_000);
      if (code !== 0) throw new Error(`writer ended with ${code}: ${child.stderr()}`);
    },
    kill: async () => {
      await child.kill();
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}
