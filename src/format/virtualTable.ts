/**
 * The module of a virtual table, read from its statement in sqlite_schema: SQLite opens such a table only when the module
 * is there, and PRAGMA integrity_check passes over one whose module is not, without a word (pragma.c: "if
 * sqlite3HashFind(&db->aModule, zMod)==0 continue").
 *
 * SQLite stores "CREATE VIRTUAL TABLE " and then the text from the table's name on as it was written (vtab.c,
 * sqlite3VtabFinishParse). Names: sqlite.org/lang_keywords.html.
 */

const gap = String.raw`(?:\s|/\*[\s\S]*?\*/|--[^\n]*\n)*`;
const name = String.raw`"(?:[^"]|"")*"|'(?:[^']|'')*'|\[[^\]]*\]|\x60(?:[^\x60]|\x60\x60)*\x60|[^\s"'\[\x60(;/]+`;
const statement = new RegExp(
  String.raw`^CREATE\s+VIRTUAL\s+TABLE\s${gap}(?:${name})${gap}USING${gap}(${name})`,
  "i",
);

/** Null: it is no such statement. */
export function virtualTableModule(sql: string): string | null {
  const written = statement.exec(sql)?.[1];
  return written === undefined ? null : unquoted(written);
}

function unquoted(written: string): string {
  const first = written[0] ?? "";
  if (!"\"'[`".includes(first)) return written;
  const close = first === "[" ? "]" : first;
  return written.slice(1, -1).replaceAll(close + close, close);
}
