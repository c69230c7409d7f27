/**
 * Long work on the event loop in slices of a few milliseconds, so that probes and timers have their turn in between.
 */
import type { Clock } from "./clock.ts";

const sliceMs = 4;

/** Ask after each small step. Null while the slice lasts; then a promise that lets everything else have its turn. */
export function breather(clock: Clock): () => Promise<void> | null {
  let startedAtMs = clock.monotonicMs();
  return () => {
    if (clock.monotonicMs() - startedAtMs < sliceMs) return null;
    return new Promise((resolve) => {
      setImmediate(() => {
        startedAtMs = clock.monotonicMs();
        resolve();
      });
    });
  };
}
