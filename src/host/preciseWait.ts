/**
 * Waits that are shorter than a millisecond, without burning the processor. Bun.sleepSync(0.1) does not sleep
 * at all; Atomics.wait takes fractions (0.1 ms asked for became 0.18 ms, measured). It blocks the thread: for
 * the worker only, which has nothing else to do.
 */

const neverWoken = new Int32Array(new SharedArrayBuffer(4));

export function waitMs(durationMs: number): void {
  Atomics.wait(neverWoken, 0, 0, durationMs);
}
