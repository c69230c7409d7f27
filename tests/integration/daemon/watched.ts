/**
 * What the daemon's tests have in common: databases as an application leaves them, a configuration file for
 * a daemon that looks often, and waiting until it says what was promised.
 */
import { Database } from "bun:sqlite";
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { CheckState } from "../../../src/domain/status.ts";
import { logPhrases } from "../../../src/report/logPhrases.ts";
import type { DatabaseListJson, DatabaseStatusJson } from "../../../src/report/statusJson.ts";
import { type Daemon, type DaemonStart, startDaemon } from "../../support/daemonProcess.ts";
import type { TempDirectory } from "../../support/tempDirectory.ts";
import { waitFor } from "../../support/waitFor.ts";
import { startBunWriter } from "../../support/writers/startBunWriter.ts";
import type { Writer } from "../../support/writers/writer.ts";
import type { WriterOptions } from "../../support/writers/writerOptions.ts";

/** For a test with a daemon of its own, on a machine that has other things to do. */
export const testTimeoutMs = 40_000;

export interface DatabaseContent {
  readonly rowCount?: number;
  readonly journalMode?: "WAL" | "DELETE";
  /** Of each row's payload, which has an index beside it. */
  readonly rowBytes?: number;
}

const defaultContent: Required<DatabaseContent> = { rowCount: 20, journalMode: "WAL", rowBytes: 100 };

function fill(path: string, content: DatabaseContent): Database {
  const { rowCount, journalMode, rowBytes } = { ...defaultContent, ...content };
  mkdirSync(dirname(path), { recursive: true });
  const database = new Database(path, { readwrite: true, create: true });
  database.exec(`PRAGMA journal_mode = ${journalMode}`);
  database.exec("PRAGMA synchronous = OFF");
  database.exec("CREATE TABLE written(id INTEGER PRIMARY KEY, payload BLOB)");
  database.exec("CREATE INDEX written_payload ON written(payload)");
  const insert = database.prepare(
    "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < ?) " +
      "INSERT INTO written(payload) SELECT randomblob(?) FROM n",
  );
  if (rowCount > 0) insert.run(rowCount, rowBytes);
  insert.finalize();
  return database;
}

/** A database that was closed in order: no -wal is left. */
export function makeDatabase(path: string, content: DatabaseContent = {}): void {
  fill(path, content).close(true);
}

/** As a crash leaves it: the rows made last are only in the WAL, and no -shm is there. */
export function makeDatabaseWithResidue(path: string, content: DatabaseContent = {}): void {
  const source = `${path}.source`;
  const database = fill(source, content);
  database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  database.exec("INSERT INTO written(payload) SELECT randomblob(500) FROM written LIMIT 10");
  for (const suffix of ["", "-wal"]) copyFileSync(source + suffix, path + suffix);
  database.close(true);
  for (const suffix of ["", "-wal", "-shm"]) rmSync(source + suffix, { force: true });
}

/** Closed in order, and called kv.db. */
export function makeKv(directory: TempDirectory, content: DatabaseContent = {}): string {
  const path = dataPath(directory, "kv.db");
  makeDatabase(path, content);
  return path;
}

/** An application that is connected to it, waits for others, and leaves checkpoints to them; its rows are written. */
export async function startApplication(path: string, options: Partial<WriterOptions> = {}): Promise<Writer> {
  const writer = await startBunWriter({
    path,
    firstRow: 1_000,
    autocheckpoint: 0,
    busyTimeoutMs: 10_000,
    ...options,
  });
  await writer.waitForRows(options.rowCount ?? 5);
  return writer;
}

export function writeConfig(directory: TempDirectory, config: object): string {
  const path = directory.file("walwarden.yml");
  // JSON is YAML.
  writeFileSync(path, JSON.stringify({ observeInterval: "50ms", ...config }, null, 2));
  return path;
}

/** Checkpoints as often as it can, and may take the write lock whenever it likes. */
export const withoutReserve = (path: string) => ({
  defaults: { busyTimeout: "10s", checkpoint: { schedule: "100ms", sizeTarget: "4KiB" } },
  databases: [{ name: "kv", path }],
});

export function stateDirectory(directory: TempDirectory): string {
  const path = directory.file("state");
  mkdirSync(path, { recursive: true });
  return path;
}

