/** The parsers against files that SQLite itself wrote, of both versions at hand and in every page size. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { parseDatabaseHeader } from "../../../src/format/databaseHeader.ts";
import { parseWalHeader } from "../../../src/format/walHeader.ts";
import { parseWalIndex } from "../../../src/format/walIndex.ts";
import { spawnProcess } from "../../support/childProcess.ts";
import { requireTool, testName } from "../../support/requirements.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { waitFor } from "../../support/waitFor.ts";
import { startSqlProcess } from "./sqlProcess.ts";

const pageSizesBytes = [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536];
const noCli = requireTool("sqlite3");

function readParsed(path: string) {
  const database = parseDatabaseHeader(readFileSync(path));
  const wal = parseWalHeader(readFileSync(`${path}-wal`));
  const index = parseWalIndex(readFileSync(`${path}-shm`));
  if (database.kind !== "header" || wal.kind !== "header" || index.kind !== "index")
    throw new Error(`not parsed: ${database.kind}, ${wal.kind}, ${index.kind}`);
  return { database: database.header, wal: wal.header, index: index.index };
}

describe("files of bun:sqlite", () => {
  test.each(pageSizesBytes)(
    "page size %d: header, WAL header and WAL-index agree with SQLite",
    async (size) => {
      using directory = makeTempDirectory();
      await using application = startSqlProcess();
      const path = directory.file("kv.db");
      await application.run(
        path,
        `PRAGMA page_size=${size}; PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0;
       CREATE TABLE t(a); INSERT INTO t VALUES(1); INSERT INTO t VALUES(2)`,
      );
      const before = readParsed(path);
      expect(before.wal.pageSizeBytes).toBe(size);
      expect(before.index).toMatchObject({ pageSizeBytes: size, nBackfill: 0 });
      expect([before.index.salt1, before.index.salt2]).toEqual([before.wal.salt1, before.wal.salt2]);

      const [columns] = await application.run(path, "PRAGMA wal_checkpoint(PASSIVE)");
      const [pages] = await application.run(path, "PRAGMA page_count");
      const after = readParsed(path);
      expect(columns).toEqual({ busy: 0, log: after.index.mxFrame, checkpointed: after.index.nBackfill });
      expect(after.index).toMatchObject({ mxFrame: before.index.mxFrame, nBackfill: before.index.mxFrame });
      expect(after.index.pageCount).toBe(Number(pages?.page_count));
      expect(after.database).toMatchObject({
        pageSizeBytes: size,
        inWalMode: true,
        pageCountValid: true,
        pageCount: after.index.pageCount,
      });
    },
  );

  test("a WAL that starts over has the next salt and sequence number, in WAL and WAL-index", async () => {
    using directory = makeTempDirectory();
    await using application = startSqlProcess();
    const path = directory.file("kv.db");
    await application.run(path, "PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES(1)");
    const before = readParsed(path);
    await application.run(path, "PRAGMA wal_checkpoint(RESTART)");
    await application.run(path, "INSERT INTO t VALUES(2)");
    const after = readParsed(path);
    expect(after.wal.salt1).toBe((before.wal.salt1 + 1) >>> 0);
    expect(after.wal.checkpointSequence).toBe(before.wal.checkpointSequence + 1);
    expect(after.index).toMatchObject({ mxFrame: 1, nBackfill: 0, salt1: after.wal.salt1 });
  });

  test("no mutation of the real files makes a parser throw", async () => {
    using directory = makeTempDirectory();
    await using application = startSqlProcess();
    const path = directory.file("kv.db");
    await application.run(path, "PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES(1)");
    const parsers = [parseDatabaseHeader, parseWalHeader, parseWalIndex] as const;
    const originals = ["", "-wal", "-shm"].map((suffix) => readFileSync(path + suffix).subarray(0, 200));
    const mutations = fc.array(fc.tuple(fc.nat(135), fc.nat(255)), { maxLength: 8 });
    fc.assert(
      fc.property(fc.nat(2), fc.nat(2), mutations, fc.nat(200), (file, parser, changes, byteCount) => {
        const bytes = Uint8Array.from(originals[file] ?? []).subarray(0, byteCount);
        for (const [offset, value] of changes) if (offset < bytes.length) bytes[offset] = value;
        expect(parsers[parser]?.(bytes).kind).toBeString();
      }),
      { numRuns: 500 },
    );
  });
});

describe("files of the sqlite3 command line tool", () => {
  test.skipIf(noCli !== null)(testName("every page size agrees with its pragmas", noCli), async () => {
    using directory = makeTempDirectory();
    const pagesOf = directory.file("pages");
    const script = pageSizesBytes.map(
      (size) => `.open ${directory.file(`${size}.db`)}
PRAGMA page_size=${size};
PRAGMA journal_mode=WAL;
PRAGMA wal_autocheckpoint=0;
CREATE TABLE t(a);
INSERT INTO t VALUES(zeroblob(9000));
.shell cp ${directory.file(`${size}.db-wal`)} ${directory.file(`${size}.copy-wal`)}
.shell cp ${directory.file(`${size}.db-shm`)} ${directory.file(`${size}.copy-shm`)}
.output ${pagesOf}${size}
PRAGMA page_count;
.output`,
    );
    await using cli = spawnProcess({ command: ["sqlite3"] });
    cli.send(`${script.join("\n")}\n`);
    cli.endInput();
    expect(await cli.exited).toBe(0);
    for (const size of pageSizesBytes) {
      const pageCount = Number(
        await waitFor("the page count", () => readFileSync(`${pagesOf}${size}`, "utf8")),
      );
      const database = parseDatabaseHeader(readFileSync(directory.file(`${size}.db`)));
      const wal = parseWalHeader(readFileSync(directory.file(`${size}.copy-wal`)));
      const index = parseWalIndex(readFileSync(directory.file(`${size}.copy-shm`)));
      expect(database).toMatchObject({ kind: "header", header: { pageSizeBytes: size, pageCount } });
      expect(wal).toMatchObject({ kind: "header", header: { pageSizeBytes: size } });
      expect(index).toMatchObject({ kind: "index", index: { pageSizeBytes: size, pageCount } });
    }
  });
});
