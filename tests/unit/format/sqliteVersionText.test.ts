import { expect, test } from "bun:test";
import fc from "fast-check";
import {
  findSqliteTexts,
  sqliteBuildsIn,
  sqliteTextMaxBytes,
  versionOfNumber,
} from "../../../src/format/sqliteVersionText.ts";

const hash = "df5c253c0b3dd24916e4ec7cf77d3db5294cc9fd45ae7b9c5e82ad8197f38a24";
const debian = `2022-12-28 14:03:47 ${hash.slice(0, 60)}alt1`;

function buildsOf(...texts: readonly string[]) {
  return sqliteBuildsIn(findSqliteTexts(`\x7fELF\0${texts.join("\0")}\0`));
}

test("the version is told by the source id that fits it, among the versions of other libraries", () => {
  expect(buildsOf("3.0.13", debian, "3.40.1", "3.2.7", "3.41.0")).toEqual([
    { sourceId: debian, sourceDate: "2022-12-28", version: "3.40.1" },
  ]);
});

test("ids of one source are one SQLite: FTS5 carries the one of the unchanged source", () => {
  expect(buildsOf(`fts5: 2022-12-28 14:03:47 ${hash}`, debian, "3.40.1")).toHaveLength(1);
});

test("sources of before 3.21 have a hash of 40 digits", () => {
  const old = `2017-03-28 18:48:43 ${hash.slice(0, 40)}`;
  expect(buildsOf(old, "3.18.0")).toEqual([{ sourceId: old, sourceDate: "2017-03-28", version: "3.18.0" }]);
});

test("a version that no release then had is not believed; a newer release than the table is", () => {
  expect(buildsOf(debian, "3.38.2")[0]?.version).toBeNull();
  expect(buildsOf(debian)[0]?.version).toBeNull();
  expect(buildsOf(`2026-10-16 14:45:20 ${hash}`, "3.54.1", "3.1.1", "3.15.0")[0]?.version).toBe("3.54.1");
  expect(buildsOf(`2026-03-13 10:38:09 ${hash}`, "3.50.7", "3.1.1")[0]?.version).toBe("3.50.7");
});

test("two versions that fit are no version", () => {
  expect(buildsOf(`2026-10-16 14:45:20 ${hash}`, "3.54.1", "3.55.0")[0]?.version).toBeNull();
});

test("a part of a longer number is no version, and one that NUL does not end is none", () => {
  expect(findSqliteTexts(`13.40.1\0x1.3.40.1\0 3.40.1 \0`).versions).toEqual([]);
  expect(findSqliteTexts(`3.40.1\0`).versions).toEqual(["3.40.1"]);
});

test("two different sources are two SQLites", () => {
  expect(
    buildsOf(debian, `2026-01-09 17:27:48 ${hash}`, "3.40.1", "3.51.2").map(({ version }) => version),
  ).toEqual(["3.40.1", "3.51.2"]);
});

test("the version number of a header is spelled as people know it", () => {
  expect([3040001, 3051002, 3007017, 0, 4_294_967_295].map(versionOfNumber)).toEqual([
    "3.40.1",
    "3.51.2",
    "3.7.17",
    null,
    null,
  ]);
});

test("no text that is looked for is longer than chunks of a file overlap, and no bytes throw", () => {
  expect(debian.length).toBeLessThan(sqliteTextMaxBytes);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      sqliteBuildsIn(findSqliteTexts(Buffer.from(bytes).toString("latin1")));
    }),
    { numRuns: 2_000 },
  );
});
