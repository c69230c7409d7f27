/**
 * `bun writer.ts OPTIONS`: an application that writes, one row of 500 bytes with an index in each commit, and measures
 * how long each commit takes. OPTIONS is the JSON of WriterOptions. Says `ready` and begins at once; after the warm-up
 * everything is counted. Commit latencies go into a file, 64-bit floats, one after the other; the last line is the JSON of
 * a WriterEnd. It does not close the database: the last close is a checkpoint, which nobody here wants to measure.
 *
 * Run only by the benchmark.
 */
import { Database } from "bun:sqlite";
import { writeFileSync, writeSync } from "node:fs";

export interface WriterOptions {
  readonly path: string;
  readonly synchronous: "OFF" | "NORMAL" | "FULL" | "EXTRA";
  readonly busyTimeoutMs: number;
  /** Frames; 0 leaves checkpoints to others. */
  readonly autocheckpoint: number;
  /** 0: without a pause. */
  readonly commitsPerSecond: number;
  readonly warmUpMs: number;
  /** The warm-up lasts until so many commits too, but no longer than 8 s more: on a slow disk a WAL grows slowly. */
  readonly warmUpCommitCount: number;
  readonly measureMs: number;
  readonly latenciesPath: string;
}

export interface WriterEnd {
  readonly commitCount: number;
  readonly measuredMs: number;
  /** Attempts that ended with SQLITE_BUSY, the warm-up included; each was repeated at once. */
  readonly busyCount: number;
}

const payload = new Uint8Array(500).fill(7);
const warmUpExtraMaxMs = 8_000;
const pause = new Int32Array(new SharedArrayBuffer(4));

function isBusy(error: unknown): boolean {
  return error instanceof Error && "code" in error && String(error.code).startsWith("SQLITE_BUSY");
}

function giveUpAfterMs({ warmUpMs, measureMs, busyTimeoutMs }: WriterOptions): number {
  return warmUpMs + warmUpExtraMaxMs + measureMs + busyTimeoutMs;
}

function run(options: WriterOptions): WriterEnd {
  const database = new Database(options.path);
  database.exec(`PRAGMA busy_timeout = ${options.busyTimeoutMs}`);
  database.exec(`PRAGMA synchronous = ${options.synchronous}`);
  database.exec(`PRAGMA wal_autocheckpoint = ${options.autocheckpoint}`);
  const insert = database.prepare("INSERT INTO written(key, payload) VALUES (random(), ?1)");
  const latenciesMs: number[] = [];
  let busyCount = 0;
  writeSync(1, "ready\n");
  const startedAtMs = performance.now();
  let measureFromMs = Number.POSITIVE_INFINITY;
  let endAtMs = Number.POSITIVE_INFINITY;
  let warmUpLeft = options.warmUpCommitCount;
  const everyMs = options.commitsPerSecond === 0 ? 0 : 1000 / options.commitsPerSecond;
  let dueAtMs = startedAtMs;
  let nowMs = startedAtMs;
  while (nowMs < endAtMs) {
    const beganAtMs = nowMs;
    const warmMs = nowMs - startedAtMs - options.warmUpMs;
    if (
      endAtMs === Number.POSITIVE_INFINITY &&
      warmMs >= 0 &&
      (warmUpLeft <= 0 || warmMs > warmUpExtraMaxMs)
    ) {
      measureFromMs = nowMs;
      endAtMs = nowMs + options.measureMs;
    }
    warmUpLeft -= 1;
    for (;;) {
      try {
        insert.run(payload);
        break;
      } catch (error) {
        if (!isBusy(error)) throw error;
        busyCount += 1;
        // With nothing but BUSY it ends all the same.
        if (performance.now() > startedAtMs + giveUpAfterMs(options)) break;
      }
    }
    nowMs = performance.now();
    if (beganAtMs >= measureFromMs) latenciesMs.push(nowMs - beganAtMs);
    if (everyMs === 0) continue;
    // One that fell behind does not make up for it by a burst.
    dueAtMs = Math.max(dueAtMs + everyMs, nowMs - everyMs);
    if (dueAtMs > nowMs) Atomics.wait(pause, 0, 0, dueAtMs - nowMs);
    nowMs = performance.now();
  }
  writeFileSync(options.latenciesPath, new Float64Array(latenciesMs));
  return { commitCount: latenciesMs.length, measuredMs: nowMs - measureFromMs, busyCount };
}

if (import.meta.main) {
  const end = run(JSON.parse(process.argv[2] ?? "{}"));
  writeSync(1, `${JSON.stringify(end)}\n`);
  process.kill(process.pid, "SIGKILL");
}
