/**
 * A Config as rows of key, value and origin, with the keys and the spelling of the file, so that a row can be
 * copied into one. Rows are ordered as the tables of keys are. Pure.
 */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { Config, ConfigSources, DaemonValues, GlobConfig, SettingSources } from "./config.ts";
import { daemonKeys } from "./fileLayers.ts";
import { formatDuration } from "./parseDuration.ts";
import { formatListen } from "./parseListen.ts";
import { formatSchedule } from "./parseSchedule.ts";
import { formatSize } from "./parseSize.ts";
import { defaultSource, describeSource, type ValueSource } from "./problem.ts";
import { type SettingValues, settingKeys } from "./settings.ts";

export interface EffectiveRow {
  readonly key: string;
  readonly value: string;
  /** In words: "environment KVDB_SQLITE_SYNCHRONOUS". */
  readonly from: string;
}

export interface EffectiveSection {
  /** "daemon", or what the rows are of: a database, a pattern. */
  readonly kind: "daemon" | "database" | "glob";
  readonly name: string;
  readonly rows: readonly EffectiveRow[];
}

export function effectiveConfig(config: Config, sources: ConfigSources): readonly EffectiveSection[] {
  return [
    { kind: "daemon", name: "daemon", rows: daemonRows(config, sources) },
    ...config.databases.map((database, index): EffectiveSection => {
      const from = sources.databases[index];
      const rows = [
        row("name", database.name, from?.name),
        row("path", database.path, from?.path),
        ...settingRows(database, from?.settings),
      ];
      return { kind: "database", name: database.name, rows };
    }),
    ...config.globs.map((glob, index): EffectiveSection => {
      const from = sources.globs[index];
      const rows = [
        row("glob", glob.pattern, from?.pattern),
        ...(glob.namePrefix === null ? [] : [row("name", glob.namePrefix, from?.name)]),
        ...settingRows(glob.template, from?.settings),
      ];
      return { kind: "glob", name: glob.pattern, rows };
    }),
  ];
}

function row(key: string, value: string, source: ValueSource | undefined): EffectiveRow {
  return { key, value, from: describeSource(source ?? defaultSource) };
}

function daemonRows(config: Config, sources: ConfigSources): readonly EffectiveRow[] {
  const values: Record<keyof DaemonValues, string> = {
    listen: formatListen(config.listen),
    socketPath: config.socketPath ?? "false",
    tokenFile: config.tokenFile ?? "none",
    allowedHosts: config.allowedHosts.length === 0 ? "none" : config.allowedHosts.join(", "),
    stateDirectory: config.stateDirectory,
    observeIntervalMs: formatDuration(config.observeIntervalMs),
    globIntervalMs: formatDuration(config.globIntervalMs),
    shortWorkerCount: String(config.shortWorkerCount),
    longWorkerCount: String(config.longWorkerCount),
    shutdownTimeoutMs: formatDuration(config.shutdownTimeoutMs),
  };
  const keys = Object.keys(daemonKeys) as (keyof DaemonValues)[];
  const { file } = sources;
  return [
    ...(file === null ? [] : [row("config file", file.path, file.source)]),
    ...keys.map((key) => row(daemonKeys[key], values[key], sources.daemon[key])),
  ];
}

function settingRows(
  settings: GlobConfig["template"] | DatabaseConfig,
  sources: SettingSources | undefined,
): readonly EffectiveRow[] {
  const { profile, checkpoint, integrity } = settings;
  const values: Record<keyof SettingValues, string> = {
    mode: settings.mode,
    whenMissing: settings.whenMissing,
    required: onOff(settings.required),
    trustFileSystem: onOff(settings.trustFileSystem),
    journalMode: profile.journalMode,
    synchronous: profile.synchronous,
    busyTimeoutMs: formatDuration(profile.busyTimeoutMs),
    foreignKeys: onOff(profile.foreignKeys),
    exposureMaxMs: settings.exposureMaxMs === 0 ? "off" : formatDuration(settings.exposureMaxMs),
    checkpointSchedule: formatSchedule(checkpoint.schedule),
    sizeTargetBytes: formatSize(checkpoint.sizeTargetBytes),
    acquireBudgetMs: formatDuration(checkpoint.acquireBudgetMs),
    holdBudgetMs: formatDuration(checkpoint.holdBudgetMs),
    holdBudgetMaxMs: formatDuration(checkpoint.holdBudgetMaxMs),
    checkpointDeadlineMs: formatDuration(checkpoint.deadlineMs),
    startupCheck: integrity.startup,
    quickSchedule: formatSchedule(integrity.quickSchedule),
    fullSchedule: formatSchedule(integrity.fullSchedule),
    integrityDeadlineMs: formatDuration(integrity.deadlineMs),
    findingsMax: String(integrity.findingsMax),
    checkWalMaxBytes: formatSize(integrity.walMaxBytes),
    unchangedMaxMs: integrity.unchangedMaxMs === 0 ? "off" : formatDuration(integrity.unchangedMaxMs),
  };
  const keys = Object.keys(settingKeys) as (keyof SettingValues)[];
  return keys.map((key) => row(settingKeys[key], values[key], sources?.[key]));
}

function onOff(value: boolean): string {
  return value ? "on" : "off";
}
