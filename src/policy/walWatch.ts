/** What is remembered of who holds a WAL back, and of the verdict on it (walVerdict.ts). */
import type { WalVerdict, WalVerdictKind } from "../domain/status.ts";
import type { HeldMark } from "./walPin.ts";
import type { WalPressure } from "./walPressure.ts";

export interface WalWatch {
  readonly heldMarks: readonly HeldMark[];
  readonly pressure: WalPressure | null;
  /** Null: not in WAL mode, or not looked at yet. */
  readonly verdict: WalVerdict | null;
  /** What it would be by the last looks, and since when. */
  readonly candidate: { readonly kind: WalVerdictKind; readonly sinceMs: number } | null;
}

export const noWalWatch: WalWatch = { heldMarks: [], pressure: null, verdict: null, candidate: null };
