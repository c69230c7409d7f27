/**
 * TRUNCATE that never leaves a complete WAL for others to start over: beside connections with the WAL-reset bug that
 * would be the first step of it (policy/walResetRisk.ts tells it all).
 *
 * Copying happens under a read mark of our own (resetGuard.ts): whatever is completed meanwhile, nobody can start the
 * WAL over. Then TRUNCATE waits for that mark with CKPT and WRITE in its hands; the mark moves on to the newest snapshot,
 * TRUNCATE copies the rest, and the mark is given up. What TRUNCATE refuses, or SQLite turns into PASSIVE, stays under
 * the mark until a commit has made the WAL incomplete again.
 *
 * Measured beside two writers with synchronous EXTRA that hardly pause, hold budget 10 ms: 45 of 45 reset, writers kept
 * out for 5 ms (median).
 *
 * Where somebody else had completed the WAL before, our reader gets mark 0, which guards nothing; then only TRUNCATE is
 * tried, which makes it no worse.
 *
 * How complete the WAL is tells PRAGMA wal_checkpoint(NOOP), which takes no lock and copies nothing (from 3.51.0 on;
 * before, SQLite took the word for PASSIVE).
 *
 * Limit: past its deadline, and when the worker is killed, the mark is gone. That needs an application that writes
 * nothing all the while, and a reader that came in the same milliseconds and stays.
 */
import type { Database } from "bun:sqlite";
import { statSync } from "node:fs";
import type { Operation, Target } from "../domain/operation.ts";
import type { GuardedTruncateResult } from "../domain/outcome.ts";
import { waitMs } from "../host/preciseWait.ts";
import { firstRow } from "../profile/sqlConnection.ts";
import { isWalMode, prepareCheckpointer, setBusyTimeout } from "./connection.ts";
import { withWriter } from "./gentleClose.ts";
import type { LockEvents } from "./lockEvents.ts";
import { passivePass, passiveTwice } from "./passiveCheckpoint.ts";
import type { WalIndexFile } from "./readMarks.ts";
import { type ResetGuard, startResetGuard } from "./resetGuard.ts";
import {
  isComplete,
  othersHoldWal,
  othersThanWriterHoldWal,
  ownReadMark,
  seenLocks,
  walCounts,
} from "./walIndexLooks.ts";

type GuardedOperation = Extract<Operation, { readonly kind: "guardedTruncate" }>;

/** Readers that come and go are waited for this long at least, before anything is done. */
const freeWaitMinMs = 50;
const betweenLooksMs = 0.1;
/** Given up later in the budget, the mark might go when TRUNCATE has just had its last try (SQLite sleeps between them). */
const giveUpShare = 0.6;
/** A mark that went all the same: at once again, before anybody else comes to it. */
const attemptsWithoutMark = 5;

export function guardedTruncate(
  operation: GuardedOperation,
  target: Target,
  events: LockEvents,
): GuardedTruncateResult {
  const startedAtMs = performance.now();
  return withWriter(target, "readWrite", (checkpointer) => {
    prepareCheckpointer(checkpointer, operation.profile);
    const ending = { startedAtMs, heldMs: 0 };
    if (!isWalMode(checkpointer))
      return resultOf(ending, { leftComplete: false, reason: "it is not in WAL mode" });
    setBusyTimeout(checkpointer, 0);
    const shm = walIndexFile(target.path, operation.mountDevice);
    const obstacle = obstacleBefore(checkpointer, operation, shm);
    if (shm === null || obstacle !== "") return resultOf(ending, { leftComplete: false, reason: obstacle });
    const guard = startResetGuard(target, shm);
    try {
      return guardAndTruncate({ operation, target, events, checkpointer, guard, shm, startedAtMs });
    } finally {
      guard.end();
    }
  });
}

interface Setup {
  readonly operation: GuardedOperation;
  readonly target: Target;
  readonly events: LockEvents;
  readonly checkpointer: Database;
  readonly guard: ResetGuard;
  readonly shm: WalIndexFile;
  readonly startedAtMs: number;
}

/** Why nothing is begun; empty: nothing is in the way. */
function obstacleBefore(
  checkpointer: Database,
  operation: GuardedOperation,
  shm: WalIndexFile | null,
): string {
  if (!hasNoop(checkpointer)) return "this SQLite cannot tell how complete the WAL is";
  if (walCounts(checkpointer).mxFrame === 0) return "nothing is in the WAL";
  if (shm === null) return "there is no WAL-index";
  const untilMs = performance.now() + Math.max(freeWaitMinMs, operation.acquireBudgetMs);
  for (;;) {
    const locks = seenLocks();
    if (locks === null) return "/proc/locks cannot be read";
    const inTheWay = operation.acquireBudgetMs > 0 ? othersThanWriterHoldWal : othersHoldWal;
    if (!inTheWay(locks, shm)) return "";
    if (performance.now() >= untilMs)
      return "readers, a writer or a checkpoint of others were at work all the while";
    waitMs(betweenLooksMs);
  }
}

