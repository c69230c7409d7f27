/**
 * Shrinks the `-wal` file to nothing: PRAGMA wal_checkpoint(TRUNCATE) with busy timeout 0, after PASSIVE has
 * done the work without a lock, and only then. TRUNCATE keeps writers out while it runs and, with a busy
 * timeout, while it waits for readers; with none it gives up at once (busy = 1).
 *
 * PASSIVE's own duration tells how long the copying under the lock may take: beyond the hold budget it is
 * not begun. A budget that is meant for a database that nobody has open (policy/shortenBudget.ts) is used only when, right
 * before, nobody else is seen connected: then what remains is a process that connects in the very hold.
 */
import { statSync } from "node:fs";
import type { Operation, Target } from "../domain/operation.ts";
import type { TruncateResult } from "../domain/outcome.ts";
import { firstRow } from "../profile/sqlConnection.ts";
import { isWalMode, prepareCheckpointer, setBusyTimeout } from "./connection.ts";
import { withWriter } from "./gentleClose.ts";
import type { LockEvents } from "./lockEvents.ts";
import { isCompletePass, passivePass, passiveTwice } from "./passiveCheckpoint.ts";
import { othersAreConnected, seenLocks } from "./walIndexLooks.ts";

type TruncateOperation = Extract<Operation, { readonly kind: "truncateCheckpoint" }>;

export function truncateCheckpoint(
  operation: TruncateOperation,
  target: Target,
  events: LockEvents,
): TruncateResult {
  const startedAtMs = performance.now();
  const untouched = (busy: boolean): TruncateResult => ({
    busy,
    truncated: false,
    heldMs: 0,
    durationMs: performance.now() - startedAtMs,
  });
  return withWriter(target, "readWrite", (checkpointer) => {
    prepareCheckpointer(checkpointer, operation.profile);
    if (!isWalMode(checkpointer)) return untouched(false);
    setBusyTimeout(checkpointer, 0);
    passiveTwice(checkpointer);
    const tail = passivePass(checkpointer);
    if (!isCompletePass(tail) || tail.durationMs > operation.holdBudgetMs) return untouched(tail.busy);
    const { aloneOnDevice, keeperPid } = operation;
    if (aloneOnDevice !== null && !isAlone(target.path, aloneOnDevice, keeperPid)) return untouched(true);
    const heldSinceMs = performance.now();
    let heldMs = 0;
    let busy = true;
    events.acquired();
    try {
      busy = firstRow(checkpointer, "PRAGMA main.wal_checkpoint(TRUNCATE)")[0] !== "0";
    } finally {
      heldMs = performance.now() - heldSinceMs;
      events.released(heldMs);
    }
    const truncated = !busy && walFileBytes(target.path) === 0;
    return { busy, truncated, heldMs, durationMs: performance.now() - startedAtMs };
  });
}

/** Not known counts as not alone. */
function isAlone(databasePath: string, device: string, keeperPid: number | null): boolean {
  const shm = statSync(`${databasePath}-shm`, { bigint: true, throwIfNoEntry: false });
  const locks = seenLocks();
  if (shm === undefined || locks === null) return false;
  const ofOthers = locks.filter(({ pid }) => pid !== keeperPid);
  return !othersAreConnected(ofOthers, { device, inode: String(shm.ino) });
}

/** By stat, which opens nothing. Null: there is no file. */
function walFileBytes(databasePath: string): number | null {
  return statSync(`${databasePath}-wal`, { throwIfNoEntry: false })?.size ?? null;
}
