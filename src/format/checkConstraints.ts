/**
 * The CHECK constraints of a table, read from its statement in sqlite_schema: what stands between the parentheses.
 *
 * They are needed as text because SQLite does not read them at all for a file that is opened read-only (build.c,
 * sqlite3AddCheckConstraint: "&& !sqlite3BtreeIsReadonly(...)"), so PRAGMA integrity_check passes over them there.
 *
 * CHECK is a reserved word: outside of quotes and comments it is nothing else. Tokens: sqlite.org/lang_keywords.html,
 * sqlite.org/lang_comment.html.
 */

const token =
  /"(?:[^"]|"")*"|'(?:[^']|'')*'|\[[^\]]*\]|`(?:[^`]|``)*`|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|[()]|[\p{L}\p{N}_$]+|\s+|[\s\S]/gu;

/** In the order in which they are written; one that never ends is not there. */
export function checkConstraints(sql: string): readonly string[] {
  const found: string[] = [];
  /** The parenthesis that a CHECK waits for, then where its expression begins. */
  let awaited = false;
  let open: { readonly from: number; depth: number } | null = null;
  for (const { 0: text, index } of sql.matchAll(token)) {
    if (open !== null) {
      if (text === "(") open.depth += 1;
      if (text !== ")") continue;
      open.depth -= 1;
      if (open.depth > 0) continue;
      found.push(sql.slice(open.from, index));
      open = null;
    } else if (awaited && text === "(") {
      open = { from: index + 1, depth: 1 };
      awaited = false;
    } else if (text.toUpperCase() === "CHECK") awaited = true;
    else if (!/^(\s|--|\/\*)/.test(text)) awaited = false;
  }
  return found;
}
