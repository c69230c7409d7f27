/**
 * Everything that watches databases, wired together: who looks, who acts, when, and which databases there are.
 * The interface (HTTP) is not part of it.
 */
import type { Config } from "../config/config.ts";
import type { Failure } from "../domain/outcome.ts";
import { readBootId } from "../host/bootId.ts";
import type { Clock } from "../host/clock.ts";
import { syncFile } from "../host/fileSync.ts";
import type { Os } from "../host/os.ts";
import { processExists } from "../host/processLook.ts";
import { coldRanges, dropInto } from "../observe/cachedRanges.ts";
import { lookAtExposure } from "../observe/exposureLook.ts";
import { createObserver } from "../observe/observer.ts";
import { lookAtReplicaDirectory } from "../observe/replicatorLook.ts";
import { lookAtResidue } from "../observe/residueLook.ts";
import { lookAtRestart } from "../observe/restartLook.ts";
import { lookForUnsaltedFrames } from "../observe/unsaltedFrames.ts";
import type { Events } from "../report/events.ts";
import type { Metrics } from "../report/metrics.ts";
import type { WorkerPool } from "../worker/pool.ts";
import { CheckRecords } from "./checkRecords.ts";
import { Fleet } from "./fleet.ts";
import { jumpClock } from "./jumpClock.ts";
import { LedgerKeeper } from "./ledgerKeeper.ts";
import { Membership } from "./membership.ts";
import { CronTimes, nextDueMs } from "./nextDue.ts";
import { openableFiles } from "./openableFiles.ts";
import { OpenerScans } from "./openerScans.ts";
import { ResidueReports } from "./residueReports.ts";
import { SharedSweeps } from "./sharedSweeps.ts";
import { SqliteVersions } from "./sqliteVersions.ts";
import { StartupConnection } from "./startupConnection.ts";
import { Sweeper } from "./sweeper.ts";
import { SyncQueue } from "./syncQueue.ts";
import { WalCopies } from "./walCopies.ts";
import { WalSampler } from "./walSampler.ts";
import type { WatchContext } from "./watchContext.ts";

export interface WatchingParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly os: Os;
  readonly events: Events;
  readonly metrics: Metrics;
  readonly pool: WorkerPool;
  /** After every round of every database. */
  readonly onRound: () => void;
}

export interface Watching {
  readonly fleet: Fleet;
  readonly membership: Membership;
  /** The first look at every database, and all that follows. */
  readonly start: () => void;
  /** No new work; then the last checkpoints. Resolves when every watch has ended. */
  readonly finish: () => Promise<void>;
}

/** With more databases than this, first due times are spread over the interval. */
const spreadAbove = 8;
/** Files that change between two acts are read again after 0.2 s; an act that failed is tried again later than this. */
const startupRestMaxMs = 5_000;
/** For which an act of that sequence waits until its database is connected. */
const connectWaitMaxMs = 2_000;
const workerReasons: ReadonlySet<string> = new Set(["deadline", "crash", "protocol", "spawn"]);