function guardAndTruncate(setup: Setup): GuardedTruncateResult {
  const { operation, checkpointer, guard, shm, startedAtMs } = setup;
  const held = guard.hold();
  const mark = held.ok ? ownReadMark(seenLocks(), shm) : "none";
  if (!held.ok || mark === "none") {
    const why = held.ok ? "it is not seen in /proc/locks" : held.reason;
    return resultOf(
      { startedAtMs, heldMs: 0 },
      { leftComplete: false, reason: `no read mark of our own: ${why}` },
    );
  }
  let tailMs = 0;
  if (mark === "wal") {
    passiveTwice(checkpointer);
    // Its own duration tells how long the copying under the lock may take.
    tailMs = passivePass(checkpointer).durationMs;
  }
  const mayCopyUnderLock = tailMs <= operation.holdBudgetMs;
  return settle(setup, mark, mayCopyUnderLock ? performance.now() + operation.acquireBudgetMs : 0);
}

/**
 * Tries TRUNCATE whenever nobody is in the way: until `tryUntilMs` beside writers that go on, and as long as the WAL is
 * complete under our mark.
 */
function settle(setup: Setup, mark: "wal" | "database", tryUntilMs: number): GuardedTruncateResult {
  const { operation, target, checkpointer, guard, shm, startedAtMs } = setup;
  const deadlineMs = startedAtMs + operation.settleMs;
  const guards = mark === "wal";
  let heldMs = 0;
  for (let attempts = 0; ; attempts += 1) {
    const nowMs = performance.now();
    const complete = isComplete(walCounts(checkpointer));
    const done = complete ? nowMs >= deadlineMs || (!guards && attempts > 0) : nowMs >= tryUntilMs;
    if (done) {
      const reason =
        complete && !guards ? "others had completed it, and came in between" : "writers or readers went on";
      return resultOf({ startedAtMs, heldMs }, { leftComplete: complete && guards, reason });
    }
    const locks = seenLocks();
    if (locks !== null && !othersHoldWal(locks, shm)) {
      let attempt = truncate(setup);
      heldMs += attempt.heldMs;
      for (let count = 1; attempt.busy && guard.isReleased() && count <= attemptsWithoutMark; count += 1) {
        attempt = truncate(setup);
        heldMs += attempt.heldMs;
      }
      if (!attempt.busy && walFileBytes(target.path) === 0) {
        return {
          busy: false,
          truncated: true,
          leftComplete: false,
          heldMs,
          durationMs: since(startedAtMs),
          reason: "",
        };
      }
      if (guard.isReleased()) guard.end();
    }
    waitMs(betweenLooksMs);
  }
}

function truncate({ operation, events, checkpointer, guard }: Setup): { busy: boolean; heldMs: number } {
  const heldSinceMs = performance.now();
  let heldMs = 0;
  let busy = true;
  setBusyTimeout(checkpointer, operation.holdBudgetMs);
  guard.releaseWhenLocked(operation.holdBudgetMs * giveUpShare);
  events.acquired();
  try {
    busy = firstRow(checkpointer, "PRAGMA main.wal_checkpoint(TRUNCATE)")[0] !== "0";
  } finally {
    heldMs = since(heldSinceMs);
    events.released(heldMs);
    guard.keep();
    setBusyTimeout(checkpointer, 0);
  }
  return { busy, heldMs };
}

function hasNoop(checkpointer: Database): boolean {
  const [major = 0, minor = 0] = (firstRow(checkpointer, "SELECT sqlite_version()")[0] ?? "")
    .split(".")
    .map(Number);
  return major === 3 && minor >= 51;
}

function resultOf(
  { startedAtMs, heldMs }: { readonly startedAtMs: number; readonly heldMs: number },
  end: Pick<GuardedTruncateResult, "leftComplete" | "reason">,
): GuardedTruncateResult {
  return { busy: true, truncated: false, ...end, heldMs, durationMs: since(startedAtMs) };
}

function since(startedAtMs: number): number {
  return performance.now() - startedAtMs;
}

/** By stat, which opens nothing. */
function walIndexFile(databasePath: string, device: string): WalIndexFile | null {
  const look = statSync(`${databasePath}-shm`, { bigint: true, throwIfNoEntry: false });
  return look === undefined ? null : { device, inode: String(look.ino) };
}

function walFileBytes(databasePath: string): number | null {
  return statSync(`${databasePath}-wal`, { throwIfNoEntry: false })?.size ?? null;
}
