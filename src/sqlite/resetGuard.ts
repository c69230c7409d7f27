/**
 * A read mark of our own, held by a thread beside the one that checkpoints: while it is held nobody can start the WAL
 * over, whatever has been copied. It must be a thread because SQLite's calls block, and the mark is given up in the
 * middle of one: while TRUNCATE waits for it with the checkpoint and the write lock in its hands.
 *
 * The two talk through shared memory, because neither has an event loop that turns meanwhile.
 */
import type { Target } from "../domain/operation.ts";
import type { WalIndexFile } from "./readMarks.ts";
import { cellTimeMs, guardCells, guardOrders, guardStates } from "./resetGuardCells.ts";
import type { GuardMessage } from "./resetGuardThread.ts";

export interface ResetGuard {
  /** Waits until the mark is held. */
  readonly hold: () => { readonly ok: true } | { readonly ok: false; readonly reason: string };
  /**
   * From now on the mark is given up once this process holds CKPT and WRITE, all is copied and no other reader is left:
   * within that time, for TRUNCATE must look again after it.
   */
  readonly releaseWhenLocked: (withinMs: number) => void;
  readonly keep: () => void;
  readonly isReleased: () => boolean;
  /** Gives the mark up, whatever else is the case, and waits until the thread has closed its connection. */
  readonly end: () => void;
}

const startMaxMs = 2_000;
const endMaxMs = 2_000;

export function startResetGuard(target: Target, shm: WalIndexFile): ResetGuard {
  const cells = new SharedArrayBuffer(guardCells.count * Int32Array.BYTES_PER_ELEMENT);
  const memory = new Int32Array(cells);
  const thread = new Worker(new URL("./resetGuardThread.ts", import.meta.url).href);
  thread.unref();
  const message: GuardMessage = { target, shm, cells };
  thread.postMessage(message);
  const state = () => Atomics.load(memory, guardCells.state);
  const order = (value: number) => {
    Atomics.store(memory, guardCells.order, value);
    Atomics.notify(memory, guardCells.order);
  };
  const waitWhile = (isWaiting: () => boolean, maxMs: number) => {
    const untilMs = performance.now() + maxMs;
    for (let seen = state(); isWaiting(); seen = state()) {
      if (performance.now() >= untilMs) return;
      Atomics.wait(memory, guardCells.state, seen, 10);
    }
  };
  const hasEnded = () => state() === guardStates.ended || state() === guardStates.failed;
  return {
    hold: () => {
      waitWhile(() => state() === guardStates.starting, startMaxMs);
      if (state() === guardStates.holding) return { ok: true };
      return {
        ok: false,
        reason: hasEnded() ? "the reader was refused" : "its thread did not start in time",
      };
    },
    releaseWhenLocked: (withinMs) => {
      Atomics.store(memory, guardCells.giveUpUntilMs, cellTimeMs() + Math.max(1, Math.floor(withinMs)));
      order(guardOrders.releaseWhenLocked);
    },
    keep: () => order(guardOrders.keep),
    isReleased: () => state() !== guardStates.holding,
    end: () => {
      order(guardOrders.end);
      waitWhile(() => !hasEnded(), endMaxMs);
    },
  };
}
