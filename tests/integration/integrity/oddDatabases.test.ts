/** Databases that are hard to divide: each gets the verdict that it has undivided, or an honest `undecidable`. */
import { Database } from "bun:sqlite";
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { findingDetails, findingsOf, verdictOf } from "../../../src/policy/integrityVerdict.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { startBunWriter } from "../../support/writers/startBunWriter.ts";
import { expectFailure, expectOk, makePool } from "../worker/harness.ts";
import { divided, notingParts, undivided, verdictOrFailure } from "./checkTwice.ts";
import { damageFile, makeDatabase } from "./damagedFile.ts";

/** On a machine that has other things to do. */
setDefaultTimeout(60_000);

const workers = makePool({ longWorkerCount: 2 });
afterAll(() => workers[Symbol.asyncDispose]());

const oddNames = [
  'a "quoted" name',
  "dotted.name",
  "🦭",
  "select",
  "5",
  "sqlite stat",
  "it's",
  "a]b[c",
  "UPPER",
];

const rows = (table: string, count: number) =>
  `WITH RECURSIVE s(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM s WHERE v < ${count})
   INSERT INTO ${table} SELECT v, 'value-' || printf('%05d', v), zeroblob(40) FROM s;`;

function makeIndexed(path: string, rowCount: number): void {
  const table = "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, body); CREATE INDEX i ON t(a);";
  makeDatabase(path, `${table} ${rows("t", rowCount)}`);
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

test("damage is found in every table, whatever its name and those of its columns and indexes", async () => {
  using directory = makeTempDirectory();
  for (const [at, name] of oddNames.entries()) {
    const path = directory.file(`${at}.db`);
    const [table, index] = [quote(name), quote(`${name} index`)];
    makeDatabase(
      path,
      `CREATE TABLE other(x); CREATE TABLE ${table}(rowid TEXT, ${quote(`${name} column`)} TEXT, body);
       CREATE INDEX ${index} ON ${table}(${quote(`${name} column`)}); ${rows(table, 600)} VACUUM;`,
    );
    const sound = notingParts(workers.pool);
    expect(verdictOrFailure(await divided(workers.pool, path, { run: sound.run }))).toBe("ok");
    expect(sound.parts.filter((part) => part.kind === "rows" && part.table === name).length).toBeGreaterThan(
      1,
    );
    damageFile(path, ({ bytes }) => {
      bytes.write("vALUE", bytes.indexOf("value-00300"));
      return undefined;
    });
    const result = expectOk(await divided(workers.pool, path));
    expect(verdictOf(result)).toBe("content");
    expect(findingDetails(result)).toEqual([
      expect.objectContaining({
        class: "content",
        table: name,
        index: `${name} index`,
        page: null,
        rowid: null,
      }),
    ]);
  }
});

test("a database without tables, and an empty file, pass", async () => {
  using directory = makeTempDirectory();
  const path = directory.file("a.db");
  await Bun.write(path, "");
  expect(verdictOrFailure(await divided(workers.pool, path))).toBe("ok");
  makeDatabase(path, "PRAGMA user_version = 1; CREATE TABLE t(x); DROP TABLE t;");
  expect(verdictOrFailure(await divided(workers.pool, path))).toBe("ok");
});

test("2,000 tables are grouped into few parts, and damage in one of them is found", async () => {
  using directory = makeTempDirectory();
  const path = directory.file("a.db");
  const tables = Array.from(
    { length: 2_000 },
    (_, at) => `CREATE TABLE t${at}(x UNIQUE); INSERT INTO t${at} VALUES ('in-${at}.');`,
  );
  makeDatabase(path, `BEGIN; ${tables.join("")} COMMIT; VACUUM;`);
  const noting = notingParts(workers.pool);
  expect(
    verdictOrFailure(
      await divided(workers.pool, path, {
        run: noting.run,
        sizes: { dividedFromBytes: 0, rowsFromPages: 2, groupPagesMin: 1, groupPagesMax: 10_000 },
      }),
    ),
  ).toBe("ok");
  expect(noting.parts.length).toBeLessThan(30);
  damageFile(path, ({ bytes }) => {
    bytes.write("IN-1234.", bytes.indexOf("in-1234."));
    return undefined;
  });
  const result = expectOk(await divided(workers.pool, path));
  expect(findingDetails(result)).toEqual([expect.objectContaining({ class: "content", table: "t1234" })]);
});

test("of more findings than a table's check gives all are told, in parts as undivided", async () => {
  using directory = makeTempDirectory();
  const path = directory.file("a.db");
  makeDatabase(
    path,
    `CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, body); CREATE INDEX i ON t(a COLLATE NOCASE) WHERE id>700; CREATE TABLE u(x); ${rows("t", 900)}`,
  );
  damageFile(path, ({ replace }) => {
    replace("WHERE id>700", "            ");
    return undefined;
  });
  const inParts = expectOk(await divided(workers.pool, path));
  expect(inParts.messages.length).toBe(701);
  expect(inParts.truncated).toBe(false);
  expect(findingsOf(inParts)).toEqual(findingsOf(expectOk(await undivided(workers.pool, path))));
  expect(expectOk(await divided(workers.pool, path, { findingsMax: 300 }))).toMatchObject({
    truncated: true,
  });
});

const missing: readonly (readonly [string, string, (replace: (from: string, to: string) => void) => void])[] =
  [
    [
      "a collation",
      "CREATE TABLE t(a TEXT COLLATE nocase); CREATE INDEX i ON t(a); INSERT INTO t VALUES ('a');",
      (replace) => replace("nocase", "theirs"),
    ],
    [
      "a function in a CHECK",
      "CREATE TABLE t(a TEXT CHECK (length(a) < 9)); INSERT INTO t VALUES ('a');",
      (replace) => replace("length", "theirs"),
    ],
    [
      "a function in an index",
      "CREATE TABLE t(a TEXT); CREATE INDEX i ON t(length(a)); INSERT INTO t VALUES ('a');",
      (replace) => replace("length", "theirs"),
    ],
    [
      "a function in a generated column",
      "CREATE TABLE t(a TEXT, b AS (length(a)) NOT NULL); INSERT INTO t VALUES ('a');",
      (replace) => replace("length", "theirs"),
    ],
    [
      "a module",
      "CREATE VIRTUAL TABLE t USING fts5(a); INSERT INTO t VALUES ('a');",
      (replace) => replace("fts5", "tttt"),
    ],
  ];

test.each([...missing])(
  "%s that is not here is undecidable, and hides no damage elsewhere",
  async (_what, sql, take) => {
    using directory = makeTempDirectory();
    const path = directory.file("a.db");
    makeDatabase(
      path,
      `${sql} CREATE TABLE other(id INTEGER PRIMARY KEY, a TEXT, body); CREATE INDEX oi ON other(a); ${rows("other", 600)}`,
    );
    damageFile(path, ({ replace }) => {
      take(replace);
      return undefined;
    });
    expect(verdictOrFailure(await divided(workers.pool, path))).toBe("undecidable");
    expect(verdictOrFailure(await undivided(workers.pool, path))).toBe("undecidable");
    damageFile(path, ({ bytes, root, offsetOf }) => {
      bytes.fill(0xa5, offsetOf(root("oi")), offsetOf(root("oi") + 1));
      return undefined;
    });
    const result = expectOk(await divided(workers.pool, path));
    expect(verdictOf(result)).toBe("structural");
    expect(findingDetails(result).find(({ class: found }) => found === "structural")).toBeDefined();
  },
);

test("a database that grows while it is checked passes", async () => {
  using directory = makeTempDirectory();
  const path = directory.file("a.db");
  await using writer = await startBunWriter({ path, rowBytes: 500, synchronous: "OFF", autocheckpoint: 100 });
  await writer.waitForRows(2_000);
  for (let round = 0; round < 5; round += 1)
    expect(verdictOrFailure(await divided(workers.pool, path))).toBe("ok");
  await writer.waitForRows(3_000);
  await writer.stop();
});

test("a worker killed in the middle costs one part, which is asked for again", async () => {
  using directory = makeTempDirectory();
  await using pool = makePool({ longWorkerCount: 2 });
  const path = directory.file("a.db");
  makeIndexed(path, 60_000);
  let killed = 0;
  const outcome = await divided(pool.pool, path, {
    onTally: (tally) => {
      const [pid] = pool.pool.ownPids();
      if (killed > 0 || tally.running.length < 2 || pid === undefined) return;
      killed = pid;
      process.kill(pid, "SIGKILL");
    },
  });
  expect(killed).toBeGreaterThan(0);
  expect(verdictOrFailure(outcome)).toBe("ok");
  expect(pool.failures).toMatchObject([{ reason: "crash", pid: killed }]);
});

test("a check that its deadline or the end of the daemon cuts short has no verdict; what was proven by then stands", async () => {
  using directory = makeTempDirectory();
  await using pool = makePool({ longWorkerCount: 2 });
  const path = directory.file("a.db");
  makeIndexed(path, 60_000);
  const late = expectFailure(await divided(pool.pool, path, { deadlineMs: 5 }));
  // On a busy machine it is over before the plan is made.
  const message = expect.stringMatching(/^(planCheck|integrity_check) did not end within 5 ms$/);
  expect(late).toMatchObject({ reason: "deadline", message });
  const abort = new AbortController();
  const stopped = divided(pool.pool, path, { signal: abort.signal, onTally: () => abort.abort() });
  expect(expectFailure(await stopped)).toMatchObject({ reason: "stopped" });
});

test("a check leaves a database and its WAL as they are, in parts too", async () => {
  using directory = makeTempDirectory();
  const path = directory.file("a.db");
  const database = new Database(path, { readwrite: true, create: true });
  database.exec(
    "PRAGMA journal_mode = WAL; CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT CHECK (a <> ''), body); CREATE INDEX i ON t(a)",
  );
  database.exec(rows("t", 600));
  const bytes = async () =>
    [await Bun.file(path).bytes(), await Bun.file(`${path}-wal`).bytes()].map((file) => Bun.hash(file));
  const before = await bytes();
  expect(verdictOrFailure(await divided(workers.pool, path))).toBe("ok");
  expect(await bytes()).toEqual(before);
  database.close(true);
});
