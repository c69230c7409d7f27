/** Journals that real SQLite wrote: what is read from them is what SQLite rolls back. */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { realOs } from "../../../src/host/os.ts";
import { type JournalScan, scanJournalFile } from "../../../src/observe/journalFileScan.ts";
import { spawnProcess } from "../../support/childProcess.ts";
import { requireTool, testName } from "../../support/requirements.ts";
import { slowFsyncEnvironment } from "../../support/slowFsync.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { waitFor } from "../../support/waitFor.ts";

/** Of a journal that nobody is writing. */
function scan(path: string): JournalScan {
  const result = scanWritten(path);
  expect(result.sizeBytes).toBe(statSync(path).size);
  return result.scan;
}

function scanWritten(path: string) {
  const result = scanJournalFile(realOs, path, realOs.stat(path)?.identity ?? "", null);
  if (result.kind !== "scanned") throw new Error(JSON.stringify(result));
  return result;
}

interface Rollback {
  readonly pageSizeBytes: number;
  readonly journalMode: "DELETE" | "TRUNCATE" | "PERSIST";
  readonly synchronous: "OFF" | "FULL";
}

/** A database of `pageCount` pages in the middle of a transaction that wrote more pages than its cache holds. */
function withOpenTransaction(path: string, { pageSizeBytes, journalMode, synchronous }: Rollback) {
  const database = new Database(path);
  database.exec(`PRAGMA page_size = ${pageSizeBytes}; PRAGMA synchronous = ${synchronous}`);
  database.exec("CREATE TABLE t(id INTEGER PRIMARY KEY, a BLOB)");
  const rows = "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 200) ";
  database.exec(`${rows} INSERT INTO t(a) SELECT randomblob(${pageSizeBytes}) FROM n`);
  database.exec(`PRAGMA journal_mode = ${journalMode}; PRAGMA cache_size = 10`);
  const pages = database.query<{ page_count: number }, []>("PRAGMA page_count").get();
  database.exec("BEGIN");
  database.exec(`UPDATE t SET a = randomblob(${pageSizeBytes}); ${rows} INSERT INTO t(a) SELECT i FROM n`);
  return { database, pageCount: pages?.page_count ?? 0 };
}

const skipReason = requireTool("sqlite3");

/** Opens the copy with the system's SQLite, and returns what it says it rolled back; 0: nothing. */
function rolledBackPageCount(path: string): number {
  const { stderr } = spawnSync("sqlite3", ["-cmd", ".log stderr", path, "SELECT count(*) FROM t"], {
    encoding: "utf8",
  });
  return Number(/recovered (\d+) pages from/.exec(stderr)?.[1] ?? 0);
}

describe.skipIf(skipReason !== null)(testName("a hot journal", skipReason), () => {
  test.each([512, 1024, 4096, 16384, 65536])(
    "page size %d: its pages are those that SQLite rolls back, its page count the one that comes of it",
    (pageSizeBytes) => {
      for (const synchronous of ["OFF", "FULL"] as const) {
        using directory = makeTempDirectory();
        const path = directory.file("kv.db");
        const { database, pageCount } = withOpenTransaction(path, {
          pageSizeBytes,
          journalMode: "DELETE",
          synchronous,
        });
        const copy = directory.file("copy.db");
        for (const suffix of ["", "-journal"]) copyFileSync(`${path}${suffix}`, `${copy}${suffix}`);
        database.exec("ROLLBACK");
        database.close();
        const { header, recordCount, superJournalName } = scan(`${copy}-journal`);
        expect(header).toMatchObject({
          kind: "header",
          header: { initialPageCount: pageCount, pageSizeBytes },
        });
        expect(superJournalName).toBeNull();
        expect(recordCount).toBeGreaterThan(100);
        expect(rolledBackPageCount(copy)).toBe(recordCount ?? -1);
        expect(statSync(copy).size).toBe(pageCount * pageSizeBytes);
      }
    },
  );

  test("one that names a super-journal that is gone is not rolled back, with one that is there it is", () => {
    for (const superJournalExists of [false, true]) {
      using directory = makeTempDirectory();
      const path = directory.file("kv.db");
      const { database } = withOpenTransaction(path, {
        pageSizeBytes: 1024,
        journalMode: "DELETE",
        synchronous: "FULL",
      });
      const copy = directory.file("copy.db");
      copyFileSync(path, copy);
      const superJournal = directory.file("kv.db-mj00000001");
      const journal = Buffer.concat([readFileSync(`${path}-journal`), trailer(superJournal)]);
      writeFileSync(`${copy}-journal`, journal);
      if (superJournalExists) writeFileSync(superJournal, `${copy}-journal\0`);
      database.exec("ROLLBACK");
      database.close();
      expect(scan(`${copy}-journal`).superJournalName).toBe(superJournal);
      expect(rolledBackPageCount(copy) > 0).toBe(superJournalExists);
      expect(existsSync(`${copy}-journal`)).toBe(false);
    }
  });
});

