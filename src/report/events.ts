/**
 * The log events as typed functions: which phrase, which level, which fields. Every event of a database
 * carries `database`; holders are pid, comm, user and unit, never an argument list, which may hold secrets. Units are
 * in the field names. Decides nothing and keeps no state.
 */
import type { Mode } from "../domain/databaseConfig.ts";
import type { LockHolder } from "../domain/observation.ts";
import type { Failure, ProfileResult } from "../domain/outcome.ts";
import type { CheckpointStatus, Readiness } from "../domain/status.ts";
import type { GuardFinding } from "../policy/guardFinding.ts";
import { affectedSqliteEvents } from "./affectedSqliteEvents.ts";
import { checkpointEvent } from "./checkpointEvents.ts";
import { damageEvents } from "./damageEvents.ts";
import { exposureEvents } from "./exposureEvents.ts";
import { integrityEvents } from "./integrityEvents.ts";
import { ledgerEvents } from "./ledgerEvents.ts";
import type { Logger } from "./log.ts";
import { logPhrases } from "./logPhrases.ts";
import { isoTime } from "./statusJson.ts";
import { walEvents } from "./walEvents.ts";

export interface CheckpointFields {
  /** Frames in the WAL and frames in the database after the checkpoint; null: not known. */
  readonly walFrameCount: number | null;
  readonly backfilledFrameCount: number | null;
  readonly walFileBytes: number | null;
  /** Frames that were copied, for a recovery. */
  readonly copiedFrameCount: number;
  /** After a recovery: whether it brought what had been found before, and each difference. */
  readonly residue?: { readonly verdict: string; readonly remarks: readonly string[] };
}

export interface ResidueFields {
  /** In words: which files were left, and what they may mean. Not proof of a crash. */
  readonly residue: string;
  readonly walFileBytes: number | null;
  readonly walFrameCount: number | null;
  readonly journalFileBytes: number | null;
  /** Of the frames that recovery will take; null: the WAL was not read. */
  readonly commitCount: number | null;
  /** Bytes behind the last valid frame. */
  readonly tornTailBytes: number | null;
  readonly stopReason: string | null;
  /** Commits behind a damaged frame that recovery will drop, at least; null: none are proven. */
  readonly droppedCommitCountMin: number | null;
  /** In words: what recovery will bring back. */
  readonly expectation: string;
}

export type Events = ReturnType<typeof createEvents>;

function pragmaFields(result: ProfileResult): Record<string, string> {
  return Object.fromEntries(result.pragmas.map((reading) => [reading.pragma, reading.actual]));
}

function failureFields(failure: Failure): Record<string, unknown> {
  const { reason, operation, path, code, message, retryable } = failure;
  return { reason, operation, path, code, message, retryable };
}

export function createEvents(logger: Logger) {
  return {
    ...daemonEvents(logger),
    ...startupEvents(logger),
    ...damageEvents(logger),
    ...integrityEvents(logger),
    ...operationEvents(logger),
    ...watchEvents(logger),
    ...exposureEvents(logger),
    ...affectedSqliteEvents(logger),
    ...ledgerEvents(logger),
    ...walEvents(logger),
  };
}

function daemonEvents(logger: Logger) {
  return {
    daemonStarted(fields: {
      readonly version: string;
      readonly bun: string;
      readonly sqlite: string;
      readonly databases: readonly { readonly name: string; readonly path: string; readonly mode: Mode }[];
      readonly listen: string | null;
      readonly socketPath: string | null;
    }): void {
      logger.log("info", logPhrases.daemonStarted, fields);
    },
    daemonReady(fields: { readonly status: Readiness["status"]; readonly durationMs: number }): void {
      logger.log("info", logPhrases.daemonReady, fields);
    },
    daemonStopping(fields: { readonly signal: string }): void {
      logger.log("info", logPhrases.daemonStopping, fields);
    },
    daemonStopped(fields: { readonly durationMs: number }): void {
      logger.log("info", logPhrases.daemonStopped, fields);
    },
    configurationReloaded(fields: {
      readonly added: readonly string[];
      readonly removed: readonly string[];
      readonly changed: readonly string[];
      /** Keys that only a restart takes over. */
      readonly needsRestart: readonly string[];
    }): void {
      logger.log("info", logPhrases.configurationReloaded, fields);
    },
    globMatchesNothing(fields: { readonly pattern: string }): void {
      logger.log("warn", logPhrases.globMatchesNothing, fields);
    },
    idleWorkerFailed(fields: {
      readonly reason: string;
      readonly pid: number | null;
      readonly message: string;
    }): void {
      const { reason, pid: workerPid, message } = fields;
      logger.log("warn", logPhrases.sqlWorkerFailed, { reason, workerPid, message, operation: null });
    },
    globMatchRefused(fields: { readonly path: string; readonly reason: string }): void {
      logger.log("warn", logPhrases.globMatchRefused, fields);
    },
    configurationWarning(fields: { readonly warning: string }): void {
      logger.log("warn", logPhrases.configurationWarning, fields);
    },
    /** `problems` must not hold secret values: the configuration's own messages do not. */
    configurationRefused(fields: { readonly problems: readonly string[] }): void {
      logger.log("error", logPhrases.configurationRefused, fields);
    },
  };
}

