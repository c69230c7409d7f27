/** Keeps the progress of a running check in the memory, once a second and when something changes, and says it in the log when it takes long. */
import type { IntegrityProgress } from "../domain/integrityCheck.ts";
import { type CheckTally, tallyProgress } from "../policy/integrityProgress.ts";
import type { Act } from "./startupActs.ts";

const betweenUpdatesMs = 1_000;
const betweenLinesMs = 10_000;

export interface ProgressKeeper extends Disposable {
  /** Something else than the parts has changed. */
  readonly update: () => void;
  readonly note: (tally: CheckTally, partCount: number, endedPartCount: number) => void;
}

export function keepProgress(
  act: Act,
  asked: Pick<IntegrityProgress, "check" | "trigger">,
  pausedFor: () => string,
): ProgressKeeper {
  const { context, config, memory } = act;
  const { clock } = context;
  const beganAtMs = clock.nowMs();
  let parts: { tally: CheckTally; partCount: number; endedPartCount: number } | null = null;
  let nextLineAtMs = clock.monotonicMs() + betweenLinesMs;

  const progress = (): IntegrityProgress => ({
    ...asked,
    beganAtMs,
    percent: null,
    remainingMs: null,
    partCount: parts?.partCount ?? 1,
    endedPartCount: parts?.endedPartCount ?? 0,
    pausedFor: pausedFor(),
    ...(parts === null ? {} : tallyProgress(parts.tally, clock.monotonicMs())),
  });
  const update = () => {
    const checkProgress = progress();
    memory.update((state) => ({ ...state, checkProgress }));
    if (clock.monotonicMs() < nextLineAtMs) return;
    nextLineAtMs = clock.monotonicMs() + betweenLinesMs;
    context.events.integrityCheckProgress(config.name, checkProgress);
  };
  update();
  const timer = setInterval(update, betweenUpdatesMs);
  return {
    update,
    note: (tally, partCount, endedPartCount) => {
      parts = { tally, partCount, endedPartCount };
      update();
    },
    [Symbol.dispose]: () => {
      clearInterval(timer);
      memory.update((state) => ({ ...state, checkProgress: null }));
    },
  };
}
