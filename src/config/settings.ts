/**
 * What can be set for a database: the flat list of settings, their keys in the file, their defaults, and
 * how they make a DatabaseConfig. One line per setting in each of the tables; the compiler sees to it that
 * none is forgotten.
 */
import type {
  DatabaseConfig,
  JournalMode,
  Mode,
  Schedule,
  StartupCheck,
  Synchronous,
  WhenMissing,
} from "../domain/databaseConfig.ts";

export interface SettingValues {
  readonly mode: Mode;
  readonly whenMissing: WhenMissing;
  readonly required: boolean;
  readonly trustFileSystem: boolean;
  readonly journalMode: JournalMode;
  readonly synchronous: Synchronous;
  readonly busyTimeoutMs: number;
  readonly foreignKeys: boolean;
  readonly exposureMaxMs: number;
  readonly checkpointSchedule: Schedule;
  readonly sizeTargetBytes: number;
  readonly acquireBudgetMs: number;
  readonly holdBudgetMs: number;
  readonly holdBudgetMaxMs: number;
  readonly checkpointDeadlineMs: number;
  readonly startupCheck: StartupCheck;
  readonly quickSchedule: Schedule;
  readonly fullSchedule: Schedule;
  readonly integrityDeadlineMs: number;
  readonly findingsMax: number;
  readonly checkWalMaxBytes: number;
  readonly unchangedMaxMs: number;
}

export const settingKeys: Readonly<Record<keyof SettingValues, string>> = Object.freeze({
  mode: "mode",
  whenMissing: "whenMissing",
  required: "required",
  trustFileSystem: "trustFileSystem",
  journalMode: "journalMode",
  synchronous: "synchronous",
  busyTimeoutMs: "busyTimeout",
  foreignKeys: "foreignKeys",
  exposureMaxMs: "exposureMax",
  checkpointSchedule: "checkpoint.schedule",
  sizeTargetBytes: "checkpoint.sizeTarget",
  acquireBudgetMs: "checkpoint.acquireBudget",
  holdBudgetMs: "checkpoint.holdBudget",
  holdBudgetMaxMs: "checkpoint.holdBudgetMax",
  checkpointDeadlineMs: "checkpoint.deadline",
  startupCheck: "integrity.startup",
  quickSchedule: "integrity.quickSchedule",
  fullSchedule: "integrity.fullSchedule",
  integrityDeadlineMs: "integrity.deadline",
  findingsMax: "integrity.findingsMax",
  checkWalMaxBytes: "integrity.walMax",
  unchangedMaxMs: "integrity.unchangedMax",
});

/** The bound on exposure follows the synchronous level: who chose NORMAL chose to lose the last moments. */
export function defaultSettings(synchronous: Synchronous): SettingValues {
  return {
    mode: "enforce",
    whenMissing: "wait",
    required: true,
    trustFileSystem: false,
    journalMode: "WAL",
    synchronous: "EXTRA",
    busyTimeoutMs: 10_000,
    foreignKeys: true,
    exposureMaxMs: synchronous === "FULL" || synchronous === "EXTRA" ? 1000 : 0,
    checkpointSchedule: { kind: "interval", intervalMs: 60_000 },
    sizeTargetBytes: 64 * 1024 * 1024,
    acquireBudgetMs: 100,
    holdBudgetMs: 10,
    holdBudgetMaxMs: 100,
    checkpointDeadlineMs: 120_000,
    startupCheck: "QUICK",
    quickSchedule: { kind: "off" },
    fullSchedule: { kind: "off" },
    integrityDeadlineMs: 3_600_000,
    findingsMax: 100,
    checkWalMaxBytes: 256 * 1024 * 1024,
    unchangedMaxMs: 0,
  };
}

export function toTemplate(
  values: SettingValues,
  busyTimeoutDeclared: boolean,
): Omit<DatabaseConfig, "name" | "path" | "glob"> {
  return {
    mode: values.mode,
    profile: {
      journalMode: values.journalMode,
      synchronous: values.synchronous,
      busyTimeoutMs: values.busyTimeoutMs,
      foreignKeys: values.foreignKeys,
    },
    busyTimeoutDeclared,
    whenMissing: values.whenMissing,
    required: values.required,
    trustFileSystem: values.trustFileSystem,
    checkpoint: {
      schedule: values.checkpointSchedule,
      sizeTargetBytes: values.sizeTargetBytes,
      acquireBudgetMs: values.acquireBudgetMs,
      holdBudgetMs: values.holdBudgetMs,
      holdBudgetMaxMs: values.holdBudgetMaxMs,
      deadlineMs: values.checkpointDeadlineMs,
    },
    integrity: {
      startup: values.startupCheck,
      quickSchedule: values.quickSchedule,
      fullSchedule: values.fullSchedule,
      deadlineMs: values.integrityDeadlineMs,
      findingsMax: values.findingsMax,
      walMaxBytes: values.checkWalMaxBytes,
      unchangedMaxMs: values.unchangedMaxMs,
    },
    exposureMaxMs: values.exposureMaxMs,
  };
}
