/** Starts applications that open a connection for each row: one process for all of them, or one for each. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { spawnProcess, type TestProcess } from "../../support/childProcess.ts";
import { withDeadline } from "../../support/waitFor.ts";
import { type Writer, type WriterError, waitForRows } from "../../support/writers/writer.ts";

export interface OpeningOptions {
  readonly path: string;
  readonly journalMode: "WAL" | "DELETE";
  readonly pauseMs?: number;
}

/** What this module's writers do of a `Writer`: they hold nothing, so there is nothing to release. */
export type OpeningWriter = Pick<
  Writer,
  "pid" | "acknowledged" | "errors" | "waitForMoreRows" | "stop" | typeof Symbol.asyncDispose
>;

/** bun:sqlite: some hundred connections a second. */
export function startOpeningWriter(options: OpeningOptions): OpeningWriter {
  const program = join(import.meta.dir, "openingWriter.ts");
  const settings = JSON.stringify({ pauseMs: 0, ...options });
  return writerOf([process.execPath, "--no-env-file", program, settings], (child) => child.endInput());
}

/** The sqlite3 command line tool: a process for each row. `stopPath` must not exist yet. */
export function startToolPerRow(options: OpeningOptions, stopPath: string): OpeningWriter {
  const program = join(import.meta.dir, "toolPerRow.sh");
  const command = ["sh", program, options.path, stopPath, options.journalMode];
  return writerOf(command, () => writeFileSync(stopPath, ""));
}

function writerOf(command: readonly string[], askToStop: (child: TestProcess) => void): OpeningWriter {
  const acknowledged: number[] = [];
  const said: WriterError[] = [];
  const child = spawnProcess({
    command,
    onLine: (line) => {
      if (line.startsWith("row ")) acknowledged.push(Number(line.slice(4)));
      const error = /^error (\S+) (.*)$/.exec(line);
      if (error !== null) said.push({ code: error[1] ?? "", message: error[2] ?? "" });
    },
  });
  return {
    pid: child.pid,
    acknowledged,
    get errors() {
      const complaints = child.stderr().split("\n");
      return [...said, ...complaints.filter(Boolean).map((message) => ({ code: "stderr", message }))];
    },
    waitForMoreRows: (count, deadlineMs) =>
      waitForRows(child, acknowledged, acknowledged.length + count, deadlineMs),
    stop: async () => {
      askToStop(child);
      const code = await withDeadline(`writer ${child.pid} to stop`, child.exited, 15_000);
      if (code !== 0) throw new Error(`writer ended with ${code}: ${child.stderr()}`);
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}