function startupEvents(logger: Logger) {
  return {
    residueDetected(database: string, fields: ResidueFields): void {
      logger.log("warn", logPhrases.residueDetected, { database, ...fields });
    },
    /** The report of what was left; the startup goes on without it. */
    residueReportNotWritten(
      database: string,
      fields: { readonly operation: string; readonly path: string; readonly code: string },
    ): void {
      const { operation, path, code } = fields;
      logger.log("warn", logPhrases.residueReportNotWritten, { database, operation, path, code });
    },
    /** Logs one field per pragma with the value that was read back. */
    profileVerified(database: string, result: ProfileResult): void {
      const { journalModeBefore, journalModeChanged } = result;
      logger.log("info", logPhrases.profileVerified, {
        database,
        ...pragmaFields(result),
        journalModeBefore,
        journalModeChanged,
      });
    },
    /** A value did not hold (a ProfileResult), or the worker could not do it (a Failure). */
    profileFailed(database: string, why: ProfileResult | Failure): void {
      // A successful outcome of the worker carries `ok` too.
      if ("reason" in why) {
        logger.log("error", logPhrases.profileFailed, { database, ...failureFields(why) });
        return;
      }
      const deviations = why.pragmas.filter((reading) => !reading.holds);
      logger.log("error", logPhrases.profileFailed, { database, ...pragmaFields(why), deviations });
    },
    startupEnded(database: string, fields: { readonly ready: boolean; readonly durationMs: number }): void {
      logger.log("info", logPhrases.startupEnded, { database, ...fields });
    },
  };
}

function operationEvents(logger: Logger) {
  return {
    checkpointEnded(database: string, status: CheckpointStatus, fields: CheckpointFields): void {
      const { level, phrase } = checkpointEvent(status.trigger, status.outcome, status.caughtUp);
      const { trigger: _trigger, endedAtMs: _endedAtMs, ...ended } = status;
      logger.log(level, phrase, { database, ...ended, ...fields });
    },
    /** SQLite answered an error, or the file is another one; what came of a worker is sqlWorkerFailed. */
    operationFailed(database: string, failure: Failure): void {
      logger.log(failure.retryable ? "warn" : "error", logPhrases.operationFailed, {
        database,
        ...failureFields(failure),
      });
    },
    sqlWorkerFailed(database: string, failure: Failure): void {
      logger.log("error", logPhrases.sqlWorkerFailed, { database, ...failureFields(failure) });
    },
  };
}

function watchEvents(logger: Logger) {
  return {
    modeLowered(
      database: string,
      fields: { readonly from: Mode; readonly to: Mode; readonly reason: string },
    ): void {
      logger.log("warn", logPhrases.modeLowered, { database, ...fields });
    },
    modeRestored(database: string, fields: { readonly from: Mode; readonly to: Mode }): void {
      logger.log("info", logPhrases.modeRestored, { database, ...fields });
    },
    /** What a guard brings about is no event of its own: `ready` and `mode` are as of now. */
    guardRefused(
      database: string,
      fields: Pick<GuardFinding, "guard" | "reason"> & { readonly ready: boolean; readonly mode: Mode },
    ): void {
      logger.log(fields.ready ? "warn" : "error", logPhrases.guardRefused, { database, ...fields });
    },
    guardCleared(database: string, fields: { readonly guard: string; readonly mode: Mode }): void {
      logger.log("info", logPhrases.guardCleared, { database, ...fields });
    },
    databaseMissing(
      database: string,
      fields: {
        readonly path: string;
        readonly whenMissing: string;
        readonly ready: boolean;
        /** Processes that still have it open: it was moved or removed. */
        readonly holders: readonly LockHolder[];
        /** What is left of it, and what must be done or left undone. */
        readonly advice: string;
      },
    ): void {
      // One that is created is there in a moment; if not, readiness says why.
      const expected = fields.ready || fields.whenMissing === "create";
      logger.log(expected ? "warn" : "error", logPhrases.databaseMissing, { database, ...fields });
    },
    databaseCreated(database: string, fields: { readonly path: string }): void {
      logger.log("info", logPhrases.databaseCreated, { database, ...fields });
    },
    databaseAppeared(database: string, fields: { readonly path: string }): void {
      logger.log("info", logPhrases.databaseAppeared, { database, ...fields });
    },
    /** Identities are "device:inode". */
    databaseReplaced(
      database: string,
      fields: { readonly path: string; readonly identityBefore: string; readonly identity: string },
    ): void {
      logger.log("warn", logPhrases.databaseReplaced, { database, ...fields });
    },
    /** `holders` empty: no process of its name is seen, and `evidence` says what else speaks for it. */
    replicatorDetected(
      database: string,
      fields: {
        readonly replicator: string;
        readonly evidence: string;
        readonly holders: readonly LockHolder[];
        readonly reason: string;
      },
    ): void {
      logger.log("info", logPhrases.replicatorDetected, { database, ...fields });
    },
    replicatorGone(database: string, fields: { readonly replicator: string }): void {
      logger.log("info", logPhrases.replicatorGone, { database, ...fields });
    },
    /** The same file with an earlier content: a restore by cp. */
    databaseRolledBack(
      database: string,
      fields: {
        readonly path: string;
        readonly changeCounterBefore: number | null;
        readonly changeCounter: number | null;
      },
    ): void {
      logger.log("warn", logPhrases.databaseRolledBack, { database, ...fields });
    },
    observationFailed(
      database: string,
      fields: { readonly operation: string; readonly path: string; readonly code: string },
    ): void {
      logger.log("warn", logPhrases.observationFailed, { database, ...fields });
    },
    readinessChanged(
      database: string,
      fields: {
        readonly check: string;
        readonly state: string;
        readonly reason: string;
        readonly sinceMs: number;
      },
    ): void {
      const { sinceMs, ...rest } = fields;
      const level = fields.state === "ok" ? "info" : fields.state === "failed" ? "error" : "warn";
      logger.log(level, logPhrases.readinessChanged, { database, ...rest, since: isoTime(sinceMs) });
    },
  };
}
