/**
 * What is really in a database after a test, read by a fresh process, which recovers a WAL as the next start
 * of the application would. Call it when writers have ended; it may checkpoint as any last close does.
 */
import { join } from "node:path";
import { spawnProcess } from "./childProcess.ts";
import { withDeadline } from "./waitFor.ts";

export interface RowsFound {
  readonly rows: ReadonlySet<number>;
  /** "ok" alone when the database is intact. */
  readonly integrityMessages: readonly string[];
  readonly journalMode: string;
}

export async function verifyRows(path: string): Promise<RowsFound> {
  const command = [process.execPath, "--no-env-file", join(import.meta.dir, "readRows.ts"), path];
  await using child = spawnProcess({ command });
  const code = await withDeadline(`rows of ${path}`, child.exited, 30_000);
  if (code !== 0) throw new Error(`reading ${path} back ended with ${code}: ${child.stderr()}`);
  const answer: { runs: [number, number][]; integrityMessages: string[]; journalMode: string } = JSON.parse(
    child.lines[0] ?? "",
  );
  const rows = new Set<number>();
  for (const [first, last] of answer.runs) {
    for (let row = first; row <= last; row += 1) rows.add(row);
  }
  return { rows, integrityMessages: answer.integrityMessages, journalMode: answer.journalMode };
}

/** Acknowledged rows that are gone: must be empty, always. */
export function missingRows(acknowledged: readonly number[], found: RowsFound): readonly number[] {
  return acknowledged.filter((row) => !found.rows.has(row));
}
