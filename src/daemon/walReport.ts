/**
 * Says once who holds a WAL back, and when that has ended for good; and once each time that another verdict on the WAL
 * has settled. A reader that comes again at once is the same story.
 */
import type { DatabaseStatus, WalPinStatus, WalVerdictKind } from "../domain/status.ts";
import type { Events } from "../report/events.ts";

type WalEvents = Pick<Events, "walPinned" | "walPinReleased" | "walVerdictChanged">;
type SeenOfWal = Pick<DatabaseStatus, "name" | "pin" | "walVerdict">;

/** Nothing held back for so long: the story is over. */
const releasedAfterMs = 10_000;
const quietVerdicts: ReadonlySet<WalVerdictKind> = new Set(["healthy", "plateau", "unknown"]);

interface Story {
  /** Process ids; null: in another PID namespace. */
  readonly named: ReadonlySet<number | null>;
  readonly sinceMs: number;
  readonly lastSeenAtMs: number;
}

export class WalReport {
  readonly #events: WalEvents;
  #story: Story | null = null;
  #verdict: WalVerdictKind | null = null;

  constructor(events: WalEvents) {
    this.#events = events;
  }

  startOver(): void {
    this.#story = null;
    this.#verdict = null;
  }

  /** @param isGuarded a guard has said why nothing can be said of the WAL */
  observed(status: SeenOfWal, nowMs: number, isGuarded: boolean): void {
    this.#pin(status.name, status.pin, nowMs);
    if (!isGuarded) this.#verdicts(status);
  }

  #pin(database: string, pin: WalPinStatus, nowMs: number): void {
    const story = this.#story;
    if (pin.kind === "held") {
      const pids = [...pin.holders.map(({ pid }) => pid), ...(pin.unnamedHolders ? [null] : [])];
      const named = new Set([...(story?.named ?? []), ...pids]);
      if (story === null || named.size > story.named.size) this.#events.walPinned(database, pin);
      this.#story = { named, sinceMs: story?.sinceMs ?? pin.sinceMs, lastSeenAtMs: nowMs };
      return;
    }
    // Where it cannot be seen, it is not known to have ended.
    if (story === null || pin.kind === "unobservable") return;
    const agoMs = nowMs - story.lastSeenAtMs;
    if (agoMs >= 0 && agoMs < releasedAfterMs) return;
    this.#story = null;
    this.#events.walPinReleased(database, { heldMs: Math.max(0, story.lastSeenAtMs - story.sinceMs) });
  }

  #verdicts({ name, walVerdict }: SeenOfWal): void {
    const from = this.#verdict;
    if (walVerdict === null || walVerdict.kind === from) return;
    // The first one is news only when something is the matter; until then nothing was known.
    if (from === null && walVerdict.kind === "unknown") return;
    this.#verdict = walVerdict.kind;
    if (from === null && quietVerdicts.has(walVerdict.kind)) return;
    this.#events.walVerdictChanged(name, from, walVerdict);
  }
}
