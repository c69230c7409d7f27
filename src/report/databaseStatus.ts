/** What is shown of a database, from what was seen and what is remembered. Pure; decides nothing. */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { Observation } from "../domain/observation.ts";
import type { DatabaseStatus, ReadinessCheck } from "../domain/status.ts";
import { versionOfNumber } from "../format/sqliteVersionText.ts";
import { describeExposure } from "../policy/exposureStatus.ts";
import { lockPermission } from "../policy/lockPermission.ts";
import { effectiveMode } from "../policy/mode.ts";
import { replicatorStatus, whyLeftToReplicator } from "../policy/replicator.ts";
import type { DatabaseState } from "../policy/state.ts";
import { connectedSqlite, walResetRisk, writerWalResetBug } from "../policy/walResetRisk.ts";
import { isWal, walStateOf } from "../policy/walState.ts";
import { describeHolders } from "./holderStatus.ts";

/** PRAGMAs of other processes' connections: no other process can see or set them. */
const unobservable = [
  "synchronous of the application's connections",
  "busy_timeout of the application's connections",
  "foreign_keys of the application's connections",
  "wal_autocheckpoint of the application's connections",
];

export function describeDatabase(
  config: DatabaseConfig,
  observation: Observation | null,
  state: DatabaseState,
  checks: readonly ReadinessCheck[],
  nowMs: number,
): Omit<DatabaseStatus, "lastObservedAtMs"> {
  const mode = effectiveMode(config, state);
  const leftToOther = whyLeftToReplicator(state.replicator);
  const permission =
    observation === null || !isWal(observation)
      ? null
      : lockPermission(config, state.activity, observation, nowMs);
  return {
    name: config.name,
    path: config.path,
    configuredMode: config.mode,
    mode: mode.mode,
    modeReason: mode.reason,
    readiness: {
      database: config.name,
      required: config.required,
      ready: checks.every((check) => check.state !== "failed"),
      checks,
    },
    startup: { stage: state.stage, endedAtMs: state.startupEndedAtMs, residue: state.residue },
    residueReport: state.residueReport,
    walDamage: state.walDamage,
    ...describeFiles(observation),
    ...describeSqlite(observation, state),
    ...describeHolders(observation, state),
    replicator: replicatorStatus(state.replicator, state.replicaDirectory),
    exposure: describeExposure(state.exposure, observation),
    exposureMaxMs: config.exposureMaxMs,
    restartVerdict: state.restartVerdict,
    pragmas: state.profile?.pragmas ?? [],
    unobservable,
    integrity: [state.quickCheck, state.integrityCheck].filter((status) => status !== null),
    integrityProgress: state.checkProgress,
    checkpoint: state.checkpoint.last,
    checkpointConsecutiveFailureCount: state.checkpoint.consecutiveFailureCount,
    lastSuccessfulCheckpointAtMs: state.checkpoint.lastSuccessAtMs,
    nextCheckpointAtMs: state.nextCheckpointAtMs,
    writeLockPermission:
      permission === null
        ? "not wanted: not a database in WAL mode"
        : leftToOther !== null
          ? `not wanted: ${leftToOther}`
          : permission.kind === "none"
            ? `none: ${permission.reason}`
            : permission.kind,
  };
}

type SqliteFields = Pick<
  DatabaseStatus,
  "sqliteProcesses" | "walResetBug" | "walResetRisk" | "lastWrittenByVersion"
>;

function describeSqlite(observation: Observation | null, state: DatabaseState): SqliteFields {
  const header = observation?.header?.kind === "header" ? observation.header.header : null;
  const lastWrittenByVersion = header === null ? null : versionOfNumber(header.sqliteVersionNumber);
  if (observation === null || !isWal(observation))
    return { sqliteProcesses: [], walResetBug: null, walResetRisk: "", lastWrittenByVersion };
  return {
    sqliteProcesses: connectedSqlite(observation, state.sqliteProcesses),
    walResetBug: writerWalResetBug(observation, state.sqliteProcesses),
    walResetRisk: walResetRisk(observation, state.sqliteProcesses) ?? "",
    lastWrittenByVersion,
  };
}

type FileFields = Pick<
  DatabaseStatus,
  | "resolvedPath"
  | "observedAtMs"
  | "databaseBytes"
  | "pageSizeBytes"
  | "pageCount"
  | "freelistPageCount"
  | "journalMode"
  | "walFileBytes"
  | "walFrameCount"
  | "walBackfilledFrameCount"
  | "walIndexReason"
  | "freeBytes"
>;

function describeFiles(observation: Observation | null): FileFields {
  const header = observation?.header?.kind === "header" ? observation.header.header : null;
  // The WAL and its index speak only for a database in WAL mode; of anything else nothing is known by them.
  const inWalMode = observation !== null && isWal(observation);
  const wal = inWalMode ? walStateOf(observation) : null;
  return {
    resolvedPath: observation?.resolvedPath ?? null,
    observedAtMs: observation?.database.kind === "regular" ? observation.observedAtMs : null,
    databaseBytes: observation?.database.kind === "regular" ? observation.database.sizeBytes : null,
    pageSizeBytes: header?.pageSizeBytes ?? null,
    pageCount: pageCountOf(observation),
    freelistPageCount: header?.freelistPageCount ?? null,
    journalMode:
      observation === null || header === null ? "unknown" : isWal(observation) ? "wal" : "rollback",
    walFileBytes: walFileBytes(observation),
    walFrameCount: wal?.kind === "known" ? wal.mxFrame : wal?.kind === "noWal" ? 0 : null,
    walBackfilledFrameCount: wal?.kind === "known" ? wal.nBackfill : wal?.kind === "noWal" ? 0 : null,
    walIndexReason: wal?.kind === "unknown" ? wal.reason : "",
    freeBytes: observation?.freeBytes ?? null,
  };
}

function pageCountOf(observation: Observation | null): number | null {
  if (observation === null) return null;
  const { header, walIndex } = observation;
  const wal = walStateOf(observation);
  if (wal.kind === "known" && wal.mxFrame > 0 && walIndex?.kind === "index") return walIndex.index.pageCount;
  return header?.kind === "header" && header.header.pageCountValid ? header.header.pageCount : null;
}

function walFileBytes(observation: Observation | null): number | null {
  if (observation === null) return null;
  if (observation.wal.kind === "regular") return observation.wal.sizeBytes;
  return observation.wal.kind === "absent" && observation.database.kind === "regular" ? 0 : null;
}
