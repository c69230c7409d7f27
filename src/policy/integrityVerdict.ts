/**
 * Sorts what a check found into classes. Structural: the file is damaged. Content: an index or constraint
 * disagrees with its table, which an application's own collation or function can cause without any damage.
 * Undecidable: something that the application brings is missing here.
 */
import type { IntegrityFinding } from "../domain/integrityCheck.ts";
import type { CheckResult } from "../domain/outcome.ts";
import type { IntegrityStatus } from "../domain/status.ts";
import { type CheckMessage, parseCheckMessage } from "../format/checkMessage.ts";

export type Verdict = IntegrityStatus["verdict"];

const byGravity = ["structural", "content", "undecidable", "foreign_keys"] as const;

/** The gravest class of all findings; a missing module or function takes nothing back that was found elsewhere. */
export function verdictOf(result: CheckResult): Verdict {
  const found = new Set(findingDetails(result).map((finding) => finding.class));
  return byGravity.find((each) => found.has(each)) ?? "ok";
}

/** Every finding as a line for people: messages, the error, what was not checked, and the rows without a parent. */
export function findingsOf(result: CheckResult): readonly string[] {
  return findingDetails(result).map(({ message }) => message);
}

/** The same findings, in the same order, with what they speak of. */
export function findingDetails(result: CheckResult): readonly IntegrityFinding[] {
  const nothing = { table: null, index: null, page: null, rowid: null };
  const details = result.messages.map((message) => detailOf(message, result.trees));
  if (result.error !== null) {
    const { code, message } = result.error;
    const isCorrupt = isCorruption(code);
    const line = `${code ?? "error"}: ${message}`;
    details.push({ ...nothing, class: isCorrupt ? "structural" : "undecidable", message: line });
  }
  for (const message of result.unchecked) details.push({ ...nothing, class: "undecidable", message });
  for (const { table, rowid } of result.checkViolations) {
    const message = `${rowid === null ? "a row" : `row ${rowid}`} of ${table} fails a CHECK constraint`;
    details.push({ ...nothing, class: "content", table, rowid, message });
  }
  for (const { table, rowid, parent } of result.foreignKeyViolations) {
    const row = rowid === null ? "a row" : `row ${rowid}`;
    const message = `${row} of ${table} has no parent in ${parent}`;
    details.push({ ...nothing, class: "foreign_keys", table, rowid, message });
  }
  return details;
}

/** Anything not known to be about content is taken as damage: an unknown message is never harmless. */
const classes = {
  pages: "structural",
  order: "structural",
  unknown: "structural",
  index: "content",
  rows: "content",
  missing: "undecidable",
} as const satisfies Record<CheckMessage["about"], IntegrityFinding["class"]>;

function detailOf(message: string, trees: CheckResult["trees"]): IntegrityFinding {
  const parsed = parseCheckMessage(message);
  const nothing = { table: null, index: null, page: null, rowid: null };
  const found = { ...nothing, class: classes[parsed.about], message };
  if (parsed.about === "index") {
    const { index } = parsed;
    return {
      ...found,
      index,
      table: trees.find(({ name }) => name === index)?.table ?? automaticTable(index),
    };
  }
  if (parsed.about === "rows") return { ...found, table: tableAt(parsed.place, trees) };
  if (parsed.about === "order") return { ...found, table: parsed.table };
  if (parsed.about !== "pages") return found;
  const { page, rowid, rootPage } = parsed;
  const tree = trees.find((each) => each.rootPage === rootPage);
  return {
    ...found,
    page,
    rowid,
    table: tree?.table ?? null,
    index: tree?.kind === "index" ? tree.name : null,
  };
}

/** The key of a WITHOUT ROWID table is the table itself, and not in sqlite_schema: build.c, "sqlite_autoindex_%s_%d". */
function automaticTable(index: string): string | null {
  return /^sqlite_autoindex_([\s\S]+)_\d+$/.exec(index)?.[1] ?? null;
}

/** "table" or "table.column": whichever table there is; the longest name that fits. */
function tableAt(place: string, trees: CheckResult["trees"]): string | null {
  const fitting = trees
    .filter(({ kind, name }) => kind === "table" && (place === name || place.startsWith(`${name}.`)))
    .map(({ name }) => name);
  return fitting.sort((one, other) => other.length - one.length)[0] ?? null;
}

function isCorruption(code: string | null): boolean {
  return code !== null && (code.startsWith("SQLITE_CORRUPT") || code === "SQLITE_NOTADB");
}

/** Something is wrong, or may be: rows of a `rows` part that differ are not yet a finding. */
export function needsSecondLook(result: CheckResult): boolean {
  return result.suspicious || result.messages.length > 0 || isCorruption(result.error?.code ?? null);
}
