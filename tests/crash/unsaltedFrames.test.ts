/**
 * SQLite's own way to a hole in a WAL (format/walRemains.ts): after ROLLBACK TO a savepoint whose changes had spilled and
 * were written over, some versions commit frames without salts. Every connection reads them; recovery ends before them,
 * and with it go all commits since, synced or not. Made with the sqlite3 tool of the system; where that has no such bug
 * only the first promise is left to keep.
 */
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { closeSync, openSync, readFileSync } from "node:fs";
import { scanWal } from "../../src/format/walScan.ts";
import { realOs } from "../../src/host/os.ts";
import { countCommits } from "../../src/observe/newFrames.ts";
import { walEnding } from "../../src/policy/walEnding.ts";
import { requireTool, testName } from "../support/requirements.ts";
import { makeTempDirectory } from "../support/tempDirectory.ts";

const skipReason = requireTool("sqlite3");
const commitsBehind = 5;
const script = (copy: string) => `
PRAGMA journal_mode = WAL;
CREATE TABLE t(id INTEGER PRIMARY KEY, p BLOB);
WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 400) INSERT INTO t(p) SELECT randomblob(900) FROM n;
PRAGMA wal_checkpoint(TRUNCATE);
PRAGMA cache_size = 5;
PRAGMA wal_autocheckpoint = 0;
PRAGMA synchronous = FULL;
INSERT INTO t(p) VALUES (randomblob(10));
BEGIN;
UPDATE t SET p = randomblob(900) WHERE id < 40;
SAVEPOINT s;
UPDATE t SET p = randomblob(900) WHERE id BETWEEN 100 AND 200;
UPDATE t SET p = randomblob(900) WHERE id BETWEEN 100 AND 200;
ROLLBACK TO s;
UPDATE t SET p = randomblob(900) WHERE id BETWEEN 300 AND 320;
COMMIT;
${"INSERT INTO t(p) VALUES (randomblob(10));\n".repeat(commitsBehind)}
.shell ${copy}
SELECT count(*) FROM t;
`;

test.skipIf(skipReason !== null)(
  testName("commits behind frames that SQLite left without salts are damage, and nothing proven", skipReason),
  () => {
    using directory = makeTempDirectory();
    const path = directory.file("a.db");
    const copyPath = directory.file("b.db");
    // As a kill of all its processes at that moment leaves the two.
    const copying = `cp ${path} ${copyPath}; cp ${path}-wal ${copyPath}-wal`;
    const ran = Bun.spawnSync(["sqlite3", path], { stdin: Buffer.from(script(copying)) });
    const liveRows = Number(ran.stdout.toString().trim().split("\n").at(-1));
    expect(liveRows).toBe(401 + commitsBehind);

    const wal = new Uint8Array(readFileSync(`${copyPath}-wal`));
    const scan = scanWal(wal);
    const ending = walEnding(scan, { isQuiet: true, indexMxFrame: null });
    if (scan.header.kind !== "header") throw new Error("the WAL has a header");
    const { salt1, salt2, pageSizeBytes } = scan.header.header;
    const frameBytes = 24 + pageSizeBytes;
    const descriptor = openSync(`${copyPath}-wal`, "r");
    const frames = countCommits(realOs, descriptor, frameBytes, {
      walIdentity: `${salt1} ${salt2}`,
      mxFrame: Math.floor((wal.byteLength - 32) / frameBytes),
      countFromFrame: 0,
      followFromFrame: 0,
    });
    closeSync(descriptor);
    const recovered = new Database(copyPath);
    const row: unknown = recovered.query("SELECT count(*) FROM t").values()[0]?.[0];
    recovered.close();
    console.log(`${row} of ${liveRows} rows after recovery; ${ending.text}`);

    // What recovery drops is told, and only then.
    expect(ending.kind === "damaged").toBe(row !== liveRows);
    expect(frames.unsaltedFrame !== null).toBe(row !== liveRows);
    if (ending.kind !== "damaged") return;
    expect(frames.unsaltedFrame).toBe(scan.stop.frame);
    expect(ending.droppedCommitCountMin).toBeGreaterThanOrEqual(commitsBehind);
    expect(ending.causes).toContain("SQLite can have left the frame so");
  },
  30_000,
);
