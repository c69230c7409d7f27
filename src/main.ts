/**
 * The executable: arguments to command to exit status. The only place that reads the process environment
 * and that ends the process. A sql worker is this same executable; it loads nothing but what it needs.
 */
import type { Io } from "./cli/io.ts";
import { writeWhole } from "./host/standardStreams.ts";

const stdoutDescriptor = 1;
const stderrDescriptor = 2;

/** A reader that has gone, like `head`, wants no more: that is no error of the command. */
function print(descriptor: number, text: string): void {
  try {
    writeWhole(descriptor, text);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EPIPE")) throw error;
  }
}

async function main(): Promise<number> {
  const [, , command, ...rest] = process.argv;
  if (command === "sql-worker") {
    const { runSqlWorker } = await import("./worker/entry.ts");
    runSqlWorker(rest);
    return 0;
  }
  const { runCommand } = await import("./cli/program.ts");
  const { version } = await import("./cli/version.ts");
  const io: Io = {
    environment: process.env,
    workingDirectory: process.cwd(),
    stdout: (text) => print(stdoutDescriptor, text),
    stderr: (text) => print(stderrDescriptor, text),
    isTerminal: process.stdout.isTTY === true,
    terminalColumns: process.stdout.columns,
  };
  return runCommand(process.argv.slice(2), version, io);
}

process.exit(await main());
