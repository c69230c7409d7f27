/**
 * What status, the API and readiness show of a database. Built by `report/`, rendered by `http/` and `cli/`.
 * Times are milliseconds since the epoch here; they leave the process as ISO 8601. Types only.
 */
import type { Mode } from "./databaseConfig.ts";
import type { LockHolder } from "./observation.ts";
import type { PragmaReading } from "./outcome.ts";

export type CheckState =
  | "ok"
  /** Something is wrong or unknown; the database still counts as ready. */
  | "degraded"
  /** A proven fact that makes a required database not ready. */
  | "failed";

/** One readiness check of one database. */
export interface ReadinessCheck {
  /** "startup", "guards", "file", "profile", "integrity", "checkpoint", ... */
  readonly name: string;
  readonly state: CheckState;
  /** What, on which path, why, and what to do; empty when ok. */
  readonly reason: string;
  /** Since when the check has been in this state. */
  readonly sinceMs: number;
}

export interface DatabaseReadiness {
  readonly database: string;
  readonly required: boolean;
  readonly ready: boolean;
  readonly checks: readonly ReadinessCheck[];
}

export interface Readiness {
  readonly status: "ready" | "degraded" | "not ready";
  /** Set while the daemon is shutting down: then not ready whatever the databases are. */
  readonly shuttingDown: boolean;
  readonly databases: readonly DatabaseReadiness[];
}

export interface IntegrityStatus {
  readonly check: "quick_check" | "integrity_check";
  readonly verdict: "ok" | "structural" | "content" | "foreign_keys" | "undecidable" | "unknown";
  readonly trigger: "evidence" | "startup" | "schedule" | "demand";
  readonly findings: readonly string[];
  readonly findingsTruncated: boolean;
  readonly endedAtMs: number;
  readonly durationMs: number;
}

export type CheckpointOutcomeName = "reset" | "truncated" | "complete" | "incomplete" | "failed" | "skipped";
export type CheckpointTrigger = "startup-recovery" | "periodic" | "demand" | "shutdown";

export interface CheckpointStatus {
  readonly trigger: CheckpointTrigger;
  readonly outcome: CheckpointOutcomeName;
  /** Why not more: "nothing pending", "readers hold the WAL", "writers active", "no permission", ... */
  readonly reason: string;
  readonly endedAtMs: number;
  /** From its beginning to its end, waiting and syncing included. */
  readonly durationMs: number;
  /** Writers were kept out for this long. */
  readonly heldMs: number;
  /** Every frame that was there when it began is in the database. */
  readonly caughtUp: boolean;
  /** Who held the WAL back, where that is what kept it from being complete; by lock evidence alone. */
  readonly holders: readonly LockHolder[];
}

export interface DatabaseStatus {
  readonly name: string;
  readonly path: string;
  readonly resolvedPath: string | null;
  readonly configuredMode: Mode;
  /** Lower than configured when a guard asked for it; `modeReason` says which. */
  readonly mode: Mode;
  readonly modeReason: string;
  readonly readiness: DatabaseReadiness;
  readonly startup: {
    readonly stage: string;
    readonly endedAtMs: number | null;
    readonly residue: string | null;
  };
  readonly observedAtMs: number | null;
  readonly databaseBytes: number | null;
  readonly pageSizeBytes: number | null;
  /** By the WAL-index where it is trusted, else by the header, which is as of the last checkpoint. */
  readonly pageCount: number | null;
  /** By the header: as of the last checkpoint. */
  readonly freelistPageCount: number | null;
  readonly journalMode: "wal" | "rollback" | "unknown";
  readonly walFileBytes: number | null;
  /** Null: the WAL-index could not be trusted. */
  readonly walFrameCount: number | null;
  readonly walBackfilledFrameCount: number | null;
  readonly walIndexReason: string;
  readonly connected: readonly LockHolder[] | null;
  /** READ locks of others on the WAL-index; null: locks could not be seen. */
  readonly readerCount: number | null;
  readonly pragmas: readonly PragmaReading[];
  /** What the daemon cannot see of the application's connections; never reported as ok. */
  readonly unobservable: readonly string[];
  readonly integrity: readonly IntegrityStatus[];
  readonly checkpoint: CheckpointStatus | null;
  readonly checkpointConsecutiveFailureCount: number;
  readonly lastSuccessfulCheckpointAtMs: number | null;
  readonly nextCheckpointAtMs: number | null;
  readonly writeLockPermission: string;
  readonly freeBytes: number | null;
}
