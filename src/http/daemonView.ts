/**
 * What the HTTP interface sees of the daemon, and what it may ask of it. The app knows nothing
 * else, so that it can be built and tested without a daemon. Types only.
 */
import type { RestoreAnnouncement } from "../domain/ledger.ts";
import type { CheckpointStatus, DatabaseStatus, IntegrityStatus, Readiness } from "../domain/status.ts";

export type ActResult<Value> =
  | { readonly ok: true; readonly value: Value }
  | {
      readonly ok: false;
      /**
       * notFound: no such database. refused: its mode or a guard forbids it, or the same is under way.
       * stopping: the daemon is shutting down.
       */
      readonly reason: "notFound" | "refused" | "stopping";
      /** For an operator: what, why, and what to do. */
      readonly message: string;
    };

export interface DaemonView {
  readonly version: string;
  readonly metricsContentType: string;
  /** In pieces: of many databases it is megabytes, and one piece would keep the event loop for too long. */
  metricsText(): Promise<readonly string[]>;
  readiness(): Readiness;
  /** The startup sequence of every database has ended, with whatever verdict. */
  startupEnded(): boolean;
  databases(): readonly DatabaseStatus[];
  database(name: string): DatabaseStatus | null;
  requestCheckpoint(name: string): Promise<ActResult<CheckpointStatus>>;
  /** Resolves when it is on disk. */
  announceRestore(name: string): Promise<ActResult<RestoreAnnouncement>>;
  requestIntegrityCheck(name: string, check: IntegrityStatus["check"]): Promise<ActResult<IntegrityStatus>>;
}
