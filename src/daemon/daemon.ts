/**
 * The composition: the only place where the parts are wired together. Order of a start: state directory and
 * its lock, SQLite's version, which databases there are, the ports, and only then the first look at a database.
 */
import { readFileSync } from "node:fs";
import type { Config } from "../config/config.ts";
import { exitCodes } from "../domain/exitCodes.ts";
import type { Clock } from "../host/clock.ts";
import { syncFile } from "../host/fileSync.ts";
import type { Os } from "../host/os.ts";
import { createObserver } from "../observe/observer.ts";
import { isAffectedByWalResetBug } from "../policy/walResetBug.ts";
import { createEvents } from "../report/events.ts";
import type { Logger } from "../report/log.ts";
import type { WorkerFailure } from "../worker/lane.ts";
import { createWorkerPool } from "../worker/pool.ts";
import { Fleet } from "./fleet.ts";
import { jumpClock } from "./jumpClock.ts";
import { Membership } from "./membership.ts";
import { CronTimes, nextDueMs } from "./nextDue.ts";
import { openableFiles } from "./openableFiles.ts";
import { OpenerScans } from "./openerScans.ts";
import { serve } from "./serve.ts";
import { enterStateDirectory } from "./stateDirectory.ts";
import { Sweeper } from "./sweeper.ts";
import { createView } from "./view.ts";
import type { WatchContext } from "./watchContext.ts";

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
/** With more databases than this, first due times are spread over the interval. */
const spreadAbove = 8;

