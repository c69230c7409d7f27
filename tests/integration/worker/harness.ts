/** Real pools of real workers, and databases as applications leave them. */
import { statSync } from "node:fs";
import { join } from "node:path";
import type { Profile } from "../../../src/domain/databaseConfig.ts";
import type { Target } from "../../../src/domain/operation.ts";
import type { Failure, Outcome } from "../../../src/domain/outcome.ts";
import type { WorkerFailure } from "../../../src/worker/lane.ts";
import { createWorkerPool, type WorkerPool, type WorkerPoolOptions } from "../../../src/worker/pool.ts";
import { startBunWriter } from "../../support/writers/startBunWriter.ts";

export const workerCommand = [process.execPath, "--no-env-file", join(import.meta.dir, "sqlWorker.ts")];

export interface TestPool extends AsyncDisposable {
  readonly pool: WorkerPool;
  readonly failures: readonly WorkerFailure[];
}

export function makePool(options: Partial<WorkerPoolOptions> = {}): TestPool {
  const failures: WorkerFailure[] = [];
  const pool = createWorkerPool({
    command: workerCommand,
    environment: process.env,
    shortWorkerCount: 1,
    longWorkerCount: 1,
    idleExitMs: 10_000,
    onFailure: (failure) => failures.push(failure),
    ...options,
  });
  return { pool, failures, [Symbol.asyncDispose]: () => pool.close() };
}

export const profile: Profile = {
  journalMode: "WAL",
  synchronous: "EXTRA",
  busyTimeoutMs: 5_000,
  foreignKeys: true,
};

export const short = { lane: "short", deadlineMs: 20_000 } as const;
export const long = { lane: "long", deadlineMs: 20_000 } as const;

export function targetOf(path: string): Target {
  const { dev, ino } = statSync(path, { bigint: true });
  return { path, identity: `${dev}:${ino}` };
}

/** "major:minor" of the mount: on the file systems that tests run on it is what stat says. */
export function mountDeviceOf(path: string): string {
  const { dev } = statSync(path, { bigint: true });
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn);
  const minor = (dev & 0xffn) | ((dev >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}

export function bytesOf(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.size ?? null;
}

/** A database whose application was killed: everything is still in the WAL. */
export async function leaveWal(path: string, rowCount: number, rowBytes = 1_000): Promise<void> {
  await using writer = await startBunWriter({
    path,
    rowCount,
    rowBytes,
    autocheckpoint: 0,
    synchronous: "OFF",
  });
  await writer.waitForRows(rowCount);
  await writer.kill();
}

export function expectOk<Result>(outcome: Outcome<Result>): { readonly ok: true } & Result {
  if (!outcome.ok) throw new Error(`${outcome.reason} ${outcome.code}: ${outcome.message}`);
  return outcome;
}

export function expectFailure<Result>(outcome: Outcome<Result>): Failure {
  if (outcome.ok) throw new Error(`expected a failure, got ${JSON.stringify(outcome)}`);
  return outcome;
}
