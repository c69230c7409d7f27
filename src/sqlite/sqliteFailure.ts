/**
 * Errors of SQLite and of a changed file as values. Anything else that was thrown is a programmer error and
 * goes on.
 *
 * Source of the primary codes: sqlite.org/rescode.html; an extended code has its primary code in the low byte.
 */
import { SQLiteError } from "bun:sqlite";
import type { Failure } from "../domain/outcome.ts";
import { FileIdentityError } from "./fileIdentity.ts";

const primary = {
  error: 1,
  perm: 3,
  busy: 5,
  locked: 6,
  noMem: 7,
  readOnly: 8,
  interrupt: 9,
  ioErr: 10,
  corrupt: 11,
  full: 13,
  cantOpen: 14,
  protocol: 15,
  notADb: 26,
} as const;

/** What another moment, a freed disk or a mended permission can change; a damaged file stays damaged. */
const retryable: ReadonlySet<number> = new Set([
  primary.perm,
  primary.busy,
  primary.locked,
  primary.noMem,
  primary.readOnly,
  primary.interrupt,
  primary.ioErr,
  primary.full,
  primary.cantOpen,
  primary.protocol,
]);

function primaryCode(error: SQLiteError): number {
  return error.errno & 0xff;
}

/** Somebody else has the lock. */
export function isBusy(error: unknown): error is SQLiteError {
  if (!(error instanceof SQLiteError)) return false;
  const code = primaryCode(error);
  return code === primary.busy || code === primary.locked;
}

/** An answer about the content of the file or its schema, not about the circumstances of asking. */
export function isAboutContent(error: unknown): error is SQLiteError {
  if (!(error instanceof SQLiteError)) return false;
  const code = primaryCode(error);
  return code === primary.corrupt || code === primary.notADb || code === primary.error;
}

/** Rethrows what neither SQLite nor the identity check threw. */
export function failureOf(error: unknown, operation: string, path: string): Failure {
  if (error instanceof FileIdentityError) {
    const { message } = error;
    return { ok: false, reason: "identity", operation, path, code: null, message, retryable: false };
  }
  if (!(error instanceof SQLiteError)) throw error;
  return {
    ok: false,
    reason: "sqlite",
    operation,
    path,
    code: error.code ?? `SQLITE_${error.errno}`,
    message: error.message,
    retryable: retryable.has(primaryCode(error)),
  };
}
