/** Time behind an interface: wall time for people, monotonic time for durations and deadlines. */
export interface Clock {
  /** Milliseconds since the epoch; jumps when the clock is set. */
  nowMs(): number;
  /** Milliseconds since some moment, with fractions; never goes back. */
  monotonicMs(): number;
}

export const realClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};
