/**
 * A sync that failed, remembered beyond the daemon's own life: in the ledger at once when it happens, and from there again
 * before the first look at a database leads to anything.
 */
import type { Observation } from "../domain/observation.ts";
import type { Failure } from "../domain/outcome.ts";
import { fsyncErrorAfterRestart, noteFsyncFailure } from "../policy/fsyncError.ts";
import type { Memory } from "./memory.ts";
import type { WatchContext } from "./watchContext.ts";

type Context = Pick<WatchContext, "clock" | "ledger">;

/** To be called with every operation of ours that failed. */
export function noteFailedSync({ clock, ledger }: Context, memory: Memory, failure: Failure): void {
  const nowMs = clock.nowMs();
  const before = memory.state.fsyncError;
  memory.update((state) => noteFsyncFailure(state, failure, nowMs));
  // Whoever ends the daemon next must not make it forget.
  if (memory.state.fsyncError !== before) void ledger.write();
}

/**
 * To be called with every observation, before anything is decided by it. What is there is judged once for each file; until
 * then the ledger holds what was known of it.
 */
export function recallFailedSync({ ledger }: Context, memory: Memory, observation: Observation): void {
  const { restartVerdict, fsyncError } = memory.state;
  const { resolvedPath } = observation;
  if (restartVerdict !== null || fsyncError !== null || resolvedPath === null) return;
  const recalled = fsyncErrorAfterRestart(ledger.entryOf(resolvedPath), observation, ledger.bootId);
  if (recalled !== null) memory.update((state) => ({ ...state, fsyncError: recalled }));
}
