/**
 * Every metric of the daemon, once: name, type, help, labels and the values a label can take. The metrics
 * are registered from this table, and README and dashboards are checked against it.
 *
 * - Base units; instants are `_timestamp_seconds`, never "seconds since".
 * - `labels` lists the values of each label, so that every series can be there from the start with 0, and
 *   can be removed with its database; `anyValue` marks a label whose values are not known beforehand.
 * - A gauge whose value is not known is absent, never 0.
 * - Above `databaseHistogramsMax` databases the distribution of each `sqlite_*` histogram moves to its
 *   `sqlite_fleet_*` sibling, which has no `database` label. The histogram of a database keeps its name,
 *   its `_sum`, its `_count` and the `+Inf` bucket that the format demands, so averages and rates by
 *   database read the same at any number; only quantiles by database end. It stays so until the daemon
 *   restarts: a glob that comes and goes must not make series flap. Siblings, rather than the same name
 *   with fewer labels, so that a sum over the name never counts a checkpoint twice.
 */

const anyValue = null;

export interface MetricDefinition {
  readonly type: "gauge" | "counter" | "histogram";
  readonly help: string;
  readonly labels: Readonly<Record<string, readonly string[] | null>>;
  /** Upper bounds in seconds; histograms only. */
  readonly buckets?: readonly number[];
}

export const databaseHistogramsMax = 50;

const database = { database: anyValue };
const trigger = ["startup-recovery", "periodic", "demand", "shutdown"];
const outcome = ["reset", "truncated", "complete", "incomplete", "failed", "skipped"];
const check = ["quick_check", "integrity_check"];
const checkpointBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30];
const stallBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1];
const integrityBuckets = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600];
const lagBuckets = [0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1];

