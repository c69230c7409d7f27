/**
 * What the HTTP interface sees of the daemon, and the two things it may ask of it. The app knows nothing
 * else, so that it can be built and tested without a daemon. Types only.
 */
import type { CheckpointStatus, DatabaseStatus, IntegrityStatus, Readiness } from "../domain/status.ts";

export type ActResult<Value> =
  | { readonly ok: true; readonly value: Value }
  | {
      readonly ok: false;
      /**
       * notFound: no such database. refused: its mode or a guard forbids it. busy: the same is under way.
       * stopping: the daemon is shutting down. failed: it was tried and there is no result.
       */
      readonly reason: "notFound" | "refused" | "busy" | "stopping" | "failed";
      /** For an operator: what, why, and what to do. */
      readonly message: string;
    };

export interface DaemonView {
  readonly version: string;
  readonly metricsContentType: string;
  metricsText(): Promise<string>;
  readiness(): Readiness;
  /** The startup sequence of every database has ended, with whatever verdict. */
  startupEnded(): boolean;
  databases(): readonly DatabaseStatus[];
  database(name: string): DatabaseStatus | null;
  requestCheckpoint(name: string): Promise<ActResult<CheckpointStatus>>;
  requestIntegrityCheck(name: string, check: IntegrityStatus["check"]): Promise<ActResult<IntegrityStatus>>;
}