export function createWatching(parts: WatchingParts): Watching {
  const { config, os, metrics, pool } = parts;
  const clock = jumpClock(parts.clock, (jumpMs) => {
    for (const watch of fleet.watches) watch.clockJumped(jumpMs);
  });
  const ownPids = () => new Set([...pool.ownPids(), process.pid]);
  const observer = createObserver({ os, clock, ownPids });
  const sweeps = new SharedSweeps({
    gather: () => observer.gatherSweep(),
    databaseCount: () => fleet.watches.length,
  });
  const openerScans = new OpenerScans({ os, clock }, ownPids);
  const sqliteVersions = new SqliteVersions({ os, clock });
  const cron = new CronTimes();
  const syncs = new SyncQueue();
  const residueReports = new ResidueReports(config.stateDirectory);
  const checkRecords = new CheckRecords(config.stateDirectory);
  const walCopies = new WalCopies({ os, clock }, config.stateDirectory);
  const ledger = new LedgerKeeper({
    stateDirectory: config.stateDirectory,
    os,
    clock,
    events: parts.events,
    bootId: readBootId(os),
    sources: () => fleet.watches.map((watch) => () => watch.ledgerSeen()),
    sourceCount: () => fleet.watches.length,
  });
  const contextFor = (name: string): WatchContext => ({
    clock,
    events: parts.events,
    metrics,
    observe: async (path) => (await sweeps.sweep()).observe(path, { anew: true }),
    processExists: (pid) => processExists(os, pid),
    lookAtSqlite: (observation) => sqliteVersions.look(observation),
    scanOpeners: (observation) => openerScans.scan(openableFiles(observation)),
    lookAtResidue: (observation, question) => lookAtResidue({ os, clock }, observation, question),
    copyDamagedWal: (database, observation) => walCopies.keep(database, observation),
    writeResidueReport: (report) => residueReports.write(report),
    lookAtReplicaDirectory: (path) => lookAtReplicaDirectory(os, path),
    lookAtExposure: (path, question) => lookAtExposure(os, path, question),
    lookForUnsaltedFrames: (path, question) => lookForUnsaltedFrames(os, path, question),
    lookAtRestart: (question) => lookAtRestart({ os, clock }, question),
    ledger,
    lookIntervalMs: config.observeIntervalMs,
    databaseCount: () => fleet.watches.length,
    syncs,
    syncFile: (path, identity) => syncFile({ os, clock }, path, identity),
    checkRecords,
    keepPageCache: async (path, identity) => {
      const cold = await coldRanges({ os, clock }, path, identity);
      return cold === null ? () => Promise.resolve() : () => dropInto({ os, clock }, cold);
    },
    checkWorkerCount: config.longWorkerCount,
    ...connectedRun(parts, name),
    duplicateOf: (other, identity) => fleet.duplicateOf(other, identity),
    onRound: parts.onRound,
    nextDue: (schedule, nowMs) => nextDueMs(schedule, cron, nowMs, 1),
    firstDue: (schedule, nowMs, of) => nextDueMs(schedule, cron, nowMs, phaseOf(of, fleet.watches.length)),
  });
  const fleet = new Fleet({
    contextFor,
    onAdded: (name) => metrics.register(name, () => fleet.watch(name)?.status() ?? null),
    onRemoved: metrics.unregister,
  });
  const membership = new Membership(fleet, parts.events, config);
  const sampler = new WalSampler({ clock, observer, watches: () => fleet.watches });
  const sweeper = new Sweeper({
    clock,
    observer,
    intervalMs: config.observeIntervalMs,
    watches: () => fleet.watches,
    onLag: metrics.eventLoopLag,
    onSwept: () => sampler.swept(),
  });
  let globTimer: ReturnType<typeof setInterval> | undefined;
  return {
    fleet,
    membership,
    start() {
      ledger.readEarlier();
      checkRecords.readEarlier();
      sweeper.start();
      sampler.start();
      ledger.start();
      globTimer = setInterval(() => {
        if (membership.config.globs.length > 0) void membership.reconcile();
      }, config.globIntervalMs);
    },
    async finish() {
      sweeper.stop();
      sampler.stop();
      membership.end();
      clearInterval(globTimer);
      cron.close();
      await fleet.finish(membership.config.shutdownTimeoutMs);
      await ledger.stop();
      await checkRecords.settled();
    },
  };
}

/** A worker that failed is logged with the name of the database that it worked for. */
function connectedRun(
  { pool, events }: WatchingParts,
  name: string,
): Pick<WatchContext, "run" | "startupConnection"> {
  const onFailure = (failure: Failure) => {
    if (workerReasons.has(failure.reason)) events.sqlWorkerFailed(name, failure);
  };
  const waits = { restMaxMs: startupRestMaxMs, connectWaitMaxMs };
  const startupConnection = new StartupConnection({ pool, ...waits, onFailure });
  const run: WorkerPool["run"] = async (operation, target, options) => {
    const outcome = await startupConnection.run(operation, target, options);
    if (!outcome.ok) onFailure(outcome);
    return outcome;
  };
  return { run, startupConnection };
}

/** A database's place in the interval, by its name: always the same one, so restarts do not bunch. */
function phaseOf(name: string, databaseCount: number): number {
  return databaseCount <= spreadAbove ? 1 : (Bun.hash.crc32(name) % 1000) / 1000;
}
