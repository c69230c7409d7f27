/** Frames without salts are found in the WALs of all page sizes, with what lies before them, and a look is bounded. */
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { closeSync, openSync, readFileSync, statSync, writeSync } from "node:fs";
import { parseWalHeader, saltsOf, walFrameBytes, walHeaderBytes } from "../../../src/format/walHeader.ts";
import { realOs } from "../../../src/host/os.ts";
import { lookForUnsaltedFrames } from "../../../src/observe/unsaltedFrames.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";

/** One transaction of many frames, and one of few. */
function makeWal(path: string, pageSizeBytes: number, pageCount: number): Database {
  const database = new Database(path);
  database.exec(
    `PRAGMA page_size = ${pageSizeBytes}; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0`,
  );
  database.exec("CREATE TABLE t(p BLOB); PRAGMA wal_checkpoint(TRUNCATE)");
  const fill = `WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < ${pageCount})`;
  database.exec(`${fill} INSERT INTO t SELECT zeroblob(${pageSizeBytes - 100}) FROM n`);
  database.exec("INSERT INTO t VALUES (1)");
  return database;
}

function looksAt(path: string, pageSizeBytes: number) {
  const bytes = readFileSync(`${path}-wal`);
  const parsed = parseWalHeader(bytes.subarray(0, walHeaderBytes));
  if (parsed.kind !== "header") throw new Error("the WAL has a header");
  const { dev, ino } = statSync(`${path}-wal`);
  const mxFrame = Math.floor((bytes.byteLength - walHeaderBytes) / walFrameBytes(pageSizeBytes));
  const question = {
    fileIdentity: `${dev}:${ino}`,
    walIdentity: saltsOf(parsed.header),
    pageSizeBytes,
    mxFrame,
  };
  const look = (fromFrame: number) => lookForUnsaltedFrames(realOs, path, { ...question, fromFrame });
  const clear = (frame: number): void => {
    const descriptor = openSync(`${path}-wal`, "r+");
    writeSync(
      descriptor,
      new Uint8Array(8),
      0,
      8,
      walHeaderBytes + (frame - 1) * walFrameBytes(pageSizeBytes) + 8,
    );
    closeSync(descriptor);
  };
  return { mxFrame, look, clear };
}

for (const pageSizeBytes of [512, 4_096, 8_192, 65_536]) {
  test(`the first is found among pages of ${pageSizeBytes} bytes, and whether a commit lies before it`, () => {
    using directory = makeTempDirectory();
    const path = directory.file("a.db");
    using _database = makeWal(path, pageSizeBytes, 100);
    const { mxFrame, look, clear } = looksAt(path, pageSizeBytes);
    expect(look(0)).toEqual({ kind: "looked", toFrame: mxFrame, frame: null, hasCommitBefore: false });
    clear(mxFrame);
    expect(look(0)).toMatchObject({ frame: mxFrame, hasCommitBefore: true });
    clear(70);
    clear(90);
    expect(look(0)).toMatchObject({ frame: 70, hasCommitBefore: false });
    expect(look(69)).toMatchObject({ frame: 70, hasCommitBefore: false });
    expect(look(70)).toMatchObject({ frame: 90, hasCommitBefore: false });
  });
}

test("one look reads some 4 MB, and the next one goes on", () => {
  using directory = makeTempDirectory();
  const path = directory.file("a.db");
  using _database = makeWal(path, 4_096, 3_000);
  const { mxFrame, look, clear } = looksAt(path, 4_096);
  clear(mxFrame);
  expect(look(0)).toMatchObject({ kind: "looked", toFrame: 1_018, frame: null });
  expect(look(2_900)).toMatchObject({ toFrame: mxFrame, frame: mxFrame, hasCommitBefore: true });
});
