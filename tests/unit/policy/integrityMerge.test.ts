import { expect, test } from "bun:test";
import { mergeResults, withSuspicion } from "../../../src/policy/integrityMerge.ts";
import { verdictOf } from "../../../src/policy/integrityVerdict.ts";
import { checkResult } from "../../support/builders.ts";

const ok = checkResult();
const missing = { code: "SQLITE_ERROR", message: "no such collation sequence: theirs" };
const corrupt = { code: "SQLITE_CORRUPT", message: "database disk image is malformed" };

test("parts that found nothing are ok together, and one that could not decide is not ok", () => {
  expect(verdictOf(mergeResults([ok, ok], null, 10))).toBe("ok");
  expect(verdictOf(mergeResults([ok, checkResult({ error: missing })], null, 10))).toBe("undecidable");
  expect(
    verdictOf(mergeResults([checkResult({ error: missing }), checkResult({ error: corrupt })], null, 10)),
  ).toBe("structural");
});

test("the second look is the result, without what parts named twice or stopped at", () => {
  const parts = [checkResult({ messages: ["a", "b"] }), checkResult({ messages: ["b"], truncated: true })];
  const whole = checkResult({ messages: ["a", "b", "c"] });
  expect(mergeResults(parts, whole, 10)).toMatchObject({ messages: ["a", "b", "c"], truncated: false });
});

test("rows that only seemed to differ are ok when PRAGMA finds nothing", () => {
  expect(verdictOf(mergeResults([checkResult({ suspicious: true })], ok, 10))).toBe("ok");
});

test("what a PRAGMA of a part found is not taken back by a second look that finds nothing", () => {
  const merged = mergeResults([checkResult({ messages: ["row 1 missing from index i"] })], ok, 10);
  expect(verdictOf(merged)).toBe("content");
});

test("where the second look cannot decide, what the parts found stands, and what they suspect is no ok", () => {
  const whole = checkResult({ error: missing });
  const found = mergeResults([checkResult({ messages: ["Page 9: never used"] })], whole, 10);
  expect(verdictOf(found)).toBe("structural");
  const suspected = mergeResults([checkResult({ suspicious: true })], whole, 10);
  expect(verdictOf(withSuspicion(suspected))).toBe("undecidable");
});

test("a suspicion that nobody could look into is told, and is no proof", () => {
  const suspected = withSuspicion(mergeResults([checkResult({ suspicious: true })], null, 10));
  expect(verdictOf(suspected)).toBe("undecidable");
  expect(suspected.unchecked).toHaveLength(1);
  expect(withSuspicion(ok)).toEqual(ok);
});

test("findings are cut at the number that is kept, and that is said", () => {
  const violation = (rowid: string) => ({ table: "c", rowid, parent: "p" });
  const parts = [
    checkResult({ foreignKeyViolations: [violation("1"), violation("2")] }),
    checkResult({ foreignKeyViolations: [violation("3")] }),
  ];
  expect(mergeResults(parts, null, 2)).toMatchObject({
    truncated: true,
    foreignKeyViolations: [violation("1"), violation("2")],
  });
  expect(mergeResults(parts, null, 3).truncated).toBe(false);
});
