/**
 * Waits out SQLITE_BUSY where SQLite itself does not. Changing the journal mode upgrades a read lock to a
 * write lock, and there SQLite skips the busy handler to avoid a deadlock (sqlite.org/c3ref/busy_handler.html:
 * "The presence of a busy handler does not guarantee that it will be invoked"): beside a writer
 * `PRAGMA journal_mode = WAL` failed after 0.6 ms with a busy timeout of 80 ms (measured). An application
 * that opens its database while another process commits must not fail for that.
 */

const pauseMs = 5;
const primaryCodeMask = 0xff;
const busyCode = 5;

/** bun:sqlite and better-sqlite3 name the code, node:sqlite gives its number as `errcode`. */
function isBusyError(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  if ("errcode" in error && typeof error.errcode === "number") {
    return (error.errcode & primaryCodeMask) === busyCode;
  }
  return "code" in error && typeof error.code === "string" && error.code.startsWith("SQLITE_BUSY");
}

/** Blocks the thread between the tries, as SQLite's own busy handler does. */
export function retryWhileBusy<Value>(timeoutMs: number, action: () => Value): Value {
  const sleeper = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const endAtMs = performance.now() + timeoutMs;
  for (;;) {
    try {
      return action();
    } catch (error) {
      const restMs = endAtMs - performance.now();
      if (!isBusyError(error) || restMs <= 0) throw error;
      Atomics.wait(sleeper, 0, 0, Math.min(pauseMs, restMs));
    }
  }
}
