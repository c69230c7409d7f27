/**
 * What an operator asked for, for one database: the effective, validated, frozen values.
 * `config/` builds it once; everything else only reads it. Types only.
 */

/** How far the daemon may go with a database; see DESIGN.md, "First law". */
export type Mode = "observe" | "checkpoint" | "enforce";

export type JournalMode = "WAL" | "DELETE" | "TRUNCATE" | "PERSIST" | "MEMORY" | "OFF";
export type Synchronous = "OFF" | "NORMAL" | "FULL" | "EXTRA";

/** The startup check: none, PRAGMA quick_check, or PRAGMA integrity_check and foreign_key_check. */
export type StartupCheck = "OFF" | "QUICK" | "FULL";

/** What to do about a database file that is not there. */
export type WhenMissing = "wait" | "create" | "pass";

export interface Profile {
  readonly journalMode: JournalMode;
  readonly synchronous: Synchronous;
  /** Milliseconds; the busy timeout of the daemon's own connections. */
  readonly busyTimeoutMs: number;
  readonly foreignKeys: boolean;
}

export type Schedule =
  | { readonly kind: "off" }
  | { readonly kind: "interval"; readonly intervalMs: number }
  /** Five or six fields, as node-cron understands them; local time. */
  | { readonly kind: "cron"; readonly expression: string };

export interface CheckpointConfig {
  readonly schedule: Schedule;
  /** A WAL file below this size is left as it is; above it the daemon works for a reset. */
  readonly sizeTargetBytes: number;
  /** How long to try for the write lock, at most. */
  readonly acquireBudgetMs: number;
  /** How long writers may be kept out, normally. */
  readonly holdBudgetMs: number;
  /** The hold budget grows with the WAL, up to this. */
  readonly holdBudgetMaxMs: number;
  /** A PASSIVE checkpoint that has not ended by then is killed with its worker. */
  readonly deadlineMs: number;
}

export interface IntegrityConfig {
  readonly startup: StartupCheck;
  readonly quickSchedule: Schedule;
  readonly fullSchedule: Schedule;
  /** A check that has not ended by then is `unknown`. */
  readonly deadlineMs: number;
  /** Findings kept per check. */
  readonly findingsMax: number;
  /** While the WAL holds more than this, a check waits between its parts. */
  readonly walMaxBytes: number;
  /** For this long the ok of a database that has not changed since counts in place of a new check; 0: never. */
  readonly unchangedMaxMs: number;
}

export interface DatabaseConfig {
  /** Unique; the `database` label of every metric and log line. */
  readonly name: string;
  /** Absolute, as configured: symbolic links in it are resolved at observation. */
  readonly path: string;
  /** The pattern that found it, or null when it was named. */
  readonly glob: string | null;
  readonly mode: Mode;
  readonly profile: Profile;
  /**
   * The operator declared that the application waits this long on a lock (KVDB_SQLITE_BUSY_TIMEOUT_MS or
   * `busyTimeout` was set). Without it the daemon takes the write lock only while the application is idle.
   */
  readonly busyTimeoutDeclared: boolean;
  readonly whenMissing: WhenMissing;
  /** Counts for readiness when true. */
  readonly required: boolean;
  /** Accept a file system that is not known to be safe for SQLite's locks. */
  readonly trustFileSystem: boolean;
  readonly checkpoint: CheckpointConfig;
  readonly integrity: IntegrityConfig;
  /** Bound on exposure in milliseconds; 0 is off. */
  readonly exposureMaxMs: number;
}
