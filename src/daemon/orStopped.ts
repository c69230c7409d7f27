/**
 * A sync that is under way cannot be taken back: when the bound of a shutdown has passed, its end is not waited for.
 */
import type { Outcome, SyncResult } from "../domain/outcome.ts";

export function orStopped(
  sync: Promise<Outcome<SyncResult>>,
  path: string,
  signal: AbortSignal,
): Promise<Outcome<SyncResult>> {
  const { promise, resolve, reject } = Promise.withResolvers<Outcome<SyncResult>>();
  const message = "the disk did not answer in time";
  const stop = () =>
    resolve({
      ok: false,
      reason: "stopped",
      operation: "fdatasync",
      path,
      code: null,
      message,
      retryable: false,
    });
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  sync.then(resolve, reject);
  return promise.finally(() => signal.removeEventListener("abort", stop));
}