export const metricCatalogue = {
  sqlite_up: {
    type: "gauge",
    help: "1 if the last observation of the database succeeded, else 0.",
    labels: database,
  },
  sqlite_observable: {
    type: "gauge",
    help: "1 if what the label names could be seen from outside at the last observation, else 0.",
    labels: { ...database, what: ["exposure", "holders", "wal_index"] },
  },
  sqlite_last_observation_timestamp_seconds: {
    type: "gauge",
    help: "When the database was last observed with success.",
    labels: database,
  },
  sqlite_database_size_bytes: { type: "gauge", help: "Size of the database file.", labels: database },
  sqlite_database_pages: {
    type: "gauge",
    help: "Pages of the database, as its header says.",
    labels: database,
  },
  sqlite_database_freelist_pages: {
    type: "gauge",
    help: "Unused pages in the database, as its header says.",
    labels: database,
  },
  sqlite_wal_file_size_bytes: {
    type: "gauge",
    help: "Size of the -wal file: a high-water mark, not what waits in it.",
    labels: database,
  },
  sqlite_wal_frames: {
    type: "gauge",
    help: "Committed frames in the WAL (mxFrame), from the WAL-index.",
    labels: database,
  },
  sqlite_wal_backfilled_frames: {
    type: "gauge",
    help: "Frames of the WAL that are already in the database (nBackfill), from the WAL-index.",
    labels: database,
  },
  sqlite_wal_resets_total: {
    type: "counter",
    help: "Times the WAL was seen to have started over since the daemon watches it.",
    labels: database,
  },
  sqlite_wal_unsynced_bytes: {
    type: "gauge",
    help: "Committed and not proven to be on disk at the last look: what a power cut could take; at least so much after a checkpoint without a sync.",
    labels: database,
  },
  sqlite_wal_unsynced_commits: {
    type: "gauge",
    help: "Commits that were not proven to be on disk at the last look; absent if some of them could not be counted.",
    labels: database,
  },
  sqlite_wal_unsynced_since_timestamp_seconds: {
    type: "gauge",
    help: "The oldest of these commits is not older than this; 0 if there are none.",
    labels: database,
  },
  sqlite_wal_syncs_total: {
    type: "counter",
    help: "Times the daemon synced the WAL for the application, by what came of it.",
    labels: { ...database, outcome: ["ok", "failed"] },
  },
  sqlite_wal_connections: {
    type: "gauge",
    help: "Processes of others connected to the WAL-index, from locks.",
    labels: database,
  },
  sqlite_wal_readers: {
    type: "gauge",
    help: "Processes of others holding a read mark of the WAL, from locks.",
    labels: database,
  },
  sqlite_wal_pin_since_timestamp_seconds: {
    type: "gauge",
    help: "At every look since then readers have kept frames of the WAL from being copied; 0 if none do.",
    labels: database,
  },
  sqlite_wal_checkpoints_total: {
    type: "counter",
    help: "Checkpoints by the daemon, by what started them and what came of them.",
    labels: { ...database, trigger, outcome },
  },
  sqlite_wal_checkpoint_duration_seconds: {
    type: "histogram",
    help: "How long checkpoints took, skipped ones left out; above 50 databases sum and count only.",
    labels: { ...database, trigger },
    buckets: checkpointBuckets,
  },
  sqlite_wal_checkpoint_writer_stall_seconds: {
    type: "histogram",
    help: "How long a checkpoint kept writers out, where it did; above 50 databases sum and count only.",
    labels: database,
    buckets: stallBuckets,
  },
  sqlite_wal_last_successful_checkpoint_timestamp_seconds: {
    type: "gauge",
    help: "When a checkpoint last ended with everything in the database that was in the WAL at its beginning; where others checkpoint, when that was last seen which they have copied since.",
    labels: database,
  },
  sqlite_wal_checkpoint_consecutive_failures: {
    type: "gauge",
    help: "Checkpoints that failed in a row; 0 after one that did not.",
    labels: database,
  },
  sqlite_startup_recoveries_total: {
    type: "counter",
    help: "Startup sequences that recovered frames from a WAL left behind.",
    labels: database,
  },
  sqlite_startup_recovered_frames: {
    type: "gauge",
    help: "Frames recovered by the last startup sequence; 0 if there was nothing to recover.",
    labels: database,
  },
  sqlite_lost_commits: {
    type: "gauge",
    help: "Commits that were gone at the last startup, a lower bound; absent where that could not be told.",
    labels: { ...database, kind: ["proven", "exposed"] },
  },
  sqlite_integrity_ok: {
    type: "gauge",
    help: "The last verdict of the check: 1 passed, 0 found something; absent until the first verdict.",
    labels: { ...database, check },
  },
  sqlite_integrity_checks_total: {
    type: "counter",
    help: "Checks that ended: ok, failed (findings), undecidable, unknown (no verdict in time).",
    labels: { ...database, check, outcome: ["ok", "failed", "undecidable", "unknown"] },
  },
  sqlite_integrity_check_failures_total: {
    type: "counter",
    help: "Checks with findings, by their class.",
    labels: { ...database, check, class: ["structural", "content", "foreign_keys"] },
  },
  sqlite_integrity_check_duration_seconds: {
    type: "histogram",
    help: "How long checks took; above 50 databases sum and count only.",
    labels: { ...database, check },
    buckets: integrityBuckets,
  },
  sqlite_last_successful_integrity_check_timestamp_seconds: {
    type: "gauge",
    help: "When the check last passed.",
    labels: { ...database, check },
  },
  sqlite_pragma_compliant: {
    type: "gauge",
    help: "1 if what the database file itself stores is as configured; absent if it cannot be read.",
    labels: { ...database, pragma: ["journal_mode"] },
  },
  sqlite_writer_wal_reset_bug: {
    type: "gauge",
    help: "1 if a connected process runs an SQLite with the WAL-reset bug, 0 if none does; absent if not known.",
    labels: database,
  },
  sqlite_filesystem_free_bytes: {
    type: "gauge",
    help: "Bytes that may still be written to the file system of the database.",
    labels: database,
  },
  sqlite_database_ready: { type: "gauge", help: "1 if the database is ready, else 0.", labels: database },
  sqlite_fleet_wal_checkpoint_duration_seconds: {
    type: "histogram",
    help: "How long checkpoints took, all databases together; only above 50 databases.",
    labels: { trigger },
    buckets: checkpointBuckets,
  },
  sqlite_fleet_wal_checkpoint_writer_stall_seconds: {
    type: "histogram",
    help: "How long checkpoints kept writers out, all databases together; only above 50 databases.",
    labels: {},
    buckets: stallBuckets,
  },
  sqlite_fleet_integrity_check_duration_seconds: {
    type: "histogram",
    help: "How long checks took, all databases together; only above 50 databases.",
    labels: { check },
    buckets: integrityBuckets,
  },
  walwarden_build_info: {
    type: "gauge",
    help: "Always 1; the versions of the daemon, of Bun and of the SQLite it uses.",
    labels: { version: anyValue, bun: anyValue, sqlite: anyValue },
  },
  walwarden_sql_worker_failures_total: {
    type: "counter",
    help: "Times a sql worker failed, at work or idle, by how it did.",
    labels: { reason: ["deadline", "crash", "protocol", "spawn"] },
  },
  walwarden_event_loop_lag_seconds: {
    type: "histogram",
    help: "How late timers of the daemon's event loop fired.",
    labels: {},
    buckets: lagBuckets,
  },
  process_cpu_seconds_total: {
    type: "counter",
    help: "User and system CPU time of the daemon, its sql workers not included.",
    labels: {},
  },
  process_start_time_seconds: { type: "gauge", help: "When the daemon started.", labels: {} },
  process_resident_memory_bytes: { type: "gauge", help: "Resident memory of the daemon.", labels: {} },
  process_virtual_memory_bytes: { type: "gauge", help: "Virtual memory of the daemon.", labels: {} },
  process_open_fds: { type: "gauge", help: "Open file descriptors of the daemon.", labels: {} },
  process_max_fds: { type: "gauge", help: "How many file descriptors the daemon may open.", labels: {} },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

export type MetricName = keyof typeof metricCatalogue;
export type MetricNameOf<Type extends MetricDefinition["type"]> = {
  [Name in MetricName]: (typeof metricCatalogue)[Name]["type"] extends Type ? Name : never;
}[MetricName];
