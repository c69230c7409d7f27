/**
 * What the gauges of a database say after an observation. A failed observation removes every gauge that
 * an observation feeds, so that no stale figure looks fresh; what the daemon itself knows stays.
 */
import type { DatabaseStatus } from "../domain/status.ts";
import type { GaugeName } from "./instruments.ts";

export interface GaugeValue {
  readonly name: GaugeName;
  readonly labels: Readonly<Record<string, string>>;
  /** Null: not known; the series is removed. */
  readonly value: number | null;
}

/** `observedAtMs` null is a look that failed, or none yet. */
export function databaseGauges(status: DatabaseStatus): readonly GaugeValue[] {
  const seen = status.observedAtMs !== null;
  return [...ownGauges(status, seen), ...observedGauges(status, seen)];
}

function ownGauges(status: DatabaseStatus, seen: boolean): readonly GaugeValue[] {
  const lost = (kind: string, value: number | null | undefined): GaugeValue => ({
    name: "sqlite_lost_commits",
    labels: { kind },
    value: value ?? null,
  });
  return [
    lost("proven", status.restartVerdict?.lostProvenCommitCountMin),
    lost("exposed", status.restartVerdict?.lostExposedCommitCountMin),
    plain("sqlite_up", seen ? 1 : 0),
    plain("sqlite_database_ready", status.readiness.ready ? 1 : 0),
    plain("sqlite_wal_checkpoint_consecutive_failures", status.checkpointConsecutiveFailureCount),
    plain(
      "sqlite_wal_last_successful_checkpoint_timestamp_seconds",
      seconds(status.lastSuccessfulCheckpointAtMs),
    ),
    // After a failed look it keeps saying when the last one succeeded: its age is the alarm.
    plain("sqlite_last_observation_timestamp_seconds", seconds(status.lastObservedAtMs)),
  ];
}

function observedGauges(status: DatabaseStatus, seen: boolean): readonly GaugeValue[] {
  const known = (value: number | null): number | null => (seen ? value : null);
  const walIndexSeen = seen && status.walFrameCount !== null;
  return [
    ...exposureGauges(status, seen),
    plain("sqlite_database_size_bytes", known(status.databaseBytes)),
    plain("sqlite_database_pages", known(status.pageCount)),
    plain("sqlite_database_freelist_pages", known(status.freelistPageCount)),
    plain("sqlite_wal_file_size_bytes", known(status.walFileBytes)),
    plain("sqlite_wal_frames", known(status.walFrameCount)),
    plain("sqlite_wal_backfilled_frames", known(status.walBackfilledFrameCount)),
    // Some may be hidden: then their number is not known.
    plain(
      "sqlite_wal_connections",
      known(status.holdersObservable ? (status.connected?.length ?? null) : null),
    ),
    plain("sqlite_wal_readers", known(status.readerCount)),
    plain("sqlite_wal_pin_since_timestamp_seconds", known(pinSinceSeconds(status))),
    {
      name: "sqlite_observable",
      labels: { what: "holders" },
      value: seen && status.holdersObservable ? 1 : 0,
    },
    plain("sqlite_writer_wal_reset_bug", known(status.walResetBug)),
    plain("sqlite_filesystem_free_bytes", known(status.freeBytes)),
    {
      name: "sqlite_observable",
      labels: { what: "wal_index" },
      value: walIndexSeen ? 1 : 0,
    },
    {
      name: "sqlite_pragma_compliant",
      labels: { pragma: "journal_mode" },
      value: known(journalModeCompliant(status)),
    },
  ];
}

/** 0: nobody holds it back. Null: that cannot be seen. */
function pinSinceSeconds({ pin }: DatabaseStatus): number | null {
  if (pin.kind === "unobservable") return null;
  return pin.kind === "held" ? pin.sinceMs / 1000 : 0;
}

/**
 * By what the file itself stores, which is only whether it is in WAL mode: of the other modes it cannot
 * tell one from another. What was wanted is known once the profile has been applied or verified.
 */
function journalModeCompliant(status: DatabaseStatus): number | null {
  const wanted = status.pragmas.find(({ pragma }) => pragma === "journal_mode")?.wanted;
  if (wanted === undefined || status.journalMode === "unknown") return null;
  return (status.journalMode === "wal") === (wanted.toLowerCase() === "wal") ? 1 : 0;
}

/** An exposure that cannot be seen is absent, never 0. */
function exposureGauges({ exposure }: DatabaseStatus, seen: boolean): readonly GaugeValue[] {
  const known = seen && exposure.kind === "known" ? exposure : null;
  return [
    plain("sqlite_wal_unsynced_bytes", known?.unsyncedBytes ?? null),
    plain("sqlite_wal_unsynced_commits", known?.unsyncedCommitCount ?? null),
    plain(
      "sqlite_wal_unsynced_since_timestamp_seconds",
      known === null ? null : (seconds(known.sinceMs) ?? 0),
    ),
    { name: "sqlite_observable", labels: { what: "exposure" }, value: known === null ? 0 : 1 },
  ];
}

function plain(name: GaugeName, value: number | null): GaugeValue {
  return { name, labels: {}, value };
}

function seconds(timeMs: number | null): number | null {
  return timeMs === null ? null : timeMs / 1000;
}
