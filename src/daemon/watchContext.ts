/** What a watch works with: the outer world behind narrow functions, wired in `daemon.ts`. */
import type { Schedule } from "../domain/databaseConfig.ts";
import type { Observation, OpenerLook } from "../domain/observation.ts";
import type { Outcome, SyncResult } from "../domain/outcome.ts";
import type { Clock } from "../host/clock.ts";
import type { NextDue } from "../policy/dueWork.ts";
import type { Events } from "../report/events.ts";
import type { Metrics } from "../report/metrics.ts";
import type { WorkerPool } from "../worker/pool.ts";

export interface WatchContext {
  readonly clock: Clock;
  readonly events: Events;
  readonly metrics: Metrics;
  readonly observe: (path: string) => Promise<Observation>;
  /** Who else has the database, its WAL or its journal open. */
  readonly scanOpeners: (observation: Observation) => Promise<OpenerLook>;
  readonly syncFile: (path: string, identity: string) => Promise<Outcome<SyncResult>>;
  /** Asks a sql worker; a worker that failed is logged with the database's name. */
  readonly run: WorkerPool["run"];
  /** The name of the watch that has the same file and comes first; null: none. */
  readonly duplicateOf: (name: string, identity: string) => string | null;
  /** After every round, when what was seen and decided is reported. */
  readonly onRound: () => void;
  readonly nextDue: NextDue;
  /** The first due time after startup: many databases are spread over their interval. */
  readonly firstDue: (schedule: Schedule, nowMs: number, name: string) => number | null;
}
