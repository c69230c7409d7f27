/**
 * What status, the API and readiness show of a database. Built by `report/`, rendered by `http/` and `cli/`.
 * Times are milliseconds since the epoch here; they leave the process as ISO 8601. Types only.
 */
import type { Mode } from "./databaseConfig.ts";
import type { IntegrityFinding, IntegrityProgress } from "./integrityCheck.ts";
import type { RestartVerdict } from "./ledger.ts";
import type { HiddenLocks, LockHolder } from "./observation.ts";
import type { PragmaReading } from "./outcome.ts";
import type { ResidueReport } from "./residueReport.ts";
import type { SqliteProcess } from "./sqliteProcess.ts";
import type { WalDamage } from "./walDamage.ts";

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
  /** The same findings, in the same order, with what they speak of. */
  readonly findingDetails: readonly IntegrityFinding[];
  readonly findingsTruncated: boolean;
  /** Nothing was read: the database has not changed since this check of it, which ended at `endedAtMs`; null: it was. */
  readonly restsOn: "quick_check" | "integrity_check" | null;
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
  /** Writers were kept out for this long, all holds added. */
  readonly heldMs: number;
  /** The longest of them: what a writer can have felt at once. */
  readonly longestHoldMs: number;
  /** Every frame that was there when it began is in the database. */
  readonly caughtUp: boolean;
  /** Who held the WAL back, where that is what kept it from being complete; by lock evidence alone. */
  readonly holders: readonly LockHolder[];
}

export interface ReplicatorStatus {
  readonly name: "Litestream" | "LiteFS";
  /**
   * leftover: its directory does not follow the WAL any more. empty: there is a directory of that name with nothing of
   * Litestream's in it. unreadable: that cannot be looked at.
   */
  readonly evidence: "process" | "mount" | "directory" | "leftover" | "empty" | "unreadable";
  readonly checkpointsLeftToIt: boolean;
  readonly holders: readonly LockHolder[];
  readonly sinceMs: number | null;
  readonly reason: string;
}

/** What a power cut would cost now: committed, and not proven to be on disk. */
export type ExposureStatus =
  | { readonly kind: "unobservable"; readonly reason: string }
  | {
      readonly kind: "known";
      readonly unsyncedBytes: number;
      /** Null: some of them could not be counted. */
      readonly unsyncedCommitCount: number | null;
      /** The oldest of them is not older than this; null: nothing is exposed. */
      readonly sinceMs: number | null;
      /** A checkpoint of another process has moved some of them into the database without syncing it. */
      readonly inDatabase: boolean;
      /** Connected processes, while something is exposed: one of them commits without syncing. */
      readonly writers: readonly LockHolder[];
    };

/** A process whose read mark keeps frames of the WAL from being copied into the database. */
export interface PinHolder extends LockHolder {
  /** Seen on its mark at every look since. */
  readonly sinceMs: number;
  /** Frames behind its mark. */
  readonly heldFrameCount: number;
}

/** Readers that have held the WAL back for longer than a moment. */
export type WalPinStatus =
  | { readonly kind: "unobservable"; readonly reason: string }
  | { readonly kind: "none" }
  | {
      readonly kind: "held";
      /** The oldest of the marks has been held at least since. */
      readonly sinceMs: number;
      /** Frames that no checkpoint can copy, and that keep the WAL from starting over. */
      readonly heldFrameCount: number;
      /** By lock evidence; the one that holds back most first. */
      readonly holders: readonly PinHolder[];
      /** A mark is held from another PID namespace: by whom is not known, nor whether in one read (policy/walPin.ts). */
      readonly unnamedHolders: boolean;
    };

export type WalVerdictKind =
  /** The WAL is below its size target, no reader has held it back for longer than a moment, and nothing else is known to be wrong. */
  | "healthy"
  /** The file is above the target; what waits in it is not: it is a high-water mark, and used again. */
  | "plateau"
  /** A reader has held it back for longer than a moment: `holders`. */
  | "pinned"
  /** Readers follow upon one another without a gap, none of them old: the WAL never starts over. Nobody's fault. */
  | "starved"
  /** Writers outrun the checkpoints, and no reader is in the way. */
  | "write-storm"
  /** Locked exclusively: `holders`. */
  | "exclusive"
  | "unknown";

export interface WalVerdict {
  readonly kind: WalVerdictKind;
  /** Figures, or why it is unknown; empty when healthy. */
  readonly reason: string;
  /** Blamed by lock evidence alone; empty: nobody, or not known who. */
  readonly holders: readonly LockHolder[];
  readonly sinceMs: number;
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
  /** What was found beside it before this startup sequence opened anything; null: nothing was left. */
  readonly residueReport: ResidueReport | null;
  /** The last WAL that was found broken, with commits behind the break; null: none since the daemon started. */
  readonly walDamage: WalDamage | null;
  /** Null: the last look failed, or there was none yet. */
  readonly observedAtMs: number | null;
  /** When a look last succeeded; null: never. */
  readonly lastObservedAtMs: number | null;
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
  /** Which SQLite each connected process runs. */
  readonly sqliteProcesses: readonly SqliteProcess[];
  /** 1: one of them has the WAL-reset bug; 0: none that can be connected has; null: not known. */
  readonly walResetBug: 0 | 1 | null;
  /** The SQLite that last wrote page 1, by the header: says nothing of a process; null: not known. */
  readonly lastWrittenByVersion: string | null;
  /** Why the daemon leaves no complete WAL to the others, because of that bug; empty: it may. */
  readonly walResetRisk: string;
  /** Litestream or LiteFS, or what is left of them; null: nothing of them is seen. */
  readonly replicator: ReplicatorStatus | null;
  /** Null: not in WAL mode, or not looked at yet. */
  readonly walVerdict: WalVerdict | null;
  readonly pin: WalPinStatus;
  readonly connected: readonly LockHolder[] | null;
  readonly writer: LockHolder | null;
  readonly checkpointer: LockHolder | null;
  /** Locks of processes in other PID namespaces; null: none are hidden, or they cannot be asked for. */
  readonly hiddenLocks: HiddenLocks | null;
  /** False: who holds which lock cannot be seen, or not of all processes. */
  readonly holdersObservable: boolean;
  /** READ locks of others on the WAL-index; null: locks could not be seen. */
  readonly readerCount: number | null;
  readonly exposure: ExposureStatus;
  /** What became of it since the daemon's last life; null: not judged yet. */
  readonly restartVerdict: RestartVerdict | null;
  /** Bound on exposure in milliseconds; 0: off. */
  readonly exposureMaxMs: number;
  readonly pragmas: readonly PragmaReading[];
  /** What the daemon cannot see of the application's connections; never reported as ok. */
  readonly unobservable: readonly string[];
  readonly integrity: readonly IntegrityStatus[];
  /** The check that runs now; null: none does. */
  readonly integrityProgress: IntegrityProgress | null;
  readonly checkpoint: CheckpointStatus | null;
  readonly checkpointConsecutiveFailureCount: number;
  readonly lastSuccessfulCheckpointAtMs: number | null;
  readonly nextCheckpointAtMs: number | null;
  readonly writeLockPermission: string;
  readonly freeBytes: number | null;
}
