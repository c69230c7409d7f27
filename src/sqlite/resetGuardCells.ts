/** How resetGuard.ts and its thread talk: by 32-bit cells of memory that both see. */

/** What the thread has come to, and what it is asked for. */
export const guardCells = { state: 0, order: 1, giveUpUntilMs: 2, count: 3 } as const;
export const guardStates = { starting: 0, holding: 1, released: 2, ended: 3, failed: 4 } as const;
export const guardOrders = { keep: 0, releaseWhenLocked: 1, end: 2 } as const;

/** A clock that all threads share (performance.now() begins anew in each), in milliseconds, small enough for a cell. */
export function cellTimeMs(): number {
  return Number((process.hrtime.bigint() / 1_000_000n) % 1_000_000_000n);
}
