/**
 * Whether the daemon may take the write lock, and for how long. An application that does not wait for locks
 * (busy timeout 0, the default of most libraries) sees SQLITE_BUSY for every moment that somebody else holds
 * it: so the lock is taken by permission only.
 */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { Observation } from "../domain/observation.ts";
import type { Activity } from "./activity.ts";
import { somebodyWrites } from "./heldLocks.ts";

export type LockPermission =
  /** The operator declared a busy timeout that outlasts our holds by far. */
  | { readonly kind: "declared"; readonly holdMaxMs: number }
  /** Nobody has written for a while: short holds only. */
  | { readonly kind: "idle"; readonly holdMaxMs: number }
  | { readonly kind: "none"; readonly reason: string };

/** A hold while the application is idle and its busy timeout unknown. */
const idleHoldMaxMs = 10;
/** SQLite's back-off makes a short hold felt as up to 107 ms: a declared timeout must be far above it. */
const declaredTimeoutMinMs = 1_000;
const idleAfterMinMs = 500;
const idleAfterMaxMs = 10_000;

/** An application that has not written for this long is idle: the checkpoint interval, within limits. */
function idleAfterMs(config: DatabaseConfig): number {
  const { schedule } = config.checkpoint;
  const intervalMs = schedule.kind === "interval" ? schedule.intervalMs : idleAfterMaxMs;
  return Math.min(idleAfterMaxMs, Math.max(idleAfterMinMs, intervalMs));
}

export function isIdle(
  config: DatabaseConfig,
  activity: Activity | null,
  observation: Observation,
  nowMs: number,
): boolean {
  if (observation.locks.kind === "seen" && somebodyWrites(observation.locks)) return false;
  return activity !== null && nowMs - activity.lastChangeAtMs >= idleAfterMs(config);
}

/**
 * All locks could be seen, and no process but the daemon is connected to the WAL-index or holds the
 * database. In a PID namespace of its own the daemon cannot know, and is never alone.
 */
export function isAlone(observation: Observation): boolean {
  const { locks } = observation;
  return (
    locks.kind === "seen" &&
    locks.viewIsComplete &&
    locks.connected.length === 0 &&
    locks.databaseLockers.length === 0
  );
}

/** The operator declared a busy timeout that outlasts everything the daemon does under a lock. */
export function declaresLongWait(config: DatabaseConfig): boolean {
  return config.busyTimeoutDeclared && config.profile.busyTimeoutMs >= declaredTimeoutMinMs;
}

export function lockPermission(
  config: DatabaseConfig,
  activity: Activity | null,
  observation: Observation,
  nowMs: number,
): LockPermission {
  if (declaresLongWait(config)) {
    return { kind: "declared", holdMaxMs: config.checkpoint.holdBudgetMaxMs };
  }
  if (isAlone(observation) || isIdle(config, activity, observation, nowMs)) {
    return { kind: "idle", holdMaxMs: Math.min(idleHoldMaxMs, config.checkpoint.holdBudgetMaxMs) };
  }
  const why = config.busyTimeoutDeclared
    ? `the declared busy timeout is below ${declaredTimeoutMinMs} ms`
    : "the application's busy timeout is not declared (KVDB_SQLITE_BUSY_TIMEOUT_MS or busyTimeout)";
  return { kind: "none", reason: `${why} and the application is not idle` };
}
