/**
 * One connection from the first open of a startup sequence to its last, so that the WAL that a crash left is recovered
 * once. Each act connects in a worker of its own and leaves; when nobody is connected in between, the next one recovers the
 * WAL anew, and an application with busy timeout 0 that opens just then is refused (SQLITE_BUSY_RECOVERY).
 *
 * Invariants: it is opened only when a worker has been found for the act, so a database that waits for its turn is not
 * connected. It is let go when the sequence ends, begins again, fails or is cut short, and otherwise when its watch has
 * come to rest and no act has followed the last one for a while: between two acts files are read anew, which takes a
 * rest of its own. An act goes on without it where it cannot be had.
 */
import type { Profile } from "../domain/databaseConfig.ts";
import type { Target } from "../domain/operation.ts";
import type { Failure } from "../domain/outcome.ts";
import type { KeptOpen } from "../worker/keepers.ts";
import type { WorkerPool } from "../worker/pool.ts";

/** Recovery of a large WAL takes its time, on a cold disk more so. */
const openDeadlineMs = 60_000;

export interface StartupConnectionParts {
  readonly pool: Pick<WorkerPool, "run" | "keepOpen">;
  /** How long it is kept from the end of an act, while the watch rests. */
  readonly restMaxMs: number;
  /** An act has a worker by then that others wait for: past this it goes on by itself, and meets the recovery. */
  readonly connectWaitMaxMs: number;
  readonly onFailure: (failure: Failure) => void;
}

export class StartupConnection {
  readonly #parts: StartupConnectionParts;
  /** Null: no sequence that needs it is under way. */
  #profile: Profile | null = null;
  #kept: KeptOpen | null = null;
  #connecting: Promise<void> | null = null;
  /** What was asked for before the last release is let go when it comes. */
  #releaseCount = 0;
  #actEndedAtMs = 0;
  #restTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: StartupConnectionParts) {
    this.#parts = parts;
  }

  /** The worker that is connected, and is nobody else. */
  get keeperPid(): number | null {
    return this.#kept?.pid ?? null;
  }

  /** From the next act on. */
  begin(profile: Profile): void {
    this.#profile = profile;
  }

  /** Acts that follow connect for themselves. Resolves when it is closed; never rejects. */
  end(): Promise<void> {
    this.#profile = null;
    return this.release();
  }

  /** Until the next act of the sequence, if there is one. Resolves when it is closed; never rejects. */
  async release(): Promise<void> {
    clearTimeout(this.#restTimer);
    this.#releaseCount += 1;
    const kept = this.#kept;
    this.#kept = null;
    await kept?.letGo();
  }

  /** Passes on what comes to rest in the end. */
  async during(work: () => Promise<void>): Promise<void> {
    clearTimeout(this.#restTimer);
    try {
      await work();
    } finally {
      const restedMs = performance.now() - this.#actEndedAtMs;
      if (this.#kept !== null)
        this.#restTimer = setTimeout(
          () => void this.release(),
          Math.max(0, this.#parts.restMaxMs - restedMs),
        );
    }
  }

  run: WorkerPool["run"] = async (operation, target, options) => {
    if (this.#profile === null) return await this.#parts.pool.run(operation, target, options);
    const before = () => this.#connect(target);
    const outcome = await this.#parts.pool.run(operation, target, { ...options, before });
    this.#actEndedAtMs = performance.now();
    return outcome;
  };

  async #connect(target: Target): Promise<void> {
    const profile = this.#profile;
    if (profile === null || this.#kept !== null) return;
    this.#connecting ??= this.#open(target, profile).finally(() => {
      this.#connecting = null;
    });
    const waiting = Promise.withResolvers<void>();
    const timer = setTimeout(waiting.resolve, this.#parts.connectWaitMaxMs);
    await Promise.race([this.#connecting, waiting.promise]);
    clearTimeout(timer);
  }

  async #open(target: Target, profile: Profile): Promise<void> {
    const releaseCount = this.#releaseCount;
    const outcome = await this.#parts.pool.keepOpen(target, profile, openDeadlineMs);
    const isWanted = releaseCount === this.#releaseCount;
    if (outcome.ok && outcome.kept !== null) {
      if (isWanted && this.#kept === null) this.#kept = outcome.kept;
      else await outcome.kept.letGo();
      return;
    }
    // Once in a sequence is enough; why a database cannot be opened the act itself will say.
    if (isWanted) this.#profile = null;
    if (!outcome.ok) this.#parts.onFailure(outcome);
  }
}
