/**
 * Rows against the CHECK constraints of their table, by SQL: on a read-only connection no PRAGMA does it
 * (format/checkConstraints.ts). As in SQLite a constraint fails when it is false, and holds when it is NULL.
 */
import type { Database } from "bun:sqlite";
import type { CheckResult } from "../domain/outcome.ts";
import { checkConstraints } from "../format/checkConstraints.ts";
import { identifier } from "./identifier.ts";
import { statementRows } from "./statementRows.ts";

type Violation = CheckResult["checkViolations"][number];

/** Tables with at least one constraint. */
export function tablesWithChecks(reader: Database): readonly string[] {
  return statementRows(
    reader,
    "SELECT name, sql FROM main.sqlite_schema WHERE type = 'table' AND rootpage > 0 AND sql LIKE '%check%'",
  )
    .filter(([, sql]) => checkConstraints(String(sql)).length > 0)
    .map(([name]) => String(name));
}

/** Throws SQLite's error where a constraint calls a function that is not here. */
export function checkViolations(reader: Database, table: string, rowsMax: number): readonly Violation[] {
  if (rowsMax <= 0) return [];
  const [row] = statementRows(
    reader,
    "SELECT sql FROM main.sqlite_schema WHERE type = 'table' AND name = ?",
    table,
  );
  const constraints = checkConstraints(String(row?.[0] ?? ""));
  if (constraints.length === 0) return [];
  const fails = constraints.map((constraint) => `NOT (${constraint}\n)`).join(" OR ");
  const rowid = rowidName(reader, table);
  const shown = rowid === null ? "NULL" : `CAST(${rowid} AS TEXT)`;
  const sql = `SELECT ${shown} FROM main.${identifier(table)} NOT INDEXED WHERE ${fails} LIMIT ${rowsMax}`;
  return statementRows(reader, sql).map(([value]) => ({
    table,
    rowid: value === null ? null : String(value),
  }));
}

const rowidNames = ["rowid", "_rowid_", "oid"];

/** How statements call the rowid of a table, a column may have taken one of its names; null: it has none. */
export function rowidName(reader: Database, table: string): string | null {
  const [kind] = statementRows(
    reader,
    "SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ? COLLATE NOCASE",
    table,
  );
  if (Number(kind?.[0] ?? 0) !== 0) return null;
  const columns = statementRows(reader, "SELECT name FROM pragma_table_xinfo(?)", table);
  const taken = new Set(columns.map(([name]) => String(name).toLowerCase()));
  return rowidNames.find((name) => !taken.has(name)) ?? null;
}
