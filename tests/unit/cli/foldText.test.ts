import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { fold, foldRows } from "../../../src/cli/foldText.ts";
import { renderingFor } from "../../../src/cli/rendering.ts";

describe("fold", () => {
  test("breaks between words, and what follows stands under the text", () => {
    expect(fold("wrong: ", "the quick brown fox jumps over the lazy dog", 7, 32)).toEqual([
      "wrong: the quick brown fox jumps",
      "       over the lazy dog",
    ]);
  });

  test("leaves a word whole that is wider than the line, so that a path can be copied", () => {
    const path = `/var/lib/${"deep/".repeat(20)}kv.db`;
    expect(fold("", `keep ${path} there`, 2, 40)).toEqual(["keep", `  ${path}`, "  there"]);
  });

  test("without a width nothing is folded", () => {
    expect(fold("a  ", "word ".repeat(100), 3, undefined)).toHaveLength(1);
  });

  test("no word is lost or added, and no line is wider than it must be", () => {
    const words = fc.array(fc.stringMatching(/^[a-z日]{1,12}$/), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(
        words,
        fc.integer({ min: 0, max: 20 }),
        fc.integer({ min: 1, max: 120 }),
        (all, indent, width) => {
          const lines = fold(" ".repeat(indent), all.join(" "), indent, width);
          expect(lines.map((line) => line.trim()).join(" ")).toBe(all.join(" "));
          for (const line of lines)
            expect(Bun.stringWidth(line)).toBeLessThanOrEqual(Math.max(width, indent + 24));
        },
      ),
    );
  });
});

test("rows have their titles in one column and their texts in another", () => {
  const rows = [
    ["file", "one two three four five six seven eight"],
    ["WAL-index", "none"],
  ] as const;
  expect(foldRows(rows, 36)).toEqual([
    "file       one two three four five",
    "           six seven eight",
    "WAL-index  none",
  ]);
});

describe("the width is", () => {
  const io = {
    environment: {},
    workingDirectory: "/",
    stdout: () => undefined,
    stderr: () => undefined,
    isTerminal: true,
    terminalColumns: 132,
  };
  const widthOf = (change: object) => renderingFor({ ...io, ...change }, 0).widthColumns;

  test("the terminal's, and 80 columns where it does not say", () => {
    expect(widthOf({})).toBe(132);
    expect(widthOf({ terminalColumns: undefined })).toBe(80);
  });

  test("none for a file or a pipe: whole lines can be searched", () => {
    expect(widthOf({ isTerminal: false })).toBeUndefined();
    expect(widthOf({ isTerminal: false, terminalColumns: undefined })).toBeUndefined();
  });

  test("what COLUMNS says, if it is a number", () => {
    expect(widthOf({ environment: { COLUMNS: "200" } })).toBe(200);
    expect(widthOf({ isTerminal: false, environment: { COLUMNS: "99999" } })).toBe(99_999);
    for (const COLUMNS of ["", "0", "-1", "wide", "1e3"])
      expect(widthOf({ environment: { COLUMNS } })).toBe(132);
  });
});
