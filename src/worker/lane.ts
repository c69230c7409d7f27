/**
 * A queue of jobs and up to `workerCount` sql workers that serve it, first come, first served. Workers start
 * when there is work and leave when they were idle for a while. When a job has waited for longer than others may take, as
 * happens when databases block, spare workers come in as well: so few that block do not hold up all.
 *
 * After a worker failed, the next start waits, longer each time (100 ms doubling to 30 s), until a request
 * succeeds: a worker that dies at once must not become a fork bomb. Workers that are alive serve on.
 * A job never waits for a start longer, in sum, than its own deadline.
 */
import type { OperationKind } from "../domain/operation.ts";
import { type ClientEnd, startClient, type WorkerClient } from "./client.ts";
import type { Job } from "./job.ts";
import type { Hello } from "./message.ts";

const backoffMinMs = 100;
const backoffMaxMs = 30_000;
/** More than any budget for a write lock: who waits so long waits for a database that blocks, or for bulk work. */
const spareAfterMs = 250;

export interface WorkerFailure {
  readonly reason: "deadline" | "crash" | "protocol" | "spawn";
  /** Null: there was no process. */
  readonly pid: number | null;
  /** Null, and so is `path`: the worker was idle, or only asked for its version. */
  readonly operation: OperationKind | null;
  readonly path: string | null;
  readonly message: string;
}

export interface LaneOptions {
  readonly command: readonly string[];
  readonly environment: Record<string, string>;
  readonly workerCount: number;
  /** Beyond these; 0 where the order of work is all that counts. */
  readonly spareWorkerCount: number;
  readonly idleExitMs: number;
  /** Asked of one that has been idle for so long; one that may not is asked again after as long. */
  readonly mayLeave?: () => boolean;
  readonly onFailure: (failure: WorkerFailure) => void;
  readonly onHello: (hello: Hello) => void;
  readonly onStart: (client: WorkerClient) => void;
}

