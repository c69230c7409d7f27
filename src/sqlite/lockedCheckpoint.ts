/**
 * The checkpoint under the write lock: the only one that can know that it is complete, and the one after
 * which the next writer starts the WAL over. Step 3 of the checkpoint algorithm.
 *
 * One connection holds the lock, another runs PASSIVE beside it, again and again while readers of older snapshots end.
 * What is not complete by a certain time is given up (policy/holdBudget.ts). Complete is not yet reset: the rest of the
 * budget waits for the readers on marks 1 to 4 to leave.
 *
 * The connection that holds the lock has a snapshot of its own. With all read marks taken it shares one with others, maybe
 * an old one, and then pins the WAL itself (6 of 7 frames before, 7 of 7 after, measured). So where it shares its
 * mark the lock is given back and taken once more, as soon as the others have left that mark.
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
import { ownMarkOf, type WalIndexFile, waitForFreeReadMarks } from "./readMarks.ts";
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
  /** Null: not complete. From the beginning of the hold. */
  readonly completeMs: number | null;
  readonly drainMs: number | null;
  readonly drained: boolean;
  /** The connection that holds the lock may be what keeps frames from being copied. */
  readonly pinnedByUs: boolean;
}

function holdAndCheckpoint(setup: Setup, startedAtMs: number): LockedResult {
  const { operation, events, locker } = setup;
  // The first read of /proc/locks after a pause takes 6 to 16 ms (measured): not while writers wait.
  if (setup.shm !== null) readProcLocks();
  const acquireFromMs = performance.now();
  let acquiredAtMs = acquireFromMs;
  const { acquireBudgetMs, holdBudgetMs, completeWithinMs } = operation;
  const first = withWriteLock(locker, acquireFromMs + acquireBudgetMs, events, (heldSinceMs) => {
    acquiredAtMs = heldSinceMs;
    return round(setup, heldSinceMs, { completeWithinMs, holdBudgetMs });
  });
  if (!first.acquired) return resultOf(startedAtMs, performance.now() - acquireFromMs, 0, null);
  const acquireMs = acquiredAtMs - acquireFromMs;
  let last = first.result;
  let heldMs = first.heldMs;
  while (last.pinnedByUs && heldMs < holdBudgetMs) {
    const leftMs = holdBudgetMs - heldMs;
    const acquireLeftMs = Math.max(0, acquireBudgetMs - acquireMs);
    const budget = {
      completeWithinMs: Math.max(completeWithinMs - heldMs, leftMs / 2),
      holdBudgetMs: leftMs,
    };
    const next = withWriteLock(locker, performance.now() + acquireLeftMs, events, (heldSinceMs) =>
      round(setup, heldSinceMs, budget),
    );
    if (!next.acquired) break;
    const { completeMs } = next.result;
    last = { ...next.result, completeMs: completeMs === null ? null : heldMs + completeMs };
    heldMs += next.heldMs;
  }
  return resultOf(startedAtMs, acquireMs, heldMs, last);
}

type Budget = Pick<LockedOperation, "completeWithinMs" | "holdBudgetMs">;

/** Under the write lock the WAL cannot grow: a pass that reaches its end has reached the end of the WAL. */
function round(
  { operation, checkpointer, shm }: Setup,
  heldSinceMs: number,
  { completeWithinMs, holdBudgetMs }: Budget,
): Round {
  let pass = passivePass(checkpointer);
  // Locks are looked at only where something is in the way.
  const sharedMark = isCompletePass(pass) ? "alone" : ownMark(shm);
  let pinnedByUs = false;
  const untilMs = heldSinceMs + completeWithinMs;
  while (!isCompletePass(pass) && !pinnedByUs && performance.now() + betweenPassesMs < untilMs) {
    waitMs(betweenPassesMs);
    pass = passivePass(checkpointer);
    if (sharedMark === "shared" && !isCompletePass(pass)) pinnedByUs = ownMark(shm) === "alone";
  }
  if (!isCompletePass(pass)) {
    const mayBeUs = pinnedByUs || sharedMark === "unobservable";
    return { pass, completeMs: null, drainMs: null, drained: false, pinnedByUs: mayBeUs };
  }
  const completeAtMs = performance.now();
  // Without waiting one look still tells whether the next writer will start the WAL over.
  const drainUntilMs = operation.drainReaders ? heldSinceMs + holdBudgetMs : completeAtMs;
  const drained = waitForFreeReadMarks(shm, drainUntilMs) === "free";
  const drainMs = operation.drainReaders ? performance.now() - completeAtMs : null;
  return { pass, completeMs: completeAtMs - heldSinceMs, drainMs, drained, pinnedByUs: false };
}

function ownMark(shm: WalIndexFile | null): ReturnType<typeof ownMarkOf> {
  return shm === null ? "unobservable" : ownMarkOf(readProcLocks(), shm, process.pid);
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
    completeMs: last?.completeMs ?? null,
    drainMs: last?.drainMs ?? null,
    logFrameCount: last?.pass.logFrameCount ?? -1,
    checkpointedFrameCount: last?.pass.checkpointedFrameCount ?? -1,
    durationMs: performance.now() - startedAtMs,
  };
}
