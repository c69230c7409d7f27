/**
 * The checkpoint under the write lock: the only one that can know that it is complete, and the one after
 * which the next writer starts the WAL over. Step 3 of the checkpoint algorithm.
 *
 * One connection holds the lock, another runs PASSIVE beside it. Half of the hold budget goes to completing.
 * If it is still incomplete then, the lock is given back and taken once more: the connection that holds it
 * has a snapshot of its own, and with all read marks taken it may share an old one and pin the WAL itself
 * (6 of 7 frames before, 7 of 7 after, measured). Complete is not yet reset: the rest of the budget waits
 * for the readers on marks 1 to 4 to leave.
 *
 * Invariant: all holds together last no longer than the hold budget, except for one PASSIVE in progress.
 */
import type { Database } from "bun:sqlite";
import { statSync } from "node:fs";
import type { Operation, Target } from "../domain/operation.ts";
import type { LockedResult, PassiveResult } from "../domain/outcome.ts";
import { waitMs } from "../host/preciseWait.ts";
import { readProcLocks } from "../host/procLocks.ts";
import { isWalMode, openHandle, prepareCheckpointer, setBusyTimeout } from "./connection.ts";
import { withWriter } from "./gentleClose.ts";
import type { LockEvents } from "./lockEvents.ts";
import { isCompletePass, passivePass } from "./passiveCheckpoint.ts";
import { type WalIndexFile, waitForFreeReadMarks } from "./readMarks.ts";
import { withWriteLock } from "./writeLock.ts";

const betweenPassesMs = 0.5;

type LockedOperation = Extract<Operation, { readonly kind: "lockedCheckpoint" }>;

export function lockedCheckpoint(
  operation: LockedOperation,
  target: Target,
  events: LockEvents,
): LockedResult {
  const startedAtMs = performance.now();
  return withWriter(target, "readWrite", (checkpointer) => {
    prepareCheckpointer(checkpointer, operation.profile);
    if (!isWalMode(checkpointer)) return resultOf(startedAtMs, 0, 0, null);
    const locker = openHandle(target, "readWrite");
    try {
      prepareCheckpointer(locker, operation.profile);
      setBusyTimeout(locker, 0);
      const shm = walIndexFile(target.path, operation.mountDevice);
      return holdAndCheckpoint({ operation, events, checkpointer, locker, shm }, startedAtMs);
    } finally {
      // The checkpointer is still open, so this is not the last close.
      locker.close(true);
    }
  });
}

interface Setup {
  readonly operation: LockedOperation;
  readonly events: LockEvents;
  readonly checkpointer: Database;
  readonly locker: Database;
  readonly shm: WalIndexFile | null;
}

interface Round {
  readonly pass: PassiveResult;
  readonly drained: boolean;
}

function holdAndCheckpoint(setup: Setup, startedAtMs: number): LockedResult {
  const { operation, events, locker } = setup;
  // The first read of /proc/locks after a pause takes 6 to 16 ms (measured): not while writers wait.
  if (setup.shm !== null) readProcLocks();
  const acquireFromMs = performance.now();
  let acquiredAtMs = acquireFromMs;
  const halfBudgetMs = operation.holdBudgetMs / 2;
  const first = withWriteLock(locker, acquireFromMs + operation.acquireBudgetMs, events, (heldSinceMs) => {
    acquiredAtMs = heldSinceMs;
    return round(setup, heldSinceMs + halfBudgetMs, heldSinceMs + operation.holdBudgetMs);
  });
  if (!first.acquired) return resultOf(startedAtMs, performance.now() - acquireFromMs, 0, null);
  const acquireMs = acquiredAtMs - acquireFromMs;
  const leftMs = operation.holdBudgetMs - first.heldMs;
  if (isCompletePass(first.result.pass) || leftMs <= 0) {
    return resultOf(startedAtMs, acquireMs, first.heldMs, first.result);
  }
  const acquireLeftMs = Math.max(0, operation.acquireBudgetMs - acquireMs);
  const second = withWriteLock(locker, performance.now() + acquireLeftMs, events, (heldSinceMs) =>
    round(setup, heldSinceMs + leftMs, heldSinceMs + leftMs),
  );
  if (!second.acquired) return resultOf(startedAtMs, acquireMs, first.heldMs, first.result);
  return resultOf(startedAtMs, acquireMs, first.heldMs + second.heldMs, second.result);
}

/** Under the write lock the WAL cannot grow: a pass that reaches its end has reached the end of the WAL. */
function round(setup: Setup, completeUntilMs: number, drainUntilMs: number): Round {
  let pass = passivePass(setup.checkpointer);
  while (!isCompletePass(pass) && performance.now() + betweenPassesMs < completeUntilMs) {
    waitMs(betweenPassesMs);
    pass = passivePass(setup.checkpointer);
  }
  if (!isCompletePass(pass)) return { pass, drained: false };
  // Without waiting one look still tells whether the next writer will start the WAL over.
  const untilMs = setup.operation.drainReaders ? drainUntilMs : performance.now();
  return { pass, drained: waitForFreeReadMarks(setup.shm, untilMs) === "free" };
}

function walIndexFile(databasePath: string, mountDevice: string | null): WalIndexFile | null {
  if (mountDevice === null) return null;
  const look = statSync(`${databasePath}-shm`, { bigint: true, throwIfNoEntry: false });
  return look === undefined ? null : { device: mountDevice, inode: String(look.ino) };
}

function resultOf(startedAtMs: number, acquireMs: number, heldMs: number, last: Round | null): LockedResult {
  const complete = last !== null && isCompletePass(last.pass);
  return {
    acquired: last !== null,
    acquireMs,
    heldMs,
    complete,
    reset: complete && last.drained,
    logFrameCount: last?.pass.logFrameCount ?? -1,
    checkpointedFrameCount: last?.pass.checkpointedFrameCount ?? -1,
    durationMs: performance.now() - startedAtMs,
  };
}
