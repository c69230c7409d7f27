/**
 * The thread of resetGuard.ts: begins a read transaction on a read-only connection and keeps it until it is told to end
 * it, or until it may be given up. A compiled executable must name this file as an entry point.
 *
 * Invariant: the mark is given up for TRUNCATE only when every frame is copied and no other reader is seen. Whoever
 * comes then reads the database alone (READ(0)), so nothing stands between TRUNCATE and the reset.
 */
import type { Database } from "bun:sqlite";
import type { Target } from "../domain/operation.ts";
import { waitMs } from "../host/preciseWait.ts";
import { firstRow } from "../profile/sqlConnection.ts";
import { openHandle, setBusyTimeout } from "./connection.ts";
import type { WalIndexFile } from "./readMarks.ts";
import { cellTimeMs, guardCells, guardOrders, guardStates } from "./resetGuardCells.ts";
import { isBusy } from "./sqliteFailure.ts";
import { isComplete, othersRead, ownTruncateIsUnderWay, seenLocks, walCounts } from "./walIndexLooks.ts";

export interface GuardMessage {
  readonly target: Target;
  readonly shm: WalIndexFile;
  readonly cells: SharedArrayBuffer;
}

const orderWaitMs = 1_000;
const betweenLooksMs = 0.1;

declare const self: Worker;

self.onmessage = ({ data }: MessageEvent<GuardMessage>) => {
  const memory = new Int32Array(data.cells);
  const say = (state: number) => {
    Atomics.store(memory, guardCells.state, state);
    Atomics.notify(memory, guardCells.state);
  };
  try {
    guard(data, memory, say);
    say(guardStates.ended);
  } catch {
    // Whatever it was: there is no mark, and the other thread goes by that alone.
    say(guardStates.failed);
  }
};

function guard({ target, shm }: GuardMessage, memory: Int32Array, say: (state: number) => void): void {
  const opened: Database[] = [];
  const open = (): Database => {
    const connection = openHandle(target, "readOnly");
    opened.push(connection);
    setBusyTimeout(connection, 0);
    return connection;
  };
  try {
    const readers = { holding: open(), spare: open() };
    const counter = open();
    // It learns that the database is in WAL mode, and keeps no snapshot.
    firstRow(counter, "SELECT count(*) FROM sqlite_schema");
    beginReading(readers.holding);
    seenLocks();
    say(guardStates.holding);
    if (waitForRelease(memory, { readers, counter, shm }) === "given up") {
      readers.holding.exec("ROLLBACK");
      say(guardStates.released);
      waitForEnd(memory);
    }
  } finally {
    for (const connection of opened) connection.close(true);
  }
}

function beginReading(connection: Database): void {
  connection.exec("BEGIN");
  firstRow(connection, "SELECT count(*) FROM sqlite_schema");
}

interface Guarding {
  readonly readers: { holding: Database; spare: Database };
  readonly counter: Database;
  readonly shm: WalIndexFile;
}

function waitForRelease(memory: Int32Array, guarding: Guarding): "given up" | "ended" {
  const { counter, readers, shm } = guarding;
  let hasMovedOn = false;
  for (;;) {
    const order = Atomics.load(memory, guardCells.order);
    if (order === guardOrders.end) return "ended";
    if (order === guardOrders.keep) {
      hasMovedOn = false;
      Atomics.wait(memory, guardCells.order, order, orderWaitMs);
      continue;
    }
    const locks = seenLocks();
    if (locks !== null && ownTruncateIsUnderWay(locks, shm)) {
      const complete = isComplete(walCounts(counter));
      const isInTime = cellTimeMs() < Atomics.load(memory, guardCells.giveUpUntilMs);
      if (complete && isInTime && !othersRead(locks, shm)) return "given up";
      if (!complete && !hasMovedOn) hasMovedOn = moveOn(readers);
    }
    waitMs(betweenLooksMs);
  }
}

/**
 * To the newest snapshot: the old mark would keep TRUNCATE from copying what was committed since. No commit comes in
 * between, TRUNCATE holds the write lock; and one of the two marks is held all the time.
 */
function moveOn(readers: Guarding["readers"]): true {
  try {
    beginReading(readers.spare);
  } catch (error) {
    if (!isBusy(error)) throw error;
    if (readers.spare.inTransaction) readers.spare.exec("ROLLBACK");
    return true;
  }
  readers.holding.exec("ROLLBACK");
  [readers.holding, readers.spare] = [readers.spare, readers.holding];
  return true;
}

function waitForEnd(memory: Int32Array): void {
  for (;;) {
    const order = Atomics.load(memory, guardCells.order);
    if (order === guardOrders.end) return;
    Atomics.wait(memory, guardCells.order, order, orderWaitMs);
  }
}
