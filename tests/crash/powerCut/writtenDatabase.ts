/**
 * A database in the laboratory with some rows that nobody can lose, a writer that adds to it, and what was lost
 * of what the writer acknowledged.
 */
import { missingRows, type RowsFound, verifyRows } from "../../support/verifyRows.ts";
import { startBunWriter } from "../../support/writers/startBunWriter.ts";
import type { Writer } from "../../support/writers/writer.ts";
import type { WriterOptions } from "../../support/writers/writerOptions.ts";
import type { Laboratory, PowerCut } from "./laboratory.ts";

/** Rows that are on disk before the writer begins. */
export const settledRowCount = 5;

/** The file itself and its first rows, durable, and no WAL. */
export async function makeDatabase(laboratory: Laboratory, name = "kv.db"): Promise<string> {
  const path = laboratory.file(name);
  await using writer = await startBunWriter({ path, rowCount: settledRowCount });
  await writer.waitForRows(settledRowCount);
  await writer.stop();
  await laboratory.settle();
  return path;
}

export async function startWriter(path: string, options: Partial<WriterOptions>): Promise<Writer> {
  return await startBunWriter({ path, firstRow: settledRowCount + 1, busyTimeoutMs: 5000, ...options });
}

export interface CutWriting {
  readonly cut: PowerCut;
  readonly beganAtMs: number;
  /** Acknowledged before power failed; none of them would have been lost by a writer that syncs. */
  readonly acknowledged: readonly number[];
}

/** Cuts the power while it writes. */
export async function cutWhileWriting(laboratory: Laboratory, writer: Writer): Promise<CutWriting> {
  const acknowledged = writer.acknowledged.slice();
  const beganAtMs = Date.now();
  return { cut: await laboratory.cut(), beganAtMs, acknowledged };
}

/** Wall clock times at which the acknowledgement of each row arrived; a commit is never younger than that. */
export interface CommitTimes {
  committedAfter(timeMs: number): number;
  /** Undefined: no acknowledgement of that row was seen. */
  of(row: number): number | undefined;
}

/** From now on. */
export function timeCommits(writer: Writer): CommitTimes & Disposable {
  const times = new Map<number, number>();
  let seenCount = 0;
  const note = () => {
    const nowMs = Date.now();
    for (; seenCount < writer.acknowledged.length; seenCount += 1) {
      times.set(writer.acknowledged[seenCount] ?? 0, nowMs);
    }
  };
  const timer = setInterval(note, 1);
  return {
    committedAfter: (timeMs) => {
      note();
      return [...times.values()].filter((atMs) => atMs > timeMs).length;
    },
    of: (row) => {
      note();
      return times.get(row);
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

export interface Recovered {
  readonly found: RowsFound;
  /** Acknowledged before the cut and gone. */
  readonly lost: readonly number[];
}

/** What SQLite finds after power came back. */
export async function recover(path: string, acknowledged: readonly number[]): Promise<Recovered> {
  const found = await verifyRows(path);
  const settled = Array.from({ length: settledRowCount }, (_, at) => at + 1);
  return { found, lost: missingRows([...settled, ...acknowledged], found) };
}
