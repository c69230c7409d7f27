/**
 * What the daemon answered, recognised before it is rendered: the daemon may be of another version, and
 * something else may listen at its address. Checked is what tells the shapes apart, not every field.
 */

import { exitCodes } from "../domain/exitCodes.ts";
import type { RestoreAnnouncement } from "../domain/ledger.ts";
import { printable } from "../report/printable.ts";
import type {
  CheckpointStatusJson,
  DatabaseListJson,
  DatabaseStatusJson,
  IntegrityStatusJson,
  WithIsoTimes,
} from "../report/statusJson.ts";
import type { Io } from "./io.ts";

function has(value: unknown, ...names: readonly string[]): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && names.every((name) => name in value);
}

export function isDatabaseList(body: unknown): body is DatabaseListJson {
  return (
    has(body, "version", "status", "databases") &&
    Array.isArray(body.databases) &&
    body.databases.every(isDatabaseStatus)
  );
}

export function isDatabaseStatus(body: unknown): body is DatabaseStatusJson {
  return (
    has(body, "name", "path", "mode", "readiness", "integrity", "checkpoint") && has(body.readiness, "checks")
  );
}

export function isCheckpointStatus(body: unknown): body is CheckpointStatusJson {
  return has(body, "trigger", "outcome", "reason", "durationMs", "heldMs");
}

export function isIntegrityStatus(body: unknown): body is IntegrityStatusJson {
  return has(body, "check", "verdict", "findings", "durationMs");
}

export function isRestoreAnnouncement(body: unknown): body is WithIsoTimes<RestoreAnnouncement> {
  return has(body, "database", "windowEndsAt");
}

/** Prints what the daemon said instead of a result, and chooses the exit status. */
export function reportRefusal(statusCode: number, body: unknown, io: Io): number {
  const message = has(body, "message") ? String(body.message) : null;
  if (message === null) {
    io.stderr(
      `walwarden: the daemon's answer (HTTP ${statusCode}) is not understood; is it of another version?\n`,
    );
    return exitCodes.internal;
  }
  io.stderr(`walwarden: ${printable(message)}\n`);
  // 404: the name was wrong. 409, 503 and 500: the daemon did not do it. 403: it may not be asked this way.
  return statusCode === 404 || statusCode === 400 ? exitCodes.usage : exitCodes.no;
}
