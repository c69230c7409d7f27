import { expect, test } from "bun:test";
import { parseCheckMessage } from "../../../src/format/checkMessage.ts";

const pages = { about: "pages", rootPage: null, page: null, rowid: null } as const;

/** Words of SQLite 3.54; those of 3.40 where they differ. */
const messages = [
  ["Tree 4 page 142 cell 24: Extends off end of page", { ...pages, rootPage: 4, page: 142 }],
  ["Tree 4 page 142: btreeInitPage() returns error code 11", { ...pages, rootPage: 4, page: 142 }],
  ["Tree 3 page 9 right child: Child page depth differs", { ...pages, rootPage: 3, page: 9 }],
  ["Tree 3 page 9 cell 1: Rowid -5 out of order", { ...pages, rootPage: 3, page: 9, rowid: "-5" }],
  ["Tree 5 page 95 cell 5: 2nd reference to page 7", { ...pages, rootPage: 5, page: 95 }],
  ["On tree page 5 cell 3: Rowid 12 out of order", { ...pages, rootPage: 5, rowid: "12" }],
  ["On tree page 5 cell 3: 2nd reference to page 8", { ...pages, rootPage: 5, page: 8 }],
  ["Freelist: size is 30 but should be 31", pages],
  ["Freelist: 2nd reference to page 8", { ...pages, page: 8 }],
  ["Freelist: freelist leaf count too big on page 12", { ...pages, page: 12 }],
  ["Page 9: never used", { ...pages, page: 9 }],
  ["Page 9 is never used", { ...pages, page: 9 }],
  ["Multiple uses for byte 779 of page 234", { ...pages, page: 234 }],
  ["Fragmentation of 29 bytes reported as 0 on page 180", { ...pages, page: 180 }],
  ["Bad ptr map entry key=8 expected=(5,2) got=(5,9)", { ...pages, page: 8 }],
  ["row 2 missing from index i", { about: "index", index: "i" }],
  ["row 2 values differ from index of t", { about: "index", index: "of t" }],
  ["non-unique entry in index a.b", { about: "index", index: "a.b" }],
  ["wrong # of entries in index i", { about: "index", index: "i" }],
  ["rowid not at end-of-record for row 3 of index i", { about: "index", index: "i" }],
  ["NULL value in t.c", { about: "rows", place: "t.c" }],
  ["non-INT value in t.c", { about: "rows", place: "t.c" }],
  ["TEXT value in t.c", { about: "rows", place: "t.c" }],
  ["CHECK constraint failed in t", { about: "rows", place: "t" }],
  ["row not in PRIMARY KEY order for t", { about: "order", table: "t" }],
  ["no such module: theirs", { about: "missing" }],
  ["unknown function: theirs()", { about: "missing" }],
  ["malformed inverted index for FTS5 table main.f", { about: "unknown" }],
  ["something that no version has said yet", { about: "unknown" }],
  ["", { about: "unknown" }],
] as const;

test.each([...messages])("%s", (message, expected) => {
  expect(parseCheckMessage(message)).toEqual(expected);
});
