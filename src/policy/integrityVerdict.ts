/**
 * Sorts what a check found into classes. Structural: the file is damaged. Content: an index or constraint
 * disagrees with its table, which an application's own collation or function can cause without any damage.
 * Source of the messages: SQLite, src/btree.c (sqlite3BtreeIntegrityCheck) and src/pragma.c (integrity_check).
 */
import type { CheckResult } from "../domain/outcome.ts";
import type { IntegrityStatus } from "../domain/status.ts";

export type Verdict = IntegrityStatus["verdict"];

/** Messages of pragma.c that speak of rows and indexes, not of pages. */
const contentMessages: readonly RegExp[] = [
  /^row \d+ missing from index /,
  /^row \d+ values differ from index /,
  /^non-unique entry in index /,
  /^wrong # of entries in index /,
  /^NULL value in /,
  /^non-\w+ value in /,
  /^(TEXT|NUMERIC|REAL|INTEGER|BLOB) value in /,
  /^CHECK constraint failed in /,
  /^rowid not at end-of-record for row \d+ of index /,
];

/** SQLite could not run the check: something the application brings is missing here. No verdict. */
const undecidableErrors: readonly RegExp[] = [
  /no such collation sequence/i,
  /no such function/i,
  /no such module/i,
  /unknown function/i,
  /unsafe use of/i,
];

function isContentMessage(message: string): boolean {
  return contentMessages.some((pattern) => pattern.test(message));
}

/** Anything not known to be about content is taken as damage: an unknown message is never harmless. */
export function verdictOf(result: CheckResult): Verdict {
  const { error, messages, foreignKeyViolations } = result;
  if (error !== null && isCorruption(error.code)) return "structural";
  if (messages.some((message) => !isContentMessage(message) && !isUndecidable(message))) return "structural";
  if (messages.some(isContentMessage)) return "content";
  if (error !== null || messages.some(isUndecidable)) return "undecidable";
  return foreignKeyViolations.length > 0 ? "foreign_keys" : "ok";
}

function isUndecidable(message: string): boolean {
  return undecidableErrors.some((pattern) => pattern.test(message));
}

function isCorruption(code: string | null): boolean {
  return code !== null && (code.startsWith("SQLITE_CORRUPT") || code === "SQLITE_NOTADB");
}

/** Every finding as a line for people: messages, the error, and the rows without a parent. */
export function findingsOf(result: CheckResult): readonly string[] {
  const lines = [...result.messages];
  if (result.error !== null) lines.push(`${result.error.code ?? "error"}: ${result.error.message}`);
  for (const { table, rowid, parent } of result.foreignKeyViolations) {
    const row = rowid === null ? "a row" : `row ${rowid}`;
    lines.push(`${row} of ${table} has no parent in ${parent}`);
  }
  return lines;
}
