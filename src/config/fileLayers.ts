/** What the file states, as layers: its own keys and units become those of the Config. */
import { dirname, resolve } from "node:path";
import type { DaemonValues } from "./config.ts";
import type { FileSettings } from "./fileSchema.ts";
import { type Layer, layerOf } from "./layer.ts";
import type { FileContent } from "./parseFile.ts";
import { formatKeyPath, type KeyPath, type ValueSource } from "./problem.ts";
import { type SettingValues, settingKeys } from "./settings.ts";

export const daemonKeys: Readonly<Record<keyof DaemonValues, string>> = Object.freeze({
  listen: "listen",
  socketPath: "socket",
  tokenFile: "tokenFile",
  allowedHosts: "allowedHosts",
  stateDirectory: "stateDirectory",
  observeIntervalMs: "observeInterval",
  globIntervalMs: "globInterval",
  shortWorkerCount: "workers.short",
  longWorkerCount: "workers.long",
  shutdownTimeoutMs: "shutdownTimeout",
});

export function fileSource(file: FileContent, keyPath: KeyPath): ValueSource {
  return { kind: "file", path: file.path, key: formatKeyPath(keyPath), line: file.lineOf(keyPath) };
}

export function daemonLayer(file: FileContent): Layer<DaemonValues> {
  const { values } = file;
  const absolute = (path: string | undefined) =>
    path === undefined ? undefined : resolve(dirname(file.path), path);
  return layerOf<DaemonValues>(
    {
      listen: values.listen,
      socketPath: values.socket === false ? null : absolute(values.socket),
      tokenFile: absolute(values.tokenFile),
      allowedHosts: values.allowedHosts,
      stateDirectory: absolute(values.stateDirectory),
      observeIntervalMs: values.observeInterval,
      globIntervalMs: values.globInterval,
      shortWorkerCount: values.workers?.short,
      longWorkerCount: values.workers?.long,
      shutdownTimeoutMs: values.shutdownTimeout,
    },
    (key) => fileSource(file, daemonKeys[key].split(".")),
  );
}

/** `at`: where the settings stand, ["defaults"] or ["databases", 2]. */
export function settingsLayer(file: FileContent, settings: FileSettings, at: KeyPath): Layer<SettingValues> {
  return layerOf<SettingValues>(
    {
      mode: settings.mode,
      whenMissing: settings.whenMissing,
      required: settings.required,
      trustFileSystem: settings.trustFileSystem,
      journalMode: settings.journalMode,
      synchronous: settings.synchronous,
      busyTimeoutMs: settings.busyTimeout,
      foreignKeys: settings.foreignKeys,
      exposureMaxMs: settings.exposureMax,
      checkpointSchedule: settings.checkpoint?.schedule,
      sizeTargetBytes: settings.checkpoint?.sizeTarget,
      acquireBudgetMs: settings.checkpoint?.acquireBudget,
      holdBudgetMs: settings.checkpoint?.holdBudget,
      holdBudgetMaxMs: settings.checkpoint?.holdBudgetMax,
      checkpointDeadlineMs: settings.checkpoint?.deadline,
      startupCheck: settings.integrity?.startup,
      quickSchedule: settings.integrity?.quickSchedule,
      fullSchedule: settings.integrity?.fullSchedule,
      integrityDeadlineMs: settings.integrity?.deadline,
      findingsMax: settings.integrity?.findingsMax,
      checkWalMaxBytes: settings.integrity?.walMax,
      unchangedMaxMs: settings.integrity?.unchangedMax,
    },
    (key) => fileSource(file, [...at, ...settingKeys[key].split(".")]),
  );
}
