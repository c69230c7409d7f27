/**
 * One message of PRAGMA integrity_check or quick_check: what it speaks of. Words of SQLite 3.54 and of 3.40 (Debian 12).
 *
 * Sources: src/btree.c, sqlite3BtreeIntegrityCheck and checkTreePage ("Tree %u page %u cell %u: ", before 3.44 "On tree
 * page %u cell %d: "; "Freelist: "; "Page %u: never used"); src/pragma.c ("row %d missing from index %s": the number
 * counts rows, it is no rowid; "NULL value in %s.%s").
 *
 * A name at the end of a message may hold anything, dots and spaces too: a column is not told from its table by the text
 * alone, so the text behind "in" is given as it is.
 */

export type CheckMessage =
  /** A page is damaged, or its owner is not who it should be. */
  | {
      readonly about: "pages";
      readonly rootPage: number | null;
      readonly page: number | null;
      readonly rowid: string | null;
    }
  /** An index disagrees with its table. */
  | { readonly about: "index"; readonly index: string }
  /** Rows of a table disagree with its definition; `place` is "table" or "table.column". */
  | { readonly about: "rows"; readonly place: string }
  /** The rows of a table are in disorder. */
  | { readonly about: "order"; readonly table: string }
  /** Something that the check needs is not here. */
  | { readonly about: "missing" }
  /** Not known: taken as damage. */
  | { readonly about: "unknown" };

const indexMessages: readonly RegExp[] = [
  /^row \d+ missing from index ([\s\S]+)$/,
  /^row \d+ values differ from index ([\s\S]+)$/,
  /^rowid not at end-of-record for row \d+ of index ([\s\S]+)$/,
  /^non-unique entry in index ([\s\S]+)$/,
  /^wrong # of entries in index ([\s\S]+)$/,
];

const rowMessages: readonly RegExp[] = [
  /^NULL value in ([\s\S]+)$/,
  /^non-\w+ value in ([\s\S]+)$/,
  /^(?:TEXT|NUMERIC|REAL|INTEGER|BLOB) value in ([\s\S]+)$/,
  /^CHECK constraint failed in ([\s\S]+)$/,
];

/** The tree of a WITHOUT ROWID table is in disorder: lookups miss rows that are there. */
const orderMessage = /^row not in PRIMARY KEY order for ([\s\S]+)$/;

const missingMessages: readonly RegExp[] = [
  /no such collation sequence/i,
  /no such function/i,
  /no such module/i,
  /unknown function/i,
  /unsafe use of/i,
];

const treePlaces: readonly RegExp[] = [
  /^Tree (?<root>\d+) page (?<page>\d+)/,
  /^On tree page (?<root>\d+) cell/,
  /^Freelist: /,
  /^Page (?<page>\d+)(?: is never used|: never used|: pointer map referenced)/,
  /^Page (?<page>\d+): /,
  /^(?:Multiple uses for byte|Fragmentation of) .* (?:of|on) page (?<page>\d+)/,
  /^(?:invalid page number|2nd reference to page|Failed to read ptrmap key=|Bad ptr map entry key=)/,
];

export function parseCheckMessage(message: string): CheckMessage {
  const index = firstGroup(indexMessages, message);
  if (index !== null) return { about: "index", index };
  const place = firstGroup(rowMessages, message);
  if (place !== null) return { about: "rows", place };
  const table = firstGroup([orderMessage], message);
  if (table !== null) return { about: "order", table };
  for (const pattern of treePlaces) {
    const match = pattern.exec(message);
    if (match === null) continue;
    return {
      about: "pages",
      rootPage: numberOf(match.groups?.root),
      page: numberOf(match.groups?.page) ?? pageWithin(message),
      rowid: /\bRowid (-?\d+) out of order/.exec(message)?.[1] ?? null,
    };
  }
  return missingMessages.some((pattern) => pattern.test(message))
    ? { about: "missing" }
    : { about: "unknown" };
}

function firstGroup(patterns: readonly RegExp[], message: string): string | null {
  for (const pattern of patterns) {
    const found = pattern.exec(message)?.[1];
    if (found !== undefined) return found;
  }
  return null;
}

/** The page that the text itself names, where its head names none. */
function pageWithin(message: string): number | null {
  return numberOf(/(?:\bpage(?: number)?|\bkey=) ?(\d+)/.exec(message.replace(/^On tree page \d+/, ""))?.[1]);
}

function numberOf(text: string | undefined): number | null {
  return text === undefined ? null : Number(text);
}