function trailer(name: string): Buffer {
  const numbers = Buffer.alloc(8);
  numbers.writeUInt32BE(name.length);
  numbers.writeUInt32BE(
    [...Buffer.from(name)].reduce((sum, byte) => sum + byte, 0),
    4,
  );
  return Buffer.concat([Buffer.from(name), numbers, Buffer.from("d9d505f920a163d7", "hex")]);
}

test.each([
  ["PERSIST", "zeroed"],
  ["TRUNCATE", "empty"],
] as const)("after a commit in journal mode %s the journal is %s", (journalMode, kind) => {
  using directory = makeTempDirectory();
  const path = directory.file("kv.db");
  const { database } = withOpenTransaction(path, { pageSizeBytes: 1024, journalMode, synchronous: "FULL" });
  expect(scan(`${path}-journal`).header.kind).toBe("header");
  database.exec("COMMIT");
  expect(scan(`${path}-journal`)).toMatchObject({ header: { kind }, recordCount: 0 });
  database.close();
});

test("a journal that was not synced yet begins with zeroes: nothing is in the database file", () => {
  using directory = makeTempDirectory();
  const path = directory.file("kv.db");
  using database = new Database(path);
  database.exec("PRAGMA journal_mode = DELETE; CREATE TABLE t(a); INSERT INTO t VALUES (1)");
  database.exec("BEGIN; UPDATE t SET a = 2");
  expect(scan(`${path}-journal`).header).toEqual({ kind: "zeroed" });
  database.exec("ROLLBACK");
});

const slowSkipReason = requireTool("sqlite3", "gcc");

test.skipIf(slowSkipReason !== null)(
  testName(
    "a transaction over two files that is killed as it commits names its super-journal",
    slowSkipReason,
  ),
  async () => {
    using directory = makeTempDirectory();
    const [one, two] = [directory.file("one.db"), directory.file("two.db")];
    for (const path of [one, two])
      execFileSync("sqlite3", [path, "CREATE TABLE t(a); INSERT INTO t VALUES ('before')"]);
    {
      await using application = spawnProcess({
        command: [
          "sqlite3",
          one,
          `ATTACH '${two}' AS two; BEGIN; UPDATE main.t SET a='x'; UPDATE two.t SET a='x'; COMMIT`,
        ],
        environment: { ...process.env, ...slowFsyncEnvironment(directory, 200) },
      });
      await waitFor("the super-journal's name", () =>
        [one, two].every(
          (path) =>
            existsSync(`${path}-journal`) && scanWritten(`${path}-journal`).scan.superJournalName !== null,
        ),
      );
      await application.kill();
    }
    const { superJournalName } = scan(`${one}-journal`);
    expect(superJournalName).toStartWith(`${one}-mj`);
    expect(scan(`${two}-journal`).superJournalName).toBe(superJournalName);
    expect(existsSync(superJournalName ?? "")).toBe(true);
    for (const path of [one, two])
      expect(execFileSync("sqlite3", [path, "SELECT a FROM t"], { encoding: "utf8" })).toBe("before\n");
  },
);
