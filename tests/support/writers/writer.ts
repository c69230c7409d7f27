/** The test's side of a writer process, whichever program it is. */
import type { TestProcess } from "../childProcess.ts";
import { waitFor } from "../waitFor.ts";

export interface WriterError {
  /** SQLite's name of the result code, SQLITE_BUSY for example. */
  readonly code: string;
  readonly message: string;
}

export interface Writer extends AsyncDisposable {
  readonly pid: number;
  readonly process: TestProcess;
  /** Ids of rows whose COMMIT returned before the line was written: none of them may ever be missing. */
  readonly acknowledged: readonly number[];
  readonly errors: readonly WriterError[];
  /** Until `count` rows are acknowledged in all. */
  waitForRows(count: number, deadlineMs?: number): Promise<void>;
  /** Until `count` more rows are acknowledged than now. */
  waitForMoreRows(count: number, deadlineMs?: number): Promise<void>;
  /** Let go of a transaction that is held, and wait until it is. */
  release(): Promise<void>;
  /** Close the connection and exit; waits for it. */
  stop(): Promise<void>;
  /** SIGKILL, at whatever it is doing. */
  kill(): Promise<void>;
}

export async function waitForRows(
  child: TestProcess,
  acknowledged: readonly number[],
  count: number,
  deadlineMs = 20_000,
): Promise<void> {
  await waitFor(
    `${count} rows from writer ${child.pid}`,
    () => {
      if (acknowledged.length >= count) return true;
      if (child.exitCode() !== null)
        throw new Error(`writer ended with ${child.exitCode()}: ${child.stderr()}`);
      return false;
    },
    { deadlineMs },
  );
}
