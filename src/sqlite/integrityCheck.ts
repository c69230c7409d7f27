/**
 * One part of an integrity check, or the whole of it, on a read-only connection: it can neither checkpoint nor delete
 * anything when it closes, and leaves database and WAL as they are. In WAL mode it makes `-wal` (empty) and `-shm` where
 * they are missing, as every reader does, and leaves them there.
 *
 * What SQLite says about the content is part of the result; what it says about the circumstances (busy, I/O,
 * a hot journal that a reader must not roll back) is thrown and becomes a failure: no verdict was reached.
 *
 * Mapped into memory it is faster by a third, but a bad sector, or a file that somebody cuts off, is SIGBUS: the worker
 * dies, and the part is asked for once more without mapping, where it comes back as SQLITE_IOERR.
 *
 * Sources: sqlite.org/pragma.html#pragma_integrity_check (N rows at most, "ok" alone when nothing was found; a table's
 * name in place of N, then 100 rows at most), #pragma_foreign_key_check (table, rowid, parent, fkid; rowid is NULL for
 * WITHOUT ROWID tables), src/pragma.c.
 */
import type { Database } from "bun:sqlite";
import type { Operation, Target } from "../domain/operation.ts";
import type { CheckResult } from "../domain/outcome.ts";
import { virtualTableModule } from "../format/virtualTable.ts";
import { checkViolations, tablesWithChecks } from "./checkedRows.ts";
import { openHandle, setBusyTimeout } from "./connection.ts";
import { identifier } from "./identifier.ts";
import { readTrees } from "./integrityPlan.ts";
import { isNotUnique, rowsDiffer } from "./integrityRows.ts";
import { isAboutContent } from "./sqliteFailure.ts";
import { statementRows } from "./statementRows.ts";

type CheckOperation = Extract<Operation, { readonly kind: "integrityCheck" }>;
type Violation = CheckResult["foreignKeyViolations"][number];
type FailedCheck = CheckResult["checkViolations"][number];

const pagesHeading = "*** in database main ***";
/** SQLITE_INTEGRITY_CHECK_ERROR_MAX: with a table's name there is no other number. */
const tableMessagesMax = 100;

/** Without mapping, indexes are looked up in the order of their table: a larger cache spares reading their pages again. */
const cacheKibibytes = 64 * 1024;
/** SQLite maps up to 2 GiB (SQLITE_MAX_MMAP_SIZE) and reads the rest. */
const mappedBytesMax = 2 ** 31;

interface Found {
  readonly messages: string[];
  readonly violations: Violation[];
  readonly failedChecks: FailedCheck[];
  readonly unchecked: string[];
  suspicious: boolean;
  /** A table's check ended at its hundredth finding. */
  stoppedEarly: boolean;
  error: CheckResult["error"];
}

export function integrityCheck(operation: CheckOperation, target: Target): CheckResult {
  const startedAtMs = performance.now();
  const { findingsMax, memoryMapped } = operation;
  const reader = openHandle(target, "readOnly");
  const found: Found = {
    messages: [],
    violations: [],
    failedChecks: [],
    unchecked: [],
    suspicious: false,
    stoppedEarly: false,
    error: null,
  };
  let trees: CheckResult["trees"] = [];
  try {
    setBusyTimeout(reader, operation.profile.busyTimeoutMs);
    noting(found, () => {
      reader.exec(`PRAGMA cache_size = -${cacheKibibytes}`);
      if (memoryMapped) reader.exec(`PRAGMA mmap_size = ${mappedBytesMax}`);
      checkPart(reader, operation, found);
    });
    if (found.messages.length > 0) trees = treesOrNone(reader);
  } finally {
    reader.close(true);
  }
  const { messages, violations, failedChecks, unchecked, suspicious, error } = found;
  return {
    messages: messages.slice(0, findingsMax),
    truncated:
      found.stoppedEarly || [messages, violations, failedChecks].some(({ length }) => length > findingsMax),
    foreignKeyViolations: violations.slice(0, findingsMax),
    checkViolations: failedChecks.slice(0, findingsMax),
    suspicious,
    unchecked,
    trees,
    error,
    durationMs: performance.now() - startedAtMs,
  };
}

/** The first error about the content stands; corruption takes the place of one that only says what is not here. */
function noting(found: Found, check: () => void): void {
  try {
    check();
  } catch (thrown) {
    if (!isAboutContent(thrown)) throw thrown;
    const isCorruption = (thrown.errno & 0xff) !== 1;
    if (found.error === null || isCorruption)
      found.error = { code: thrown.code ?? null, message: thrown.message };
  }
}

