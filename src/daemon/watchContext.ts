/** What a watch works with: the outer world behind narrow functions, wired in `daemon.ts`. */
import type { Schedule } from "../domain/databaseConfig.ts";
import type { ExposureLook, ExposureQuestion } from "../domain/exposure.ts";
import type { RestartLook } from "../domain/ledger.ts";
import type { Observation, OpenerLook } from "../domain/observation.ts";
import type { Outcome, SyncResult } from "../domain/outcome.ts";
import type { ReplicaDirectoryLook } from "../domain/replicator.ts";
import type { ResidueLook, ResidueReport } from "../domain/residueReport.ts";
import type { SqliteProcess } from "../domain/sqliteProcess.ts";
import type { WalCopy } from "../domain/walDamage.ts";
import type { Clock } from "../host/clock.ts";
import type { DurableWrite } from "../host/durableWrite.ts";
import type { ResidueQuestion } from "../observe/residueLook.ts";
import type { RestartQuestion } from "../observe/restartLook.ts";
import type { UnsaltedLook, UnsaltedQuestion } from "../observe/unsaltedFrames.ts";
import type { NextDue } from "../policy/dueWork.ts";
import type { Events } from "../report/events.ts";
import type { Metrics } from "../report/metrics.ts";
import type { WorkerPool } from "../worker/pool.ts";
import type { CheckRecords } from "./checkRecords.ts";
import type { LedgerKeeper } from "./ledgerKeeper.ts";
import type { StartupConnection } from "./startupConnection.ts";
import type { SyncQueue } from "./syncQueue.ts";

export interface WatchContext {
  readonly clock: Clock;
  readonly events: Events;
  readonly metrics: Metrics;
  readonly observe: (path: string) => Promise<Observation>;
  readonly processExists: (pid: number) => boolean;
  /** Which SQLite the connected processes run. */
  readonly lookAtSqlite: (observation: Observation) => Promise<readonly SqliteProcess[]>;
  /** Who else has the database, its WAL or its journal open. */
  readonly scanOpeners: (observation: Observation) => Promise<OpenerLook>;
  /** Reads a WAL or a journal that was left behind, whole. */
  readonly lookAtResidue: (observation: Observation, question: ResidueQuestion) => Promise<ResidueLook>;
  /** A damaged WAL into the state directory, durably. */
  readonly copyDamagedWal: (database: string, observation: Observation) => Promise<WalCopy>;
  /** Into the state directory, durably. */
  readonly writeResidueReport: (report: ResidueReport) => Promise<DurableWrite>;
  /** Litestream's directory beside a database; the path is resolved. */
  readonly lookAtReplicaDirectory: (databasePath: string) => ReplicaDirectoryLook;
  /** One look at what is not on disk; the path is resolved. */
  readonly lookAtExposure: (databasePath: string, question: ExposureQuestion) => ExposureLook;
  /** Committed frames without salts in a WAL that is in use; the path is resolved. */
  readonly lookForUnsaltedFrames: (databasePath: string, question: UnsaltedQuestion) => UnsaltedLook;
  /** What is on disk beside what the ledger noted; null: it changed meanwhile. */
  readonly lookAtRestart: (question: RestartQuestion) => Promise<RestartLook | null>;
  readonly ledger: LedgerKeeper;
  /** Until the next look, in milliseconds. */
  readonly lookIntervalMs: number;
  /** That are watched. */
  readonly databaseCount: () => number;
  /** Syncs of all databases take their turns here. */
  readonly syncs: SyncQueue;
  readonly syncFile: (path: string, identity: string) => Promise<Outcome<SyncResult>>;
  /** Which checks called the databases ok, and how they looked then. */
  readonly checkRecords: CheckRecords;
  /** What a check fills the page cache with is given back: the function drops it, whenever it is called. */
  readonly keepPageCache: (path: string, identity: string) => Promise<() => Promise<void>>;
  /** How many parts of a check may run at once. */
  readonly checkWorkerCount: number;
  /** Asks a sql worker; a worker that failed is logged with the database's name. */
  readonly run: WorkerPool["run"];
  /** What keeps the database connected through its startup sequence. */
  readonly startupConnection: StartupConnection;
  /** The name of the watch that has the same file and comes first; null: none. */
  readonly duplicateOf: (name: string, identity: string) => string | null;
  /** After every round, when what was seen and decided is reported. */
  readonly onRound: () => void;
  readonly nextDue: NextDue;
  /** The first due time after startup: many databases are spread over their interval. */
  readonly firstDue: (schedule: Schedule, nowMs: number, name: string) => number | null;
}
