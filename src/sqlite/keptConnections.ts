/**
 * Read-only connections that a worker keeps between two requests, so that databases stay connected while others of the
 * daemon's workers come and go: the WAL-index that the first open has recovered then stays valid, for SQLite recovers it
 * anew whenever somebody connects and nobody else is (SQLite src/os_unix.c, unixLockSharedMemory; src/wal.c,
 * walIndexReadHdr).
 *
 * Invariants: a kept connection is in no transaction, so it holds the shared locks of whoever is connected (byte 128 of
 * `-shm`, the SHARED lock on the database) and no read mark: no checkpoint, reader or writer meets it. What is not in WAL
 * mode is never kept, for there its lock would be in the way of writers. Read-only, it can neither checkpoint nor
 * delete anything when it is closed, whatever has its path by then (gentleClose.ts).
 */
import type { Database } from "bun:sqlite";
import type { Target } from "../domain/operation.ts";
import type { KeepResult, LetGoResult } from "../domain/outcome.ts";
import { isWalMode, openHandle, setBusyTimeout } from "./connection.ts";

/** It waits only for an EXCLUSIVE lock, or while somebody else recovers. */
const keepBusyTimeoutMs = 1_000;

export class KeptConnections {
  readonly #byIdentity = new Map<string, Database>();

  /** Throws SQLite's error when the file cannot be read now; then nothing is kept. */
  keep(target: Target): KeepResult {
    const { identity } = target;
    if (identity === null) throw new Error("keepOpen: the target must have an identity");
    if (this.#byIdentity.has(identity)) return { kept: true, pid: process.pid };
    const connection = openHandle(target, "readOnly");
    let kept = false;
    try {
      setBusyTimeout(connection, keepBusyTimeoutMs);
      kept = isWalMode(connection);
    } finally {
      if (!kept) connection.close(true);
    }
    if (kept) this.#byIdentity.set(identity, connection);
    return { kept, pid: process.pid };
  }

  /** What is not kept, as by a worker that took the place of one that died, is let go already. */
  letGo({ identity }: Target): LetGoResult {
    if (identity === null) throw new Error("letGo: the target must have an identity");
    this.#byIdentity.get(identity)?.close(true);
    return { wasKept: this.#byIdentity.delete(identity) };
  }
}
