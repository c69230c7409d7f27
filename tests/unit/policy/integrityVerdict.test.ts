import { describe, expect, test } from "bun:test";
import {
  findingDetails,
  findingsOf,
  needsSecondLook,
  verdictOf,
} from "../../../src/policy/integrityVerdict.ts";
import { checkResult } from "../../support/builders.ts";

const result = checkResult();

describe("a check's verdict", () => {
  const violation = { table: "child", rowid: "3", parent: "parent" };
  const cases = [
    ["ok", {}],
    ["structural", { messages: ["Tree 2 page 3: btreeInitPage() returns error code 11"] }],
    ["structural", { messages: ["something that no version has said yet"] }],
    ["structural", { messages: ["row 1 missing from index i", "Page 9: never used"] }],
    ["structural", { error: { code: "SQLITE_CORRUPT_INDEX", message: "malformed" } }],
    ["content", { messages: ["row 2 missing from index i", "NULL value in t.c"] }],
    ["undecidable", { error: { code: "SQLITE_ERROR", message: "no such collation sequence: DE" } }],
    ["content", { checkViolations: [{ table: "t", rowid: null }] }],
    ["undecidable", { unchecked: ["no such module: m: virtual table v was not checked"] }],
    ["structural", { messages: ["Page 9: never used"], unchecked: ["no such module: m"] }],
    ["undecidable", { unchecked: ["no such module: m"], foreignKeyViolations: [violation] }],
    ["structural", { messages: ["row not in PRIMARY KEY order for t"] }],
    ["foreign_keys", { foreignKeyViolations: [violation] }],
  ] as const;
  test.each([...cases])("is %s", (verdict, change) => {
    expect(verdictOf({ ...result, ...change })).toBe(verdict);
  });

  test("comes with every finding as a line", () => {
    const lines = findingsOf({
      ...result,
      messages: ["a"],
      error: { code: "SQLITE_ERROR", message: "b" },
      foreignKeyViolations: [violation, { ...violation, rowid: null }],
    });
    expect(lines).toEqual([
      "a",
      "SQLITE_ERROR: b",
      "row 3 of child has no parent in parent",
      "a row of child has no parent in parent",
    ]);
  });
});

test("a finding names what it speaks of: table, index, page and rowid, as far as SQLite tells", () => {
  const trees = [
    { rootPage: 2, name: "t", table: "t", kind: "table" },
    { rootPage: 3, name: "i", table: "t", kind: "index" },
    { rootPage: 4, name: "t.c", table: "t.c", kind: "table" },
  ] as const;
  const nothing = { table: null, index: null, page: null, rowid: null };
  const details = (message: string) => findingDetails(checkResult({ messages: [message], trees }));
  const about = (message: string, found: object) => ({ ...nothing, class: "structural", message, ...found });
  for (const [message, found] of [
    ["Tree 2 page 7 cell 1: Rowid 12 out of order", { table: "t", page: 7, rowid: "12" }],
    ["Tree 3 page 8: free space corruption", { table: "t", index: "i", page: 8 }],
    ["Tree 99 page 8: free space corruption", { page: 8 }],
    ["Page 9: never used", { page: 9 }],
    ["row 5 missing from index i", { class: "content", table: "t", index: "i" }],
    [
      "wrong # of entries in index sqlite_autoindex_a_b_1",
      { class: "content", table: "a_b", index: "sqlite_autoindex_a_b_1" },
    ],
    ["NULL value in t.x", { class: "content", table: "t" }],
    ["NULL value in t.c.x", { class: "content", table: "t.c" }],
    ["NULL value in unheard.of", { class: "content" }],
    ["row not in PRIMARY KEY order for k", { table: "k" }],
  ] as const)
    expect<readonly object[]>(details(message)).toEqual([about(message, found)]);
  const [check, key] = findingDetails(
    checkResult({
      checkViolations: [{ table: "t", rowid: "9007199254740993" }],
      foreignKeyViolations: [{ table: "c", rowid: "7", parent: "p" }],
    }),
  );
  expect(check).toMatchObject({ class: "content", table: "t", rowid: "9007199254740993" });
  expect(key).toMatchObject({ class: "foreign_keys", table: "c", rowid: "7" });
});

test("a second look is for what PRAGMA may have more to say about", () => {
  expect(needsSecondLook(result)).toBe(false);
  expect(needsSecondLook(checkResult({ suspicious: true }))).toBe(true);
  expect(needsSecondLook(checkResult({ messages: ["row 1 missing from index i"] }))).toBe(true);
  expect(needsSecondLook(checkResult({ error: { code: "SQLITE_CORRUPT", message: "" } }))).toBe(true);
  expect(
    needsSecondLook(checkResult({ error: { code: "SQLITE_ERROR", message: "no such function: f" } })),
  ).toBe(false);
  expect(needsSecondLook(checkResult({ checkViolations: [{ table: "t", rowid: "1" }] }))).toBe(false);
});
