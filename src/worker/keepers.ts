/**
 * Workers that do nothing but keep databases connected (sqlite/keptConnections.ts): each has many, and stays as long as
 * it has one. Their own processes, because a worker that runs checks or checkpoints closes what it opens, and may be
 * killed past a deadline.
 *
 * Opening recovers the WAL and may take long, or hang with its disk: so it goes to a keeper that opens nothing else just
 * then, where there is one.
 */
import type { Profile } from "../domain/databaseConfig.ts";
import type { Target } from "../domain/operation.ts";
import type { Outcome } from "../domain/outcome.ts";
import { Job } from "./job.ts";
import { Lane, type LaneOptions } from "./lane.ts";

/** The time for one that has only to close. */
const letGoDeadlineMs = 10_000;

export interface KeptOpen {
  /** The worker whose locks it is. */
  readonly pid: number;
  /** Resolves when it is closed, at once the second time; never rejects. */
  readonly letGo: () => Promise<void>;
}

interface Keeper {
  readonly lane: Lane;
  openingCount: number;
  keptCount: number;
}

export class Keepers {
  readonly #keepers: readonly Keeper[];

  /** @param count of processes at most; they start when they are needed. */
  constructor(options: Omit<LaneOptions, "workerCount" | "spareWorkerCount" | "mayLeave">, count: number) {
    this.#keepers = Array.from({ length: count }, () => {
      const keeper: Keeper = {
        lane: new Lane({
          ...options,
          workerCount: 1,
          spareWorkerCount: 0,
          mayLeave: () => keeper.keptCount === 0,
        }),
        openingCount: 0,
        keptCount: 0,
      };
      return keeper;
    });
  }

  /** Never rejects. `kept` null: it is not in WAL mode. */
  async keep(
    target: Target,
    profile: Profile,
    deadlineMs: number,
  ): Promise<Outcome<{ readonly kept: KeptOpen | null }>> {
    const keeper = this.#leastBusy();
    keeper.openingCount += 1;
    const limits = { deadlineMs, holdDeadlineMs: undefined };
    const job = new Job({ operation: { kind: "keepOpen", profile }, target, limits });
    keeper.lane.submit(job);
    const result = await job.result;
    keeper.openingCount -= 1;
    if (result.kind === "hello") throw new Error("a request was answered with a hello");
    if (result.kind === "failure") return result.failure;
    const { outcome } = result;
    if (!outcome.ok) return outcome;
    if (!("kept" in outcome)) throw new Error("keepOpen was answered with the result of another operation");
    if (!outcome.kept) return { ok: true, kept: null };
    keeper.keptCount += 1;
    return { ok: true, kept: keptOpen(keeper, target, profile, outcome.pid) };
  }

  async close(): Promise<void> {
    await Promise.all(this.#keepers.map(({ lane }) => lane.close()));
  }

  get runningCount(): number {
    return this.#keepers.reduce((sum, { lane }) => sum + lane.runningCount, 0);
  }

  #leastBusy(): Keeper {
    return this.#keepers.reduce((best, keeper) => (keeper.openingCount < best.openingCount ? keeper : best));
  }
}

function keptOpen(keeper: Keeper, target: Target, profile: Profile, pid: number): KeptOpen {
  let isKept = true;
  return {
    pid,
    letGo: async () => {
      if (!isKept) return;
      isKept = false;
      keeper.keptCount -= 1;
      const limits = { deadlineMs: letGoDeadlineMs, holdDeadlineMs: undefined };
      const job = new Job({ operation: { kind: "letGo", profile }, target, limits });
      keeper.lane.submit(job);
      await job.result;
    },
  };
}
