/**
 * The daemon beside a database in the laboratory, as it is delivered but for a checkpoint schedule that stays out of
 * the way; what it announces, and the daemon of the next boot.
 */
import { randomUUID } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LedgerWal } from "../../../src/domain/ledger.ts";
import { parseLedger } from "../../../src/policy/ledgerFile.ts";
import type { DatabaseStatusJson } from "../../../src/report/statusJson.ts";
import { type Daemon, type LogLine, startDaemon } from "../../support/daemonProcess.ts";
import type { MetricsRead } from "../../support/metricsText.ts";
import type { TempDirectory } from "../../support/tempDirectory.ts";
import { waitFor } from "../../support/waitFor.ts";

export const databaseName = "kv";
/** What the configuration says where nothing is said: one look a second. */
export const lookIntervalMs = 1_000;

export interface WatchOptions {
  readonly path: string;
  /** For the configuration, and for the state unless another place is given. */
  readonly directory: TempDirectory;
  readonly stateDirectory?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Of the database, in the words of the configuration file. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** For the kernel a restart of the daemon is in the same boot; this one is in another. */
  readonly afterReboot?: boolean;
}

export async function startWatching(options: WatchOptions): Promise<Daemon> {
  const { directory, stateDirectory = directory.path, environment = {} } = options;
  const daemon = await startDaemon({
    stateDirectory,
    environment,
    arguments: watchArguments(options),
    ...(options.afterReboot === true ? { commandPrefix: inAnotherBoot(directory) } : {}),
  });
  await daemon.waitForLog("startup of every database ended");
  return daemon;
}

/** Writes the configuration file. */
export function watchArguments({ path, directory, settings = {} }: WatchOptions): readonly string[] {
  const configPath = directory.file("walwarden.yml");
  const database = { name: databaseName, path, checkpoint: { schedule: "off" }, ...settings };
  // JSON is YAML.
  writeFileSync(configPath, JSON.stringify({ databases: [database] }));
  return ["--config", configPath];
}

/** In a mount namespace of its own, with another boot id and a boot that began now; random(4), proc_stat(5). */
function inAnotherBoot(directory: TempDirectory): readonly string[] {
  const bootIdPath = directory.file("boot_id");
  const statPath = directory.file("stat");
  writeFileSync(bootIdPath, `${randomUUID()}\n`);
  writeFileSync(statPath, `cpu  0 0 0 0 0 0 0 0 0 0\nbtime ${Math.floor(Date.now() / 1000)}\n`);
  const binds = `mount --bind '${bootIdPath}' /proc/sys/kernel/random/boot_id && mount --bind '${statPath}' /proc/stat`;
  return ["unshare", "--mount", "sh", "-c", `${binds} && exec "$@"`, "sh"];
}

export interface Announced {
  /** Undefined: not announced, because it cannot be observed. */
  readonly commitCount: number | undefined;
  readonly byteCount: number | undefined;
  /** Wall clock time of the oldest; 0: nothing is exposed. */
  readonly sinceMs: number | undefined;
  /** Wall clock time of the look that found it. */
  readonly lookedAtMs: number;
  readonly observable: boolean;
}

export async function readAnnounced(daemon: Daemon): Promise<Announced> {
  return announcedIn(await daemon.metrics());
}

function announcedIn(metrics: MetricsRead): Announced {
  const database = { database: databaseName };
  const sinceSeconds = metrics.value("sqlite_wal_unsynced_since_timestamp_seconds", database);
  return {
    commitCount: metrics.value("sqlite_wal_unsynced_commits", database),
    byteCount: metrics.value("sqlite_wal_unsynced_bytes", database),
    sinceMs: sinceSeconds === undefined ? undefined : sinceSeconds * 1000,
    lookedAtMs: (metrics.value("sqlite_last_observation_timestamp_seconds", database) ?? 0) * 1000,
    observable: metrics.value("sqlite_observable", { ...database, what: "exposure" }) === 1,
  };
}

/** The first announcement that matches. */
export async function waitForAnnounced(
  daemon: Daemon,
  what: string,
  matches: (announced: Announced) => boolean,
  deadlineMs = 20_000,
): Promise<Announced> {
  let last: Announced | null = null;
  try {
    return await waitFor(
      what,
      async () => {
        last = await readAnnounced(daemon);
        return matches(last) ? last : undefined;
      },
      { deadlineMs, intervalMs: 20 },
    );
  } catch (error) {
    throw new Error(`${String(error)}; announced last: ${JSON.stringify(last)}`);
  }
}

/** What a daemon that looks again at the same finds: so many looks after now. */
export async function waitForLooks(daemon: Daemon, count: number): Promise<Announced> {
  const { lookedAtMs } = await readAnnounced(daemon);
  const atMs = lookedAtMs + (count - 0.5) * lookIntervalMs;
  return await waitForAnnounced(daemon, `${count} more looks`, (announced) => announced.lookedAtMs >= atMs);
}

/** Until the ledger in the state directory has noted that many commits in the WAL: what the next start judges by. */
export async function waitForLedger(stateDirectory: string, commitCount: number): Promise<LedgerWal> {
  return await waitFor(
    `${commitCount} commits in the ledger`,
    () => {
      const path = join(stateDirectory, "ledger.json");
      if (!existsSync(path)) return undefined;
      const reading = parseLedger(readFileSync(path, "utf8"));
      if (reading.kind === "unreadable") throw new Error(reading.reason);
      return reading.entries
        .map(({ wal }) => wal)
        .find((wal) => wal !== null && (wal.seenCommitCount ?? 0) >= commitCount);
    },
    { deadlineMs: 15_000, intervalMs: 50 },
  );
}

/** What the daemon of the next boot says became of the database; it goes through its whole startup sequence. */
export async function judgeNextBoot(options: WatchOptions): Promise<LogLine> {
  await using daemon = await startWatching({ ...options, afterReboot: true });
  return await daemon.waitForLog("restart verdict", { database: databaseName });
}

export async function readStatus(daemon: Daemon): Promise<DatabaseStatusJson> {
  const response = await daemon.get(`/api/v1/databases/${databaseName}`);
  if (response.status !== 200) throw new Error(`status: ${response.status} ${await response.text()}`);
  return (await response.json()) as DatabaseStatusJson;
}
