/**
 * The write lock of a WAL database, taken for a moment by BEGIN IMMEDIATE and given back by ROLLBACK. Nothing
 * is ever written under it.
 *
 * It is asked for again and again with busy timeout 0, because SQLite's own busy handler sleeps up to 100 ms
 * between its attempts and would hardly ever meet the gap between two commits of a busy writer. That gap is some 10 µs
 * in each commit, so attempts follow upon one another at once, for longer than such a commit takes, and then pause.
 */
import type { Database } from "bun:sqlite";
import { waitMs } from "../host/preciseWait.ts";
import type { LockEvents } from "./lockEvents.ts";
import { isBusy } from "./sqliteFailure.ts";

const pauseMs = 0.1;
const attemptsMs = 0.5;

/** `untilMs` is a moment on performance.now(). At least one attempt is made. */
function acquire(locker: Database, untilMs: number): boolean {
  const begin = locker.prepare("BEGIN IMMEDIATE");
  try {
    let pauseAtMs = performance.now() + attemptsMs;
    for (;;) {
      try {
        begin.run();
        return true;
      } catch (error) {
        if (!isBusy(error)) throw error;
      }
      const nowMs = performance.now();
      if (nowMs >= untilMs) return false;
      if (nowMs < pauseAtMs) continue;
      waitMs(pauseMs);
      pauseAtMs = performance.now() + attemptsMs;
    }
  } finally {
    begin.finalize();
  }
}

export type Held<Result> =
  | { readonly acquired: true; readonly result: Result; readonly heldMs: number }
  | { readonly acquired: false };

/** Runs `use` while writers are kept out; the lock is given back however `use` ends. */
export function withWriteLock<Result>(
  locker: Database,
  acquireUntilMs: number,
  events: LockEvents,
  use: (heldSinceMs: number) => Result,
): Held<Result> {
  if (!acquire(locker, acquireUntilMs)) return { acquired: false };
  const heldSinceMs = performance.now();
  let heldMs = 0;
  let result: Result;
  try {
    events.acquired();
    result = use(heldSinceMs);
  } finally {
    locker.exec("ROLLBACK");
    heldMs = performance.now() - heldSinceMs;
    events.released(heldMs);
  }
  return { acquired: true, result, heldMs };
}
