/**
 * The composition: parts are wired together here and in watching.ts, and nowhere else. Order of a start: state directory and
 * its lock, SQLite's version, which databases there are, the ports, and only then the first look at a database.
 */
import type { Config } from "../config/config.ts";
import { exitCodes } from "../domain/exitCodes.ts";
import type { Clock } from "../host/clock.ts";
import type { Os } from "../host/os.ts";
import { isAffectedByWalResetBug } from "../policy/walResetBug.ts";
import { createEvents, type Events } from "../report/events.ts";
import type { Logger } from "../report/log.ts";
import type { Metrics } from "../report/metrics.ts";
import { createWorkerPool, type WorkerPool } from "../worker/pool.ts";
import { changedRestartKeys } from "./restartKeys.ts";
import { type Serving, serve } from "./serve.ts";
import { enterStateDirectory } from "./stateDirectory.ts";
import { readToken } from "./tokenFile.ts";
import { createView } from "./view.ts";
import { createWatching, type Watching } from "./watching.ts";

export interface DaemonOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly os: Os;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What starts a sql worker: this executable, with the arguments before the supervisor's process id. */
  readonly workerCommand: readonly string[];
  readonly version: string;
}

export type DaemonStart =
  | { readonly ok: true; readonly daemon: Daemon }
  | { readonly ok: false; readonly exitStatus: number; readonly message: string };

export interface Daemon {
  /** Takes over a new configuration; what only a restart can change is named in the log. */
  readonly reload: (config: Config) => Promise<void>;
  readonly refuseReload: (problems: readonly string[]) => void;
  /** Ends everything, with the last checkpoints. */
  readonly stop: (signal: string) => Promise<void>;
}

const idleExitMs = 10_000;
/** For short work that waits for databases that block. */
const spareWorkerCount = 2;

export async function startDaemon(options: DaemonOptions): Promise<DaemonStart> {
  const { config } = options;
  const startedAtMs = options.clock.monotonicMs();
  const entered = enterStateDirectory(config.stateDirectory);
  if (!entered.ok) return refusal(exitCodes.unavailable, entered.message);
  const token = readToken(config.tokenFile);
  if (!token.ok) {
    entered.release();
    return refusal(exitCodes.unavailable, token.message);
  }
  const events = createEvents(options.logger);
  const engine = await startEngine(options, events);
  if (!engine.ok) {
    entered.release();
    return engine;
  }
  const { pool, metrics, createApp } = engine;
  let stopping = false;
  let readySaid = false;
  const sayWhenReady = (): void => {
    if (readySaid || !view.startupEnded()) return;
    readySaid = true;
    events.daemonReady({
      status: view.readiness().status,
      durationMs: options.clock.monotonicMs() - startedAtMs,
    });
  };
  const watching = createWatching({ ...options, events, metrics, pool, onRound: sayWhenReady });
  const view = createView({
    fleet: watching.fleet,
    metrics,
    version: options.version,
    isStopping: () => stopping,
  });
  // Before anybody can ask: without its databases the daemon would call itself started and ready.
  await watching.membership.reconcile();
  const { listen, socketPath } = config;
  const allowedHosts = [listen.host, ...config.allowedHosts];
  const appOptions = { token: token.value, allowedHosts, logger: options.logger };
  const tcpApp = createApp(view, { ...appOptions, trusted: false });
  const socketApp = createApp(view, { ...appOptions, trusted: true });
  const serving = await serve({ tcpApp, socketApp, ...listen, socketPath });
  if (!serving.ok) {
    await pool.close();
    entered.release();
    return refusal(exitCodes.unavailable, serving.message);
  }
  sayStarted(options, events, watching, serving.listen, engine.sqliteVersion);
  watching.start();
  sayWhenReady();
  const beginStop = () => {
    stopping = true;
  };
  const parts = { options, events, watching, pool, serving, beginStop, release: entered.release };
  return { ok: true, daemon: createDaemon(parts) };
}

function refusal(exitStatus: number, message: string): Extract<DaemonStart, { readonly ok: false }> {
  return { ok: false, exitStatus, message };
}

/** Workers with a SQLite that is known good, the metrics, and the interface's code. */
async function startEngine(options: DaemonOptions, events: Events) {
  const { config, version } = options;
  let metrics: Metrics | null = null;
  const pool = createWorkerPool({
    command: options.workerCommand,
    environment: options.environment,
    shortWorkerCount: config.shortWorkerCount,
    spareWorkerCount,
    longWorkerCount: config.longWorkerCount,
    idleExitMs,
    onFailure: (failure) => {
      metrics?.workerFailure(failure.reason);
      // One at work is logged with its database, as the outcome of what it was asked for.
      if (failure.operation === null) events.idleWorkerFailed(failure);
    },
  });
  // The worker starts while the libraries of the interface load, which takes longer than anything else here.
  const helloed = pool.sqliteVersion();
  const [{ createApp }, { createMetrics }] = await Promise.all([
    import("../http/app.ts"),
    import("../report/metrics.ts"),
  ]);
  const sqlite = await helloed;
  const problem = !sqlite.ok
    ? `the sql worker does not start: ${sqlite.message}`
    : isAffectedByWalResetBug(sqlite.version)
      ? `this SQLite (${sqlite.version}) has the WAL-reset bug: use the pinned bun`
      : null;
  if (!sqlite.ok || problem !== null) {
    await pool.close();
    return refusal(exitCodes.internal, problem ?? "");
  }
  metrics = createMetrics({ version, bunVersion: Bun.version, sqliteVersion: sqlite.version });
  return { ok: true, pool, metrics, createApp, sqliteVersion: sqlite.version } as const;
}

function sayStarted(
  { config, version }: DaemonOptions,
  events: Events,
  { fleet }: Watching,
  listen: string,
  sqlite: string,
): void {
  const databases = fleet.watches.map(({ config: { name, path, mode } }) => ({ name, path, mode }));
  events.daemonStarted({
    version,
    bun: Bun.version,
    sqlite,
    databases,
    listen,
    socketPath: config.socketPath,
  });
  sayWarnings(events, config);
}

function sayWarnings(events: Events, { warnings }: Config): void {
  for (const warning of warnings) events.configurationWarning({ warning });
}

interface DaemonParts {
  readonly options: DaemonOptions;
  readonly events: Events;
  readonly watching: Watching;
  readonly pool: WorkerPool;
  readonly serving: Extract<Serving, { readonly ok: true }>;
  readonly beginStop: () => void;
  readonly release: () => void;
}

function createDaemon(parts: DaemonParts): Daemon {
  const { options, events, watching, pool, serving } = parts;
  return {
    async reload(next) {
      const needsRestart = changedRestartKeys(options.config, next);
      events.configurationReloaded({ ...(await watching.membership.reload(next)), needsRestart });
      sayWarnings(events, next);
    },
    refuseReload: (problems) => events.configurationRefused({ problems }),
    async stop(signal) {
      const beganMs = options.clock.monotonicMs();
      parts.beginStop();
      events.daemonStopping({ signal });
      await watching.finish();
      await pool.close();
      await serving.close();
      parts.release();
      events.daemonStopped({ durationMs: options.clock.monotonicMs() - beganMs });
    },
  };
}