export class Lane {
  readonly #options: LaneOptions;
  readonly #queue: Job[] = [];
  /** Workers without work, the one that waits longest first. */
  readonly #idle: ((job: Job) => void)[] = [];
  readonly #clients = new Set<WorkerClient>();
  readonly #lives = new Set<Promise<void>>();
  #failureCount = 0;
  #blockedUntilMs = 0;
  #unblock: ReturnType<typeof setTimeout> | undefined;
  #spareTimer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;
  runningCount = 0;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  submit(job: Job): void {
    if (this.#isClosed) {
      job.fail("stopped", "the daemon is shutting down");
      return;
    }
    this.#queue.push(job);
    if (this.#unblock !== undefined) this.#chargeBackoff([job], this.#blockedUntilMs - performance.now());
    this.#pump();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#unblock);
    clearTimeout(this.#spareTimer);
    for (const job of this.#queue.splice(0)) job.fail("stopped", "the daemon is shutting down");
    for (const client of this.#clients)
      client.kill({ reason: "stopped", message: "the daemon is shutting down" });
    await Promise.all(this.#lives);
  }

  /** Hands waiting jobs to idle workers, or starts workers for them. */
  #pump(): void {
    for (let job = this.#nextQueued(); job !== undefined; job = this.#nextQueued()) {
      const idle = this.#idle.pop();
      if (idle !== undefined) {
        idle(job);
        continue;
      }
      if (this.#unblock !== undefined || !this.#mayStart(job)) {
        this.#queue.unshift(job);
        return;
      }
      const life = this.#live(job);
      this.#lives.add(life);
      life.finally(() => {
        this.#lives.delete(life);
        if (!this.#isClosed) this.#pump();
      });
    }
  }

  /** A spare one only for who has waited; until then this is asked again in time. */
  #mayStart(job: Job): boolean {
    const { workerCount, spareWorkerCount } = this.#options;
    if (this.#lives.size < workerCount) return true;
    if (this.#lives.size >= workerCount + spareWorkerCount) return false;
    const waitsUntilMs = job.submittedAtMs + spareAfterMs;
    if (performance.now() >= waitsUntilMs) return true;
    clearTimeout(this.#spareTimer);
    this.#spareTimer = setTimeout(() => this.#pump(), waitsUntilMs - performance.now());
    return false;
  }

  #nextQueued(): Job | undefined {
    for (let job = this.#queue.shift(); job !== undefined; job = this.#queue.shift()) {
      if (!job.isSettled) return job;
    }
    return undefined;
  }

  /** One worker from its start for `first` to its end. */
  async #live(first: Job): Promise<void> {
    const start = startClient(this.#options.command, this.#options.environment);
    if (!start.ok) return this.#failed({ reason: "spawn", message: start.message }, null, first);
    const { client } = start;
    const death = deathOf(client);
    this.#clients.add(client);
    this.#options.onStart(client);
    const hello = await client.ready;
    let job: Job | null = first;
    if (hello !== null) {
      this.#options.onHello(hello);
      while (job !== null && (await this.#serve(client, hello, job))) job = await this.#waitForJob(death);
    }
    if (job === null) client.release();
    const end = await client.ended;
    this.#clients.delete(client);
    if (end.reason === "stopped") job?.fail("stopped", end.message);
    else if (end.reason !== "released")
      this.#failed({ reason: end.reason, message: end.message }, client.pid, job);
  }

  /** False: the worker ended, and the job with it. */
  async #serve(client: WorkerClient, hello: Hello, job: Job): Promise<boolean> {
    if (job.isSettled) return true;
    if (job.work === null) {
      job.settle({ kind: "hello", hello });
      return true;
    }
    const { operation, target, limits, before } = job.work;
    await before?.();
    if (job.isSettled) return true;
    job.beginRunning(() => client.kill({ reason: "stopped", message: "cancelled while it ran" }));
    this.runningCount += 1;
    const outcome = await client.run(operation, target, limits);
    this.runningCount -= 1;
    if (outcome === null) return false;
    this.#succeeded();
    job.settle({ kind: "outcome", outcome });
    return true;
  }

  /** Null: it was idle for long enough, or it ended. */
  async #waitForJob(death: Death): Promise<Job | null> {
    const queued = this.#nextQueued();
    if (queued !== undefined) return queued;
    if (death.hasCome) return null;
    const { promise, resolve } = Promise.withResolvers<Job | null>();
    const leave = () => {
      const index = this.#idle.indexOf(resolve);
      if (index !== -1) this.#idle.splice(index, 1);
      resolve(null);
    };
    this.#idle.push(resolve);
    const { idleExitMs, mayLeave } = this.#options;
    const idleTimer = setInterval(() => {
      if (mayLeave?.() !== false) leave();
    }, idleExitMs);
    death.leave = leave;
    const job = await promise;
    clearInterval(idleTimer);
    return job;
  }

  #succeeded(): void {
    this.#failureCount = 0;
    if (this.#unblock !== undefined) this.#endBackoff();
  }

  #failed(
    end: ClientEnd & { readonly reason: WorkerFailure["reason"] },
    pid: number | null,
    job: Job | null,
  ): void {
    const { reason, message } = end;
    job?.fail(reason, message);
    const failure = { reason, pid, message };
    this.#options.onFailure({ ...failure, operation: job?.operationKind ?? null, path: job?.path ?? null });
    if (!this.#isClosed) this.#beginBackoff();
  }

  #beginBackoff(): void {
    this.#failureCount += 1;
    const delayMs = Math.min(backoffMaxMs, backoffMinMs * 2 ** Math.min(this.#failureCount - 1, 16));
    clearTimeout(this.#unblock);
    this.#blockedUntilMs = performance.now() + delayMs;
    this.#unblock = setTimeout(() => this.#endBackoff(), delayMs);
    this.#chargeBackoff(this.#queue, delayMs);
  }

  #endBackoff(): void {
    clearTimeout(this.#unblock);
    this.#unblock = undefined;
    this.#pump();
  }

  /** Fails at once what would wait in vain: no worker is alive, and none starts before its deadline. */
  #chargeBackoff(jobs: readonly Job[], delayMs: number): void {
    if (this.#clients.size > 0) return;
    for (const job of jobs) {
      job.backoffWaitMs += Math.max(0, delayMs);
      const deadlineMs = job.work?.limits.deadlineMs ?? backoffMaxMs;
      if (job.backoffWaitMs <= deadlineMs) continue;
      job.fail(
        "spawn",
        `no sql worker can be started for another ${Math.ceil(delayMs)} ms, after earlier failures`,
      );
    }
  }
}

/**
 * The end of a worker, listened to once in its life: one that never rests serves for months, and a listener for each
 * wait would stay until it ends.
 */
interface Death {
  hasCome: boolean;
  /** What the end cuts short now. */
  leave: () => void;
}

function deathOf(client: WorkerClient): Death {
  const death: Death = { hasCome: false, leave: () => {} };
  client.ended.then(() => {
    death.hasCome = true;
    death.leave();
  });
  return death;
}