export async function startDaemon(options: DaemonOptions): Promise<DaemonStart> {
  const { config, logger, os } = options;
  const clock = jumpClock(options.clock, (jumpMs) => {
    for (const watch of fleet.watches) watch.clockJumped(jumpMs);
  });
  const startedAtMs = clock.monotonicMs();
  const entered = enterStateDirectory(config.stateDirectory);
  if (!entered.ok) return { ok: false, exitStatus: exitCodes.unavailable, message: entered.message };
  const token = readToken(config.tokenFile);
  if (!token.ok) {
    entered.release();
    return { ok: false, exitStatus: exitCodes.unavailable, message: token.message };
  }
  const events = createEvents(logger);
  let onFailure: (reason: WorkerFailure["reason"]) => void = () => {};
  const pool = createWorkerPool({
    command: options.workerCommand,
    environment: options.environment,
    shortWorkerCount: config.shortWorkerCount,
    longWorkerCount: config.longWorkerCount,
    idleExitMs,
    onFailure: (failure) => {
      onFailure(failure.reason);
      // One at work is logged with its database, as the outcome of what it was asked for.
      if (failure.operation === null) events.idleWorkerFailed(failure);
    },
  });
  const giveUp = async (exitStatus: number, message: string): Promise<DaemonStart> => {
    await pool.close();
    entered.release();
    return { ok: false, exitStatus, message };
  };
  // The worker starts while the libraries of the interface load, which takes longer than anything else here.
  const helloed = pool.sqliteVersion();
  const [{ createApp }, { createMetrics }] = await Promise.all([
    import("../http/app.ts"),
    import("../report/metrics.ts"),
  ]);
  const sqlite = await helloed;
  if (!sqlite.ok) return giveUp(exitCodes.internal, `the sql worker does not start: ${sqlite.message}`);
  if (isAffectedByWalResetBug(sqlite.version)) {
    return giveUp(
      exitCodes.internal,
      `this SQLite (${sqlite.version}) has the WAL-reset bug: use the pinned bun`,
    );
  }
  const metrics = createMetrics({
    version: options.version,
    bunVersion: Bun.version,
    sqliteVersion: sqlite.version,
  });
  onFailure = metrics.workerFailure;
  const ownPids = () => new Set([...pool.ownPids(), process.pid]);
  const observer = createObserver({ os, clock, ownPids });
  const openerScans = new OpenerScans({ os, clock }, ownPids);
  const cron = new CronTimes();
  const fleet: Fleet = new Fleet({
    contextFor: (name) => createContext(name),
    onAdded: metrics.register,
    onRemoved: metrics.unregister,
  });

  function createContext(name: string): WatchContext {
    return {
      clock,
      events,
      metrics,
      observe: async (path) => (await observer.gatherSweep()).observe(path),
      scanOpeners: (observation) => openerScans.scan(openableFiles(observation)),
      syncFile: (path, identity) => syncFile({ os, clock }, path, identity),
      run: (operation, target, runOptions) =>
        pool.run(operation, target, runOptions).then((outcome) => {
          if (!outcome.ok && workerReasons.has(outcome.reason)) events.sqlWorkerFailed(name, outcome);
          return outcome;
        }),
      duplicateOf: (other, identity) => fleet.duplicateOf(other, identity),
      onRound: sayWhenReady,
      nextDue: (schedule, nowMs) => nextDueMs(schedule, cron, nowMs, 1),
      firstDue: (schedule, nowMs, of) => nextDueMs(schedule, cron, nowMs, phaseOf(of, fleet.watches.length)),
    };
  }

  function sayWarnings({ warnings }: Config): void {
    for (const warning of warnings) events.configurationWarning({ warning });
  }

  let stopping = false;
  let readySaid = false;
  function sayWhenReady(): void {
    if (readySaid || !view.startupEnded()) return;
    readySaid = true;
    const durationMs = clock.monotonicMs() - startedAtMs;
    events.daemonReady({ status: view.readiness().status, durationMs });
  }
  const view = createView({ fleet, metrics, version: options.version, isStopping: () => stopping });
  const appOptions = {
    token: token.value,
    allowedHosts: [config.listen.host, ...config.allowedHosts],
    logger,
  };
  const membership = new Membership(fleet, events, config);
  // Before anybody can ask: without its databases the daemon would call itself started and ready.
  await membership.reconcile();
  const serving = await serve({
    tcpApp: createApp(view, { ...appOptions, trusted: false }),
    socketApp: createApp(view, { ...appOptions, trusted: true }),
    host: config.listen.host,
    port: config.listen.port,
    socketPath: config.socketPath,
  });
  if (!serving.ok) return giveUp(exitCodes.unavailable, serving.message);
  events.daemonStarted({
    version: options.version,
    bun: Bun.version,
    sqlite: sqlite.version,
    databases: fleet.watches.map(({ config: { name, path, mode } }) => ({ name, path, mode })),
    listen: serving.listen,
    socketPath: config.socketPath,
  });
  sayWarnings(config);
  const sweeper = new Sweeper({
    clock,
    observer,
    intervalMs: config.observeIntervalMs,
    watches: () => fleet.watches,
    onLag: metrics.eventLoopLag,
  });
  sweeper.start();
  sayWhenReady();
  const globTimer = setInterval(() => {
    if (membership.config.globs.length > 0) void membership.reconcile();
  }, config.globIntervalMs);

  return {
    ok: true,
    daemon: {
      async reload(next) {
        // Against what is in force, which is the first one: a second reload must not forget the need.
        const needsRestart = restartKeys.filter((key) => !sameValue(config[key], next[key]));
        events.configurationReloaded({ ...(await membership.reload(next)), needsRestart });
        sayWarnings(next);
      },
      refuseReload: (problems) => events.configurationRefused({ problems }),
      async stop(signal) {
        const beganMs = clock.monotonicMs();
        stopping = true;
        events.daemonStopping({ signal });
        sweeper.stop();
        membership.end();
        clearInterval(globTimer);
        cron.close();
        await fleet.finish(membership.config.shutdownTimeoutMs);
        await pool.close();
        await serving.close();
        entered.release();
        events.daemonStopped({ durationMs: clock.monotonicMs() - beganMs });
      },
    },
  };
}

const workerReasons = new Set(["deadline", "crash", "protocol", "spawn"]);

/** Only a restart takes these over. */
const restartKeys = [
  "listen",
  "socketPath",
  "tokenFile",
  "allowedHosts",
  "stateDirectory",
  "observeIntervalMs",
  "globIntervalMs",
  "shortWorkerCount",
  "longWorkerCount",
] as const;

function sameValue(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

type Token =
  | { readonly ok: true; readonly value: string | null }
  | { readonly ok: false; readonly message: string };

function readToken(path: string | null): Token {
  if (path === null) return { ok: true, value: null };
  try {
    const value = readFileSync(path, "utf8").trim();
    return value === "" ? { ok: false, message: `token file ${path} is empty` } : { ok: true, value };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { ok: false, message: `cannot read the token file: ${error.message}` };
  }
}

/** A database's place in the interval, by its name: always the same one, so restarts do not bunch. */
function phaseOf(name: string, databaseCount: number): number {
  return databaseCount <= spreadAbove ? 1 : (Bun.hash.crc32(name) % 1000) / 1000;
}
