import { expect, test } from "bun:test";
import { checkConstraints } from "../../../src/format/checkConstraints.ts";

const statements: readonly (readonly [string, readonly string[]])[] = [
  ["CREATE TABLE t(a CHECK (a > 0), b, CHECK(b IN (1, (2))))", [" a > 0".trim(), "b IN (1, (2))"]],
  [
    "CREATE TABLE t(a check/* not ( this */\n(a <> ')'), CONSTRAINT c CHECK (a <> '(' ))",
    ["a <> ')'", "a <> '(' "],
  ],
  ["CREATE TABLE t(\"CHECK(a)\" , [CHECK (b)], `check(c)`, x DEFAULT 'CHECK(d)')", []],
  ["CREATE TABLE t(a, -- CHECK (a)\n b /* CHECK (b) */)", []],
  [
    'CREATE TABLE t(recheck(5), check5 (6), a CHECK ("it)s" IS [)] OR `(` = 1))',
    ['"it)s" IS [)] OR `(` = 1'],
  ],
  ["CREATE TABLE t(a CHECK (a > (1)", []],
  ["", []],
];

test.each([...statements])("the constraints of %s", (sql, constraints) => {
  expect(checkConstraints(sql)).toEqual([...constraints]);
});
