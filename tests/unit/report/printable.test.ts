import { expect, test } from "bun:test";
import { printable } from "../../../src/report/printable.ts";

test("control characters and marks that reorder text are shown, not obeyed", () => {
  expect(printable("a\nb\u001b[31m\u0085\u202e")).toBe("a\\x0ab\\x1b[31m\\x85\\u{202e}");
});

test("text that can be read stays as it is", () => {
  expect(printable("Zürich 日本 'quoted'")).toBe("Zürich 日本 'quoted'");
});
