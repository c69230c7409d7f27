/**
 * A process that has ended has nothing open any more: it is dropped from the last scan at the next look, so that nobody is
 * told of it until the next scan. Whatever is opened then is scanned for anew anyway.
 */
import type { Memory } from "./memory.ts";
import type { WatchContext } from "./watchContext.ts";

export function forgetEndedOpeners(memory: Memory, context: WatchContext): void {
  const { openers } = memory.state;
  if (openers?.kind !== "seen" || openers.openers.length === 0) return;
  const present = openers.openers.filter(({ pid }) => context.processExists(pid));
  if (present.length === openers.openers.length) return;
  memory.update((state) => ({ ...state, openers: { ...openers, openers: present } }));
}
