/**
 * How large a WAL file becomes and when it starts over, seen from outside: its size by stat, and salt-1 of its header,
 * which goes up by one each time (wal.c, walRestartHdr). Nothing here takes a lock or opens a database.
 */
import { closeSync, openSync, readSync, statSync } from "node:fs";

const pollMs = 5;
const salt1Offset = 16;

export interface WalSeen {
  readonly walMaxBytes: number;
  readonly resetCount: number;
  /** The longest time from the beginning, or from one start over, to the next, or to the end. */
  readonly longestRoundMs: number;
}

export class WalWatcher {
  readonly #walPath: string;
  readonly #timer: ReturnType<typeof setInterval>;
  #walMaxBytes = 0;
  #salt1: number | null = null;
  #resetCount = 0;
  #roundBeganMs = performance.now();
  #longestRoundMs = 0;

  constructor(databasePath: string) {
    this.#walPath = `${databasePath}-wal`;
    this.#timer = setInterval(() => this.look(), pollMs);
  }

  end(): WalSeen {
    clearInterval(this.#timer);
    this.look();
    this.#endRound(performance.now());
    return {
      walMaxBytes: this.#walMaxBytes,
      resetCount: this.#resetCount,
      longestRoundMs: this.#longestRoundMs,
    };
  }

  /** One poll; the timer does the same. */
  look(): void {
    const size = statSync(this.#walPath, { throwIfNoEntry: false })?.size ?? 0;
    this.#walMaxBytes = Math.max(this.#walMaxBytes, size);
    const salt1 = size < 32 ? null : readSalt1(this.#walPath);
    if (salt1 === null || salt1 === this.#salt1) return;
    if (this.#salt1 !== null) {
      // A WAL that was deleted and made anew starts with a random salt: that is one.
      const ahead = (salt1 - this.#salt1) >>> 0;
      this.#resetCount += ahead < 10_000 ? ahead : 1;
      this.#endRound(performance.now());
    }
    this.#salt1 = salt1;
  }

  #endRound(nowMs: number): void {
    this.#longestRoundMs = Math.max(this.#longestRoundMs, nowMs - this.#roundBeganMs);
    this.#roundBeganMs = nowMs;
  }
}

/** Null: the file is gone, or has no header. */
function readSalt1(path: string): number | null {
  const bytes = Buffer.alloc(4);
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch {
    return null;
  }
  try {
    return readSync(descriptor, bytes, 0, 4, salt1Offset) === 4 ? bytes.readUInt32BE(0) : null;
  } finally {
    closeSync(descriptor);
  }
}
