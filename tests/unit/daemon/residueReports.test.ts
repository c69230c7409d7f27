import { expect, test } from "bun:test";
import { residueFileName } from "../../../src/daemon/residueReports.ts";

test("each database has a file of its own below the state directory, whatever its name is", () => {
  const names = ["kv", "a/b", "a%2Fb", "..", ".", "", "ä".repeat(300), "ä".repeat(299), "kv.new"];
  const files = names.map(residueFileName);
  expect(new Set(files).size).toBe(names.length);
  for (const file of files) {
    expect(file).toMatch(/^[\w%~!*'()-]*\.json$/);
    expect(file.length).toBeLessThan(250);
  }
});
