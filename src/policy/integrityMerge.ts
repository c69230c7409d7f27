/**
 * The results of all parts as one result, as PRAGMA integrity_check and foreign_key_check of the whole file give it.
 *
 * Where any part found something the whole file is looked at once more, undivided: parts stop at a hundred findings,
 * name the same thing twice, and a `rows` part only suspects. That second look is the result; what the parts said stands
 * where it could not be had, or could not say (a collation that is missing), and where it found nothing after PRAGMAs
 * had: what was found once is not taken back by the same check.
 */
import type { CheckResult } from "../domain/outcome.ts";
import { needsSecondLook } from "./integrityVerdict.ts";

/** @param whole null: nothing was suspicious, or the second look did not end. */
export function mergeResults(
  parts: readonly CheckResult[],
  whole: CheckResult | null,
  findingsMax: number,
): CheckResult {
  const together = sumOf(parts, findingsMax);
  if (whole === null) return together;
  if (whole.error === null && (whole.messages.length > 0 || together.messages.length === 0))
    return { ...whole, unchecked: unique([...whole.unchecked, ...together.unchecked]), suspicious: false };
  const both = sumOf([whole, ...parts], findingsMax);
  // Rows that differ are damage of an index, as far as is known, while the check that would say it cannot run.
  return { ...both, suspicious: together.suspicious && whole.error !== null };
}

/** What was suspected and not looked at again is told as such: it is no proof, and no ok. */
export function withSuspicion(result: CheckResult): CheckResult {
  if (!result.suspicious || needsMore(result)) return result;
  const message = "rows and an index seem to differ; the check that would say how did not end";
  return { ...result, unchecked: [...result.unchecked, message] };
}

function needsMore(result: CheckResult): boolean {
  return needsSecondLook({ ...result, suspicious: false });
}

function sumOf(parts: readonly CheckResult[], findingsMax: number): CheckResult {
  const messages = unique(parts.flatMap((part) => part.messages));
  const violations = parts.flatMap((part) => part.foreignKeyViolations);
  const failedChecks = parts.flatMap((part) => part.checkViolations);
  const errors = parts.flatMap(({ error }) => (error === null ? [] : [error]));
  const corrupt = errors.find(({ code }) => code?.startsWith("SQLITE_CORRUPT") || code === "SQLITE_NOTADB");
  return {
    messages: messages.slice(0, findingsMax),
    truncated:
      parts.some((part) => part.truncated) ||
      failedChecks.length > findingsMax ||
      messages.length > findingsMax ||
      violations.length > findingsMax,
    foreignKeyViolations: violations.slice(0, findingsMax),
    checkViolations: failedChecks.slice(0, findingsMax),
    suspicious: parts.some((part) => part.suspicious),
    unchecked: unique(parts.flatMap((part) => part.unchecked)),
    trees: parts.find((part) => part.trees.length > 0)?.trees ?? [],
    error: corrupt ?? errors[0] ?? null,
    durationMs: 0,
  };
}

function unique(lines: readonly string[]): readonly string[] {
  return [...new Set(lines)];
}
