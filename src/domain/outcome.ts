/**
 * What came of an operation that a sql worker was asked for. Outcomes are values: nothing here is thrown,
 * a worker that died is one failed outcome. Types only.
 */

import type { CheckTree } from "./integrityCheck.ts";

/** Why an operation failed; `retryable` says whether the same call may go through later. */
export interface Failure {
  readonly ok: false;
  /**
   * sqlite: SQLite answered an error. identity: the file is no longer the one that was observed.
   * system: the operating system refused a call of the supervisor's own (a sync).
   * deadline, crash, protocol, spawn: the worker. stopped: the daemon is shutting down.
   */
  readonly reason: "sqlite" | "identity" | "system" | "deadline" | "crash" | "protocol" | "spawn" | "stopped";
  readonly operation: string;
  readonly path: string;
  /** SQLite's name of the (extended) result code, SQLITE_BUSY, or the system's, EIO; else null. */
  readonly code: string | null;
  readonly message: string;
  readonly retryable: boolean;
}

export type Outcome<Result> = ({ readonly ok: true } & Result) | Failure;

export interface PragmaReading {
  readonly pragma: "journal_mode" | "synchronous" | "busy_timeout" | "foreign_keys";
  /** As SQLite spells it: "wal", "EXTRA", "10000", "on". */
  readonly wanted: string;
  readonly actual: string;
  readonly holds: boolean;
}

export interface ProfileResult {
  readonly journalModeBefore: string;
  readonly journalModeChanged: boolean;
  readonly pragmas: readonly PragmaReading[];
}

/** The three columns of PRAGMA wal_checkpoint, and what it took. */
export interface PassiveResult {
  readonly busy: boolean;
  /** Frames in the WAL by this connection's snapshot; -1 when not in WAL mode. */
  readonly logFrameCount: number;
  readonly checkpointedFrameCount: number;
  readonly durationMs: number;
}

export interface LockedResult {
  /** False: the write lock could not be had within the acquire budget; nothing else was done. */
  readonly acquired: boolean;
  readonly acquireMs: number;
  /** Writers were kept out for this long, all holds added. */
  readonly heldMs: number;
  /** Judged under the write lock: every frame is in the database. */
  readonly complete: boolean;
  /** Complete, and no other reader held a mark when the lock was given back. */
  readonly reset: boolean;
  /** From the beginning of the hold until all was copied; null: it was not. */
  readonly completeMs: number | null;
  /** From then on until readers were gone, or the hold was over; null: not waited for. */
  readonly drainMs: number | null;
  readonly logFrameCount: number;
  readonly checkpointedFrameCount: number;
  readonly durationMs: number;
}

export interface TruncateResult {
  readonly busy: boolean;
  readonly truncated: boolean;
  readonly heldMs: number;
  readonly durationMs: number;
}

export interface GuardedTruncateResult extends TruncateResult {
  /** It completed the WAL, could not reset it, and its time was over. */
  readonly leftComplete: boolean;
  /** Why it was not truncated; empty: it was. */
  readonly reason: string;
}

export interface CheckResult {
  /** Rows of quick_check or integrity_check without the lone "ok"; empty: the check passed. */
  readonly messages: readonly string[];
  /** More rows than findingsMax were there. */
  readonly truncated: boolean;
  /** Only after integrity_check. */
  readonly foreignKeyViolations: readonly {
    readonly table: string;
    /** In decimal, for it may have 64 bits. */
    readonly rowid: string | null;
    readonly parent: string;
  }[];
  /** Rows for which a CHECK constraint is false. */
  readonly checkViolations: readonly { readonly table: string; readonly rowid: string | null }[];
  /** Rows and indexes that a `rows` or `unique` part found to differ: PRAGMA integrity_check has to say what it is. */
  readonly suspicious: boolean;
  /** What could not be checked, for something of the application's is not here: no verdict about that. */
  readonly unchecked: readonly string[];
  /** The b-trees that messages speak of by their root page; empty where there are no messages. */
  readonly trees: readonly CheckTree[];
  /** SQLite refused to go on: its code and words. SQLITE_CORRUPT is a finding, others are no verdict. */
  readonly error: { readonly code: string | null; readonly message: string } | null;
  readonly durationMs: number;
}

export interface KeepResult {
  /** False: it is not in WAL mode, and was closed again. */
  readonly kept: boolean;
  /** Of the worker that has it open. */
  readonly pid: number;
}

export interface LetGoResult {
  readonly wasKept: boolean;
}

export interface SyncResult {
  readonly durationMs: number;
}
