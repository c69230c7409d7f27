/**
 * The configuration of a daemon: built once by `loadConfig`, frozen all the way down, passed to whoever
 * needs it. Nothing else reads the environment or the file. Types only.
 */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { ListenAddress } from "./parseListen.ts";
import type { ValueSource } from "./problem.ts";
import type { SettingValues } from "./settings.ts";

export interface GlobConfig {
  /** Absolute, as it is shown. */
  readonly pattern: string;
  /** Absolute: the leading folders of the pattern that have no wildcard. Names are relative to it. */
  readonly directory: string;
  /** What has to match below `directory`, one pattern for each level; "**" stands for any depth. */
  readonly segments: readonly string[];
  /** Put before the name of each match, with a slash; null when the entry has no name. */
  readonly namePrefix: string | null;
  /** What each match becomes. */
  readonly template: Omit<DatabaseConfig, "name" | "path" | "glob">;
}

/** What there is once for a daemon, whatever it watches. */
export interface DaemonValues {
  readonly listen: ListenAddress;
  /** Absolute; null: no Unix socket. */
  readonly socketPath: string | null;
  /** Absolute; the file with the bearer token for acting over TCP. */
  readonly tokenFile: string | null;
  /** Host names that page and API answer to, beside loopback and the listening address. */
  readonly allowedHosts: readonly string[];
  /** Absolute. */
  readonly stateDirectory: string;
  readonly observeIntervalMs: number;
  readonly globIntervalMs: number;
  readonly shortWorkerCount: number;
  readonly longWorkerCount: number;
  readonly shutdownTimeoutMs: number;
}

export interface Config extends DaemonValues {
  readonly databases: readonly DatabaseConfig[];
  readonly globs: readonly GlobConfig[];
  readonly nodeEnv: string | null;
  /** Sentences for the operator: accepted, but probably not what was meant. */
  readonly warnings: readonly string[];
}

export type SettingSources = Readonly<Record<keyof SettingValues, ValueSource>>;

/** Where each value of a Config came from, in the same order. */
export interface ConfigSources {
  /** The file that was read, and what named it. */
  readonly file: { readonly path: string; readonly source: ValueSource } | null;
  readonly daemon: Readonly<Record<keyof DaemonValues, ValueSource>>;
  readonly databases: readonly {
    readonly name: ValueSource;
    readonly path: ValueSource;
    readonly settings: SettingSources;
  }[];
  readonly globs: readonly {
    readonly name: ValueSource;
    readonly pattern: ValueSource;
    readonly settings: SettingSources;
  }[];
}
