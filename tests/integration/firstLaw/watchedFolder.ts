/**
 * A folder with one database, the daemon that watches it, and what the application must find there
 * afterwards. The daemon looks and checkpoints several times as often as in life, so that seconds show what
 * weeks would.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type Daemon, startDaemon } from "../../support/daemonProcess.ts";
import { makeTempDirectory, type TempDirectory } from "../../support/tempDirectory.ts";

export interface WatchedFolder extends Disposable {
  /** The database, alone in its folder: whatever else appears there was made by somebody. */
  readonly path: string;
  /** For what else a test needs: outside of that folder. */
  readonly directory: TempDirectory;
  startDaemon(options?: WatchOptions): Promise<Daemon>;
  /** Names in the database's folder that SQLite itself would not have made. */
  foreignFiles(): readonly string[];
  /** Name and content hash of every file in the database's folder. */
  hashes(): Readonly<Record<string, string>>;
}

export interface WatchOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** Of the database, in the words of the configuration file: `busyTimeout: 5s` declares one. */
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly checkpointIntervalMs?: number;
}

const observeIntervalMs = 20;
const checkpointIntervalMsDefault = 200;

/** By the file format documents; a journal's name for several databases (-mj) needs ATTACH. */
const ownSuffixes = ["", "-wal", "-shm", "-journal"];

export function makeWatchedFolder(databaseName = "kv.db"): WatchedFolder {
  const directory = makeTempDirectory();
  const dataPath = directory.file("data");
  const stateDirectory = directory.file("state");
  mkdirSync(dataPath);
  mkdirSync(stateDirectory);
  const path = join(dataPath, databaseName);
  const configPath = directory.file("walwarden.yml");
  return {
    path,
    directory,
    startDaemon: async (options = {}) => {
      const { environment = {}, settings = {} } = options;
      const interval = `${options.checkpointIntervalMs ?? checkpointIntervalMsDefault}ms`;
      // JSON is YAML.
      const config = {
        observeInterval: `${observeIntervalMs}ms`,
        databases: [{ name: "kv", path, checkpoint: { schedule: interval }, ...settings }],
      };
      writeFileSync(configPath, JSON.stringify(config));
      return await startDaemon({ stateDirectory, environment, arguments: ["--config", configPath] });
    },
    foreignFiles: () =>
      readdirSync(dataPath).filter((name) => !ownSuffixes.some((suffix) => name === basename(path) + suffix)),
    hashes: () =>
      Object.fromEntries(
        readdirSync(dataPath)
          .sort()
          .map((name) => [name, Bun.SHA256.hash(readFileSync(join(dataPath, name)), "hex")]),
      ),
    [Symbol.dispose]: () => directory[Symbol.dispose](),
  };
}
