/** Programs of the system that the laboratory needs, run to their end. */
import { spawnProcess } from "../../support/childProcess.ts";
import { withDeadline } from "../../support/waitFor.ts";

const deadlineMs = 30_000;

/** What it wrote to stdout, without the last line feed. Throws with its stderr when it failed. */
export async function runCommand(...command: readonly string[]): Promise<string> {
  await using child = spawnProcess({ command });
  child.endInput();
  const code = await withDeadline(command.join(" "), child.exited, deadlineMs);
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}: ${child.stderr()}`);
  return child.lines.join("\n");
}

/** For cleaning up: what had already gone is no failure. */
export async function tryCommand(...command: readonly string[]): Promise<boolean> {
  try {
    await runCommand(...command);
    return true;
  } catch {
    return false;
  }
}
