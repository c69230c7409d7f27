/**
 * The supervisor's way to SQLite: lanes of sql workers, so that a checkpoint never queues behind an integrity check,
 * and a check that somebody waits for never behind one of the schedule, which runs at low priority. Every request becomes an outcome, whatever happens to the process that runs it.
 */
import type { Profile } from "../domain/databaseConfig.ts";
import type { Operation, OperationKind, OperationResults, Target } from "../domain/operation.ts";
import type { Outcome } from "../domain/outcome.ts";
import { type Environment, workerEnvironment } from "./environment.ts";
import { Job } from "./job.ts";
import { Keepers, type KeptOpen } from "./keepers.ts";
import { Lane, type WorkerFailure } from "./lane.ts";
import { backgroundArgument, type Hello } from "./message.ts";

export interface WorkerPoolOptions {
  /** What starts a sql worker; the supervisor's process id is added as the last argument. */
  readonly command: readonly string[];
  /** Of the supervisor; only an allow-list of it reaches the workers. */
  readonly environment: Environment;
  readonly shortWorkerCount: number;
  /** More of them for as long as short work has to wait. */
  readonly spareWorkerCount?: number;
  readonly longWorkerCount: number;
  readonly idleExitMs: number;
  readonly onFailure: (failure: WorkerFailure) => void;
}

export interface RunOptions {
  readonly lane: "short" | "long" | "background";
  /** From the moment a worker takes the request; past it the worker is killed. */
  readonly deadlineMs: number;
  /** How long writers may be kept out at a time before the worker is killed. */
  readonly holdDeadlineMs?: number;
  readonly signal?: AbortSignal;
  /** Awaited when a worker has been found for it, before that one begins. Never rejects. */
  readonly before?: () => Promise<void>;
}

export interface WorkerPool {
  /** Never rejects. */
  run<Kind extends OperationKind>(
    operation: Operation & { readonly kind: Kind },
    target: Target,
    options: RunOptions,
  ): Promise<Outcome<OperationResults[Kind]>>;
  /** Connects a worker to the database, until it is let go or that worker ends. Never rejects; null: not in WAL mode. */
  readonly keepOpen: (
    target: Target,
    profile: Profile,
    deadlineMs: number,
  ) => Promise<Outcome<{ readonly kept: KeptOpen | null }>>;
  /** Every worker that may still hold a lock, those that were killed and are not yet gone included. */
  readonly ownPids: () => ReadonlySet<number>;
  /** Starts a worker if none has been there yet; it then is warm. */
  readonly sqliteVersion: () => Promise<Outcome<{ readonly version: string; readonly sourceId: string }>>;
  /** Kills all workers and waits for their end; what was asked for ends as `stopped`. */
  readonly close: () => Promise<void>;
  /** Requests that a worker is working on. */
  readonly runningCount: number;
}

export function createWorkerPool(options: WorkerPoolOptions): WorkerPool {
  const pids = new Set<number>();
  let hello: Hello | null = null;
  const common = {
    command: [...options.command, String(process.pid)],
    environment: workerEnvironment(options.environment),
    idleExitMs: options.idleExitMs,
    onFailure: options.onFailure,
    spareWorkerCount: 0,
    onHello: (said: Hello) => {
      hello = said;
    },
    onStart: ({ pid, reaped }: { readonly pid: number; readonly reaped: Promise<void> }) => {
      pids.add(pid);
      reaped.then(() => pids.delete(pid));
    },
  };
  const lanes = {
    short: new Lane({
      ...common,
      workerCount: options.shortWorkerCount,
      spareWorkerCount: options.spareWorkerCount ?? 0,
    }),
    long: new Lane({ ...common, workerCount: options.longWorkerCount }),
    // A process that has lowered its priority cannot raise it again: these are workers of their own.
    background: new Lane({
      ...common,
      command: [...common.command, backgroundArgument],
      workerCount: options.longWorkerCount,
    }),
  };

  // Databases are connected one for each check that begins: so none waits for a keeper that others keep at work.
  const keepers = new Keepers(common, options.longWorkerCount);

  async function run<Kind extends OperationKind>(
    operation: Operation & { readonly kind: Kind },
    target: Target,
    { lane, deadlineMs, holdDeadlineMs, signal, before }: RunOptions,
  ): Promise<Outcome<OperationResults[Kind]>> {
    const job = new Job({ operation, target, limits: { deadlineMs, holdDeadlineMs }, before });
    const cancel = () => job.cancel();
    if (signal?.aborted === true) cancel();
    else lanes[lane].submit(job);
    signal?.addEventListener("abort", cancel, { once: true });
    const result = await job.result;
    signal?.removeEventListener("abort", cancel);
    if (result.kind === "hello") throw new Error("a request was answered with a hello");
    if (result.kind === "failure") return result.failure;
    // The protocol validated it against the schema of this kind.
    return result.outcome as Outcome<OperationResults[Kind]>;
  }

  async function sqliteVersion(): Promise<Outcome<{ version: string; sourceId: string }>> {
    if (hello === null) {
      const job = new Job(null);
      lanes.short.submit(job);
      const result = await job.result;
      if (result.kind === "failure") return result.failure;
      if (result.kind === "outcome") throw new Error("a hello was answered with an outcome");
      hello = result.hello;
    }
    return { ok: true, version: hello.sqliteVersion, sourceId: hello.sourceId };
  }

  return {
    run,
    sqliteVersion,
    keepOpen: (target, profile, deadlineMs) => keepers.keep(target, profile, deadlineMs),
    ownPids: () => new Set(pids),
    close: async () => {
      const closing = [lanes.short, lanes.long, lanes.background, keepers].map((part) => part.close());
      await Promise.all(closing);
    },
    get runningCount() {
      const parts = [lanes.short, lanes.long, lanes.background, keepers];
      return parts.reduce((sum, part) => sum + part.runningCount, 0);
    },
  };
}
