/**
 * A check waits between its parts while the WAL holds more than it may: its read transactions are what keeps the WAL from
 * starting over. Only when none of its parts runs any more does the waiting help, and then a checkpoint is asked for.
 *
 * Invariant: it goes on after a minute at the latest, whoever else holds the WAL: a check must come to its end too.
 */
import { walStateOf } from "../policy/walState.ts";
import type { Act } from "./startupActs.ts";

const pauseMsMax = 60_000;
const betweenLooksMs = 100;
/** Beside a writer that never pauses something is always pending. */
const easedShare = 0.1;

export interface CheckPause {
  /** Resolves when the next part may begin. */
  readonly wait: (idle: () => boolean, signal: AbortSignal) => Promise<void>;
  /** Empty: it does not wait. */
  readonly reason: () => string;
}

/** @param onChange called when it begins to wait, and when it goes on. */
export function createCheckPause(act: Act, onChange: () => void): CheckPause {
  const { memory, context } = act;
  const { walMaxBytes } = act.config.integrity;
  let reason = "";
  /** While a wait lasts all workers of the check share it. */
  let waiting: Promise<void> | null = null;

  const wal = () => {
    const { observation } = memory;
    const state = observation === null ? null : walStateOf(observation);
    if (state?.kind !== "known") return { liveBytes: 0, pendingBytes: 0 };
    const { mxFrame, nBackfill, frameBytes } = state;
    return { liveBytes: mxFrame * frameBytes, pendingBytes: (mxFrame - nBackfill) * frameBytes };
  };
  const isAbove = () => wal().liveBytes > walMaxBytes;
  /** What is copied lets the WAL start over at the next commit, whoever reads the database then. */
  const isEased = () => !isAbove() || wal().pendingBytes <= walMaxBytes * easedShare;

  async function waitOut(idle: () => boolean, signal: AbortSignal): Promise<void> {
    reason = `the WAL holds ${wal().liveBytes} bytes, more than ${walMaxBytes}`;
    onChange();
    let idleSinceMs: number | null = null;
    while (!signal.aborted) {
      const nowMs = context.clock.monotonicMs();
      if (idleSinceMs === null ? !isAbove() : isEased()) break;
      if (idle() && idleSinceMs === null) {
        idleSinceMs = nowMs;
        memory.update((state) => ({
          ...state,
          checkRunning: false,
          pendingCheckpoint: state.pendingCheckpoint ?? "periodic",
        }));
      }
      if (idleSinceMs !== null && nowMs - idleSinceMs >= pauseMsMax) break;
      await Bun.sleep(betweenLooksMs);
    }
    memory.update((state) => ({ ...state, checkRunning: true }));
    reason = "";
    onChange();
  }

  return {
    wait: (idle, signal) => {
      if (waiting === null && !isAbove()) return Promise.resolve();
      waiting ??= waitOut(idle, signal).finally(() => {
        waiting = null;
      });
      return waiting;
    },
    reason: () => reason,
  };
}
