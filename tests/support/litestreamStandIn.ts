/**
 * A process that is to SQLite's locks what Litestream is: called `litestream`, connected to the WAL, and in a read
 * transaction until it is told to end. It is the sqlite3 tool under another name: the kernel takes /proc/PID/comm from
 * the name of the file that is executed, so the file itself is copied.
 */
import { chmodSync, copyFileSync } from "node:fs";
import { spawnProcess, type TestProcess } from "./childProcess.ts";
import type { TempDirectory } from "./tempDirectory.ts";

/** Needs the sqlite3 tool: ask `requireTool("sqlite3")` first. */
export async function startLitestreamStandIn(directory: TempDirectory, path: string): Promise<TestProcess> {
  const tool = Bun.which("sqlite3");
  if (tool === null) throw new Error("sqlite3 not found in PATH");
  const executable = directory.file("litestream");
  copyFileSync(tool, executable);
  chmodSync(executable, 0o755);
  const child = spawnProcess({ command: [executable, "-batch", path] });
  child.send("BEGIN; SELECT count(*) FROM written;\n.print reading\n");
  await child.waitForLine("reading");
  return child;
}