function checkPart(reader: Database, operation: CheckOperation, found: Found): void {
  const { check, part, findingsMax } = operation;
  // One more than is kept, so that it is known whether there were more.
  const rowsMax = findingsMax + 1;
  switch (part.kind) {
    case "whole":
      noting(found, () => found.unchecked.push(...withoutModule(reader)));
      noting(found, () => noteMessages(reader, check, String(rowsMax), found.messages));
      noting(found, () => noteFailedChecks(reader, tablesWithChecks(reader), rowsMax, found));
      if (check === "integrity_check" && found.error === null)
        found.violations.push(...violations(reader, null, rowsMax));
      return;
    case "structure":
      noting(found, () => found.unchecked.push(...withoutModule(reader)));
      noteMessages(reader, "quick_check", String(rowsMax), found.messages);
      return;
    case "tables":
      for (const table of part.tables) {
        const messages: string[] = [];
        noting(found, () => noteMessages(reader, "integrity_check", identifier(table), messages));
        found.messages.push(...messages);
        found.stoppedEarly ||= messages.length >= tableMessagesMax;
      }
      return;
    case "rows":
      found.suspicious = rowsDiffer(reader, part);
      return;
    case "unique":
      found.suspicious = isNotUnique(reader, part);
      return;
    case "constraints":
      noteFailedChecks(reader, part.tables, rowsMax, found);
      return;
    case "foreignKeys":
      for (const table of part.tables)
        noting(found, () =>
          found.violations.push(...violations(reader, table, rowsMax - found.violations.length)),
        );
  }
}

/**
 * One finding a line. What is wrong with pages comes as a single row of many lines under a heading (pragma.c:
 * "*** in database %s ***"), what is wrong with rows and indexes as a row each; all of them count for N. Rows that came
 * before SQLite gave up stay.
 */
function noteMessages(
  reader: Database,
  check: CheckOperation["check"],
  argument: string,
  messages: string[],
): void {
  const statement = reader.prepare(`PRAGMA main.${check}(${argument})`);
  try {
    for (const row of statement.iterate()) {
      const text = typeof row === "object" && row !== null ? String(Object.values(row)[0]) : "";
      if (text !== "ok")
        messages.push(...text.split("\n").filter((line) => line !== "" && line !== pagesHeading));
    }
  } finally {
    statement.finalize();
  }
}

function noteFailedChecks(reader: Database, tables: readonly string[], rowsMax: number, found: Found): void {
  for (const table of tables)
    noting(found, () =>
      found.failedChecks.push(...checkViolations(reader, table, rowsMax - found.failedChecks.length)),
    );
}

function violations(reader: Database, table: string | null, rowsMax: number): Violation[] {
  if (rowsMax <= 0) return [];
  const source = table === null ? "pragma_foreign_key_check" : "pragma_foreign_key_check(?)";
  const sql = `SELECT "table", CAST("rowid" AS TEXT), "parent" FROM ${source} LIMIT ${rowsMax}`;
  return statementRows(reader, sql, ...(table === null ? [] : [table])).map(([child, rowid, parent]) => ({
    table: String(child),
    rowid: rowid === null ? null : String(rowid),
    parent: String(parent),
  }));
}

/** Virtual tables that SQLite passes over without a word, because their module is not here. */
function withoutModule(reader: Database): string[] {
  const virtual = statementRows(
    reader,
    "SELECT name, sql FROM main.sqlite_schema WHERE type = 'table' AND sql LIKE 'create virtual%'",
  );
  if (virtual.length === 0) return [];
  const here = new Set(
    statementRows(reader, "SELECT name FROM pragma_module_list").map(([name]) => String(name).toLowerCase()),
  );
  return virtual.flatMap(([name, sql]) => {
    const module = virtualTableModule(String(sql));
    if (module !== null && here.has(module.toLowerCase())) return [];
    return [`no such module: ${module ?? "?"}: virtual table ${String(name)} was not checked`];
  });
}

/** Of a schema that cannot be read nothing can be named. */
function treesOrNone(reader: Database): CheckResult["trees"] {
  try {
    return readTrees(reader);
  } catch (thrown) {
    if (!isAboutContent(thrown)) throw thrown;
    return [];
  }
}