/** A daemon on a configuration file, and with its state beside the databases' folder. */
export function startWatching(
  directory: TempDirectory,
  config: object,
  start: Partial<DaemonStart> = {},
): Promise<Daemon> {
  return startDaemon({
    stateDirectory: stateDirectory(directory),
    arguments: ["--config", writeConfig(directory, config)],
    ...start,
  });
}

/** A daemon that watches one database, called kv, and is ready. */
export async function startReady(
  directory: TempDirectory,
  path: string,
  settings: object = {},
): Promise<Daemon> {
  const daemon = await startWatching(directory, { databases: [{ name: "kv", path, ...settings }] });
  await waitUntilReady(daemon, "kv");
  return daemon;
}

/** A daemon by environment alone, which looks once a second. */
export function startOnFile(
  directory: TempDirectory,
  path: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<Daemon> {
  return startDaemon({
    stateDirectory: stateDirectory(directory),
    environment: { KVDB_SQLITE_FILE: path, ...environment },
  });
}

export function dataPath(directory: TempDirectory, name: string): string {
  mkdirSync(directory.file("data"), { recursive: true });
  return join(directory.file("data"), name);
}

export async function statusOf(daemon: Daemon, database: string): Promise<DatabaseStatusJson> {
  const response = await daemon.get(`/api/v1/databases/${encodeURIComponent(database)}`);
  if (response.status !== 200) throw new Error(`${database}: ${response.status} ${await response.text()}`);
  return (await response.json()) as DatabaseStatusJson;
}

export async function databaseNames(daemon: Daemon): Promise<readonly string[]> {
  const list = (await (await daemon.get("/api/v1/databases")).json()) as DatabaseListJson;
  return list.databases.map((database) => database.name).sort();
}

export interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Asks the daemon to act, over its Unix socket: "checkpoint", "integrity-check?check=full". */
export async function act(daemon: Daemon, database: string, what: string): Promise<Answer> {
  const url = `http://localhost/api/v1/databases/${encodeURIComponent(database)}/${what}`;
  const answer = await fetch(url, { method: "POST", unix: daemon.socketPath });
  return { status: answer.status, body: (await answer.json()) as Answer["body"] };
}

/** Until the readiness check of that name is in that state, for a reason with these words; gives the reason. */
export async function waitForCheck(
  daemon: Daemon,
  database: string,
  check: string,
  state: CheckState,
  words = "",
): Promise<string> {
  let last = "";
  try {
    return await waitFor(
      `${database}/${check} to be ${state}${words === "" ? "" : ` because of "${words}"`}`,
      async () => {
        const { readiness } = await statusOf(daemon, database);
        last = JSON.stringify(readiness.checks);
        const found = readiness.checks.find((candidate) => candidate.name === check);
        return found?.state === state && found.reason.includes(words) ? { reason: found.reason } : null;
      },
      { deadlineMs: 15_000, intervalMs: 25 },
    ).then(({ reason }) => reason);
  } catch (error) {
    throw new Error(`${String(error)}; last seen: ${last}`);
  }
}

export async function waitUntilReady(daemon: Daemon, database: string): Promise<DatabaseStatusJson> {
  let last = "";
  try {
    return await waitFor(
      `${database} to be ready`,
      async () => {
        const status = await statusOf(daemon, database);
        last = JSON.stringify(status.readiness.checks);
        return status.readiness.ready && status.startup.stage === "ended" ? status : null;
      },
      { deadlineMs: 15_000, intervalMs: 25 },
    );
  } catch (error) {
    throw new Error(`${String(error)}; last seen: ${last}`);
  }
}

export function phrases(daemon: Daemon, database?: string): readonly string[] {
  return daemon.log
    .filter((line) => database === undefined || line.database === database)
    .map((line) => line.msg);
}

const samplerPhrases: ReadonlySet<string> = new Set([
  logPhrases.exposureDetected,
  logPhrases.exposureEnded,
  logPhrases.walVerdictChanged,
  logPhrases.walPinned,
  logPhrases.walPinReleased,
]);

/**
 * What was done, in order: without what a look of the sampler says, which on a slow disk
 * falls between any two acts (commits of a killed writer are exposed until recovery has synced them).
 */
export function actPhrases(
  daemon: Daemon,
  of: { readonly database?: string; readonly fromIndex?: number } = {},
): readonly string[] {
  return daemon.log
    .slice(of.fromIndex ?? 0)
    .filter(({ database }) => of.database === undefined || database === of.database)
    .map((line) => line.msg)
    .filter((phrase) => !samplerPhrases.has(phrase));
}
