/**
 * The one place where times leave the process: milliseconds since the epoch become ISO 8601 strings.
 *
 * The rule is in the names, so that a field added to the domain's types cannot be forgotten: `...AtMs`
 * becomes `...At` and `sinceMs` becomes `since`; every other `...Ms` is a duration and stays a number, rounded.
 */

import type {
  CheckpointStatus,
  DatabaseReadiness,
  DatabaseStatus,
  IntegrityStatus,
  Readiness,
} from "../domain/status.ts";
import { roundedMs } from "./roundedMs.ts";

type TimeName<Name> = Name extends `${infer Stem}AtMs`
  ? `${Stem}At`
  : Name extends "sinceMs"
    ? "since"
    : never;
type JsonName<Name> = TimeName<Name> extends never ? Name : TimeName<Name>;

export type WithIsoTimes<Value> = Value extends readonly (infer Element)[]
  ? readonly WithIsoTimes<Element>[]
  : Value extends object
    ? {
        readonly [Name in keyof Value as JsonName<Name>]: TimeName<Name> extends never
          ? WithIsoTimes<Value[Name]>
          : null extends Value[Name]
            ? string | null
            : string;
      }
    : Value;

export type DatabaseStatusJson = WithIsoTimes<DatabaseStatus>;
export type DatabaseReadinessJson = WithIsoTimes<DatabaseReadiness>;
export type CheckpointStatusJson = WithIsoTimes<CheckpointStatus>;
export type IntegrityStatusJson = WithIsoTimes<IntegrityStatus>;

/** GET /api/v1/databases. */
export interface DatabaseListJson {
  readonly version: string;
  readonly status: Readiness["status"];
  readonly shuttingDown: boolean;
  readonly databases: readonly DatabaseStatusJson[];
}

export function isoTime(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

export function withIsoTimes<Value>(value: Value): WithIsoTimes<Value> {
  return convert(value) as WithIsoTimes<Value>;
}

function convert(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(convert);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => {
      const timeName =
        name === "sinceMs" ? "since" : name.endsWith("AtMs") ? name.slice(0, -"Ms".length) : null;
      if (timeName === null)
        return [name, name.endsWith("Ms") && typeof inner === "number" ? roundedMs(inner) : convert(inner)];
      return [timeName, typeof inner === "number" ? isoTime(inner) : null];
    }),
  );
}
