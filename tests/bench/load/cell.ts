/**
 * One cell: one contender, one workload, one disk, for a few seconds, on a fresh copy of the same database. What it
 * costs is measured at the writer, commit by commit; how the WAL fares is seen from outside.
 */
import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { spawnProcess, type TestProcess } from "../../support/childProcess.ts";
import { makeTempDirectory, type TempDirectory } from "../../support/tempDirectory.ts";
import { withDeadline } from "../../support/waitFor.ts";
import { quantile } from "../statistics.ts";
import { type Contender, contenders, type DaemonReport, startContender } from "./contenders.ts";
import type { SlowDisk } from "./slowDisk.ts";
import { type WalSeen, WalWatcher } from "./walWatcher.ts";
import type { WriterEnd, WriterOptions } from "./writer.ts";

export const writings = {
  /** One writer that never pauses. */
  unpaused: { writerCount: 1, commitsPerSecond: 0 },
  paced: { writerCount: 1, commitsPerSecond: 200 },
  four: { writerCount: 4, commitsPerSecond: 50 },
} as const;
export type Writing = keyof typeof writings;

export interface Readers {
  readonly count: number;
  /** Each holds one snapshot after the other for so long, without a gap. */
  readonly holdMs: number;
}

export interface CellPlan {
  readonly contender: Contender;
  readonly writing: Writing;
  readonly readers: Readers;
  readonly syncDelayMs: number;
  readonly synchronous: WriterOptions["synchronous"];
  /** 0 also means: not declared to the daemon. */
  readonly busyTimeoutMs: number;
  /** Between two checkpoints of whoever checkpoints by the clock. */
  readonly intervalMs: number;
  readonly warmUpMs: number;
  readonly warmUpCommitCount: number;
  readonly measureMs: number;
}

export interface CellResult extends WalSeen {
  readonly commitCount: number;
  readonly commitsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
  readonly busyCount: number;
  /** Of the contender, warm-up included, in percent of one core; null: it has no process. */
  readonly cpuPercent: number | null;
  readonly daemon: DaemonReport | null;
}

export interface Bench {
  /** A database to begin with, in WAL mode, nobody connected. */
  readonly basePath: string;
  readonly slowDisk: SlowDisk;
}

const script = (name: string) => [process.execPath, "--no-env-file", join(import.meta.dir, name)];

export async function measureCell(bench: Bench, plan: CellPlan): Promise<CellResult> {
  using directory = makeTempDirectory();
  const path = directory.file("app.db");
  copyFileSync(bench.basePath, path);
  const environment = bench.slowDisk.environment(plan.syncDelayMs);
  await using stack = new AsyncDisposableStack();
  const { contender, intervalMs } = plan;
  const declared = plan.busyTimeoutMs > 0;
  const start = { contender, path, directory, intervalMs, declared, environment };
  const running = stack.use(await startContender(start));
  const readers: TestProcess[] = [];
  for (let at = 0; at < plan.readers.count; at += 1) {
    const command = [...script("reader.ts"), path, String(plan.readers.holdMs)];
    readers.push(stack.use(spawnProcess({ command, environment: { ...process.env, ...environment } })));
  }
  await Promise.all(readers.map((reader) => reader.waitForLine("reading")));
  const watcher = new WalWatcher(path);
  const beganMs = performance.now();
  const cpuBeforeMs = running.cpuMs();
  const { writerCount } = writings[plan.writing];
  const writers = Array.from({ length: writerCount }, (_, at) => {
    const options = writerOptions(plan, directory, path, at);
    const command = [...script("writer.ts"), JSON.stringify(options)];
    const child = stack.use(spawnProcess({ command, environment: { ...process.env, ...environment } }));
    return { child, options };
  });
  const deadlineMs = 30_000 + 2 * (plan.warmUpMs + plan.measureMs);
  await Promise.all(writers.map(({ child }) => withDeadline("a writer", child.exited, deadlineMs)));
  const seen = watcher.end();
  const cpuMs = running.cpuMs();
  const elapsedMs = performance.now() - beganMs;
  for (const reader of readers)
    if (reader.exitCode() !== null) throw new Error(`a reader ended: ${reader.stderr()}`);
  const daemon = running.report();
  const cpuPercent =
    cpuMs === null || cpuBeforeMs === null ? null : (100 * (cpuMs - cpuBeforeMs)) / elapsedMs;
  return { ...writtenBy(writers), ...seen, cpuPercent, daemon };
}

interface StartedWriter {
  readonly child: TestProcess;
  readonly options: WriterOptions;
}

function writtenBy(writers: readonly StartedWriter[]) {
  const ends = writers.map(({ child }): WriterEnd => {
    const last = child.lines.at(-1) ?? "";
    if (!last.startsWith("{")) throw new Error(`a writer ended early: ${last}\n${child.stderr()}`);
    return JSON.parse(last);
  });
  const latenciesMs = writers.flatMap(({ options }) => [...readLatencies(options.latenciesPath)]);
  const sortedMs = Float64Array.from(latenciesMs).sort();
  const at = (share: number) => sortedMs[Math.max(0, Math.ceil(share * sortedMs.length) - 1)] ?? Number.NaN;
  return {
    commitCount: sortedMs.length,
    commitsPerSecond: ends.reduce((sum, end) => sum + (1000 * end.commitCount) / end.measuredMs, 0),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    p999Ms: at(0.999),
    maxMs: at(1),
    busyCount: ends.reduce((sum, { busyCount }) => sum + busyCount, 0),
  };
}

function readLatencies(path: string): Float64Array {
  const bytes = readFileSync(path);
  return new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

function writerOptions(plan: CellPlan, directory: TempDirectory, path: string, at: number): WriterOptions {
  return {
    path,
    synchronous: plan.synchronous,
    busyTimeoutMs: plan.busyTimeoutMs,
    autocheckpoint: contenders[plan.contender],
    commitsPerSecond: writings[plan.writing].commitsPerSecond,
    warmUpMs: plan.warmUpMs,
    warmUpCommitCount: plan.warmUpCommitCount,
    measureMs: plan.measureMs,
    latenciesPath: directory.file(`latencies-${at}`),
  };
}

/** The median over cells, where one figure of each counts. */
export function medianOf(results: readonly CellResult[], figure: (result: CellResult) => number): number {
  return quantile(results.map(figure), 0.5);
}
