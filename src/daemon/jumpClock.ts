/**
 * A clock that says that it was set before it says the time: so nothing is ever reckoned by the new time against
 * moments of the old one, nor a moment of the new time moved once more.
 */
import type { Clock } from "../host/clock.ts";
import { clockJumpMinMs } from "../policy/clockJump.ts";

/** @param onJump is told by how many milliseconds the wall clock was set forward (or back, negative). */
export function jumpClock(clock: Clock, onJump: (jumpMs: number) => void): Clock {
  let skewMs = clock.nowMs() - clock.monotonicMs();
  return {
    monotonicMs: () => clock.monotonicMs(),
    nowMs() {
      const nowMs = clock.nowMs();
      const jumpMs = nowMs - clock.monotonicMs() - skewMs;
      if (Math.abs(jumpMs) >= clockJumpMinMs) {
        skewMs += jumpMs;
        onJump(jumpMs);
      }
      return nowMs;
    },
  };
}
