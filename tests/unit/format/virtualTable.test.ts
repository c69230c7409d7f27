import { expect, test } from "bun:test";
import { virtualTableModule } from "../../../src/format/virtualTable.ts";

const statements: readonly (readonly [string, string | null])[] = [
  ["CREATE VIRTUAL TABLE t USING fts5(a)", "fts5"],
  ["CREATE VIRTUAL TABLE t using rtree", "rtree"],
  ['CREATE VIRTUAL TABLE "a USING b" USING "my ""own"" module"(x)', 'my "own" module'],
  ["CREATE VIRTUAL TABLE [using]USING[m]", "m"],
  ["CREATE VIRTUAL TABLE `a``b` USING `m`(x)", "m"],
  ["CREATE VIRTUAL TABLE 'it''s' USING 'm'", "m"],
  ["CREATE VIRTUAL TABLE t /* USING other */ USING\n-- or this\nfts5(a)", "fts5"],
  ["CREATE TABLE t(a)", null],
  ["", null],
];

test.each([...statements])("the module of %s", (sql, module) => {
  expect(virtualTableModule(sql)).toBe(module);
});
