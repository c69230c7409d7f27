/**
 * The lines between supervisor and sql worker: JSON, one object a line, one request at a time. Next to nothing but
 * types, so that the worker need not load a validation library (zod costs it 30 ms, its whole start takes 9).
 *
 *     worker      {"hello":true,"pid":...,"sqliteVersion":"3.54.1","sourceId":"..."}
 *     supervisor  {"id":1,"target":{...},"operation":{...}}
 *     worker      {"id":1,"event":"lockAcquired"}              before writers are kept out
 *     worker      {"id":1,"event":"lockReleased","heldMs":2.1}
 *     worker      {"id":1,"outcome":{...}}
 *
 * The supervisor closes the worker's stdin when it has no more work for it.
 */
import type { Operation, OperationKind, OperationResults, Target } from "../domain/operation.ts";
import type { Outcome } from "../domain/outcome.ts";

/** The argument behind the supervisor's process id that starts a worker at low priority. */
export const backgroundArgument = "background";

export interface Hello {
  readonly hello: true;
  readonly pid: number;
  readonly sqliteVersion: string;
  readonly sourceId: string;
}

export interface Request {
  readonly id: number;
  readonly target: Target;
  readonly operation: Operation;
}

export type WorkerMessage =
  | Hello
  | { readonly id: number; readonly event: "lockAcquired" }
  | { readonly id: number; readonly event: "lockReleased"; readonly heldMs: number }
  | { readonly id: number; readonly outcome: Outcome<OperationResults[OperationKind]> };
