/**
 * PRAGMA quick_check or integrity_check, and foreign_key_check after the latter, on a read-only connection:
 * it can neither checkpoint nor delete anything when it closes, and leaves database and WAL as they are. In WAL
 * mode it makes `-wal` (empty) and `-shm` where they are missing, as every reader does, and leaves them there.
 *
 * Without memory mapping: a bad sector must come back as SQLITE_IOERR, not as SIGBUS.
 * What SQLite says about the content is part of the result; what it says about the circumstances (busy, I/O,
 * a hot journal that a reader must not roll back) is thrown and becomes a failure: no verdict was reached.
 *
 * Sources: sqlite.org/pragma.html#pragma_integrity_check (N rows at most, "ok" alone when nothing was found),
 * #pragma_foreign_key_check (table, rowid, parent, fkid; rowid is NULL for WITHOUT ROWID tables).
 */
import type { Database } from "bun:sqlite";
import type { Operation, Target } from "../domain/operation.ts";
import type { CheckResult } from "../domain/outcome.ts";
import { openHandle, setBusyTimeout } from "./connection.ts";
import { isAboutContent } from "./sqliteFailure.ts";

type CheckOperation = Extract<Operation, { readonly kind: "integrityCheck" }>;
type Violation = CheckResult["foreignKeyViolations"][number];

const pagesHeading = "*** in database main ***";

/** Indexes are looked up in the order of their table: a larger cache spares reading their pages again. */
const cacheKibibytes = 64 * 1024;

export function integrityCheck(operation: CheckOperation, target: Target): CheckResult {
  const startedAtMs = performance.now();
  const { check, findingsMax } = operation;
  const reader = openHandle(target, "readOnly");
  const messages: string[] = [];
  const foreignKeyViolations: Violation[] = [];
  let error: CheckResult["error"] = null;
  try {
    setBusyTimeout(reader, operation.profile.busyTimeoutMs);
    reader.exec(`PRAGMA cache_size = -${cacheKibibytes}`);
    // One more than is kept, so that it is known whether there were more.
    messages.push(...checkMessages(reader, check, findingsMax + 1));
    if (check === "integrity_check") foreignKeyViolations.push(...violations(reader, findingsMax + 1));
  } catch (thrown) {
    if (!isAboutContent(thrown)) throw thrown;
    error = { code: thrown.code ?? null, message: thrown.message };
  } finally {
    reader.close(true);
  }
  return {
    messages: messages.slice(0, findingsMax),
    truncated: messages.length > findingsMax || foreignKeyViolations.length > findingsMax,
    foreignKeyViolations: foreignKeyViolations.slice(0, findingsMax),
    error,
    durationMs: performance.now() - startedAtMs,
  };
}

/**
 * One finding a line. What is wrong with pages comes as a single row of many lines under a heading (pragma.c:
 * "*** in database %s ***"), what is wrong with rows and indexes as a row each; all of them count for N.
 */
function checkMessages(reader: Database, check: CheckOperation["check"], rowsMax: number): string[] {
  const rows = rowsOf(reader, `PRAGMA main.${check}(${rowsMax})`).map(([message]) => String(message));
  if (rows.length === 1 && rows[0] === "ok") return [];
  return rows.flatMap((row) => row.split("\n")).filter((line) => line !== "" && line !== pagesHeading);
}

function violations(reader: Database, rowsMax: number): Violation[] {
  const sql = `SELECT "table", "rowid", "parent" FROM pragma_foreign_key_check LIMIT ${rowsMax}`;
  return rowsOf(reader, sql).map(([table, rowid, parent]) => ({
    table: String(table),
    rowid: rowid === null ? null : Number(rowid),
    parent: String(parent),
  }));
}

function rowsOf(reader: Database, sql: string): unknown[][] {
  const statement = reader.prepare(sql);
  try {
    return statement.values();
  } finally {
    statement.finalize();
  }
}
