/**
 * SQLite's own way to a hole in a WAL (format/walRemains.ts): after ROLLBACK TO a savepoint whose changes had spilled and
 * were written over, some versions commit frames without salts. Every connection reads them; recovery ends before them,
 * and with it go all commits since, synced or not. Made with the sqlite3 tool of the system; where that has no such bug
 * only the first promise is left to keep.
 */
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { closeSync, openSync, readFileSync, statSync } from "node:fs";
import { realOs } from "../../src/host/os.ts";
import { countCommits } from "../../src/observe/newFrames.ts";
import { lookForUnsaltedFrames } from "../../src/observe/unsaltedFrames.ts";
import { walEnding } from "../../src/policy/walEnding.ts";
import { requireTool, testName } from "../support/requirements.ts";
import { scanWal } from "../support/scanWal.ts";
import { makeTempDirectory } from "../support/tempDirectory.ts";
import {
  countStatement,
  insertStatement,
  scriptOf,
  settingStatements,
  tableStatements,
  unsaltedStatements,
} from "./unsaltedBug.ts";

const skipReason = requireTool("sqlite3");
const commitsBehind = 5;
/** Touches most pages: where older ones come back, they do not fit together with it. */
const doubleStatement = "INSERT INTO t(p) SELECT randomblob(900) FROM t";
const script = (copy: string) =>
  scriptOf(...tableStatements, ...settingStatements, ...unsaltedStatements) +
  scriptOf(...Array.from({ length: commitsBehind }, () => insertStatement)) +
  `.shell ${copy}\n${scriptOf(countStatement)}`;

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
    const { dev, ino } = statSync(`${copyPath}-wal`);
    const look = lookForUnsaltedFrames(realOs, copyPath, {
      fileIdentity: `${dev}:${ino}`,
      walIdentity: `${salt1} ${salt2}`,
      pageSizeBytes,
      fromFrame: 0,
      mxFrame: Math.floor((wal.byteLength - 32) / frameBytes),
    });
    const recovered = new Database(copyPath);
    const row: unknown = recovered.query("SELECT count(*) FROM t").values()[0]?.[0];
    recovered.close();
    console.log(`${row} of ${liveRows} rows after recovery; ${ending.text}`);

    // What recovery drops is told, and only then.
    expect(ending.kind === "damaged").toBe(row !== liveRows);
    expect(frames.unsaltedFrame !== null).toBe(row !== liveRows);
    expect(look).toMatchObject({ kind: "looked", frame: frames.unsaltedFrame });
    if (ending.kind !== "damaged") return;
    expect(frames.unsaltedFrame).toBe(scan.stop.frame);
    // The row that was committed first is what recovery goes back to.
    expect(look).toMatchObject({ hasCommitBefore: true });
    expect(ending.droppedCommitCountMin).toBeGreaterThanOrEqual(commitsBehind);
    expect(ending.causes).toContain("SQLite can have left the frame so");
  },
  30_000,
);

test.skipIf(skipReason !== null)(
  testName(
    "such frames that are copied and not reset leave a malformed database, and reset ones the whole",
    skipReason,
  ),
  () => {
    using directory = makeTempDirectory();
    const path = directory.file("a.db");
    const copy = (name: string) => {
      const to = directory.file(name);
      return `.shell cp ${path} ${to}; cp ${path}-wal ${to}-wal\n`;
    };
    const ran = Bun.spawnSync(["sqlite3", path], {
      stdin: Buffer.from(
        scriptOf(...tableStatements, ...settingStatements, ...unsaltedStatements, doubleStatement) +
          copy("untouched.db") +
          scriptOf("PRAGMA wal_checkpoint(PASSIVE)") +
          copy("copied.db") +
          scriptOf("PRAGMA wal_checkpoint(RESTART)") +
          copy("restarted.db") +
          scriptOf("PRAGMA wal_checkpoint(TRUNCATE)") +
          copy("reset.db") +
          scriptOf(countStatement),
      ),
    });
    const liveRows = ran.stdout.toString().trim().split("\n").at(-1) ?? "";
    const recovered = (name: string) => {
      const { stdout } = Bun.spawnSync(["sqlite3", directory.file(name)], {
        stdin: Buffer.from(scriptOf(countStatement, "PRAGMA integrity_check")),
      });
      return stdout.toString().trim().split("\n");
    };
    expect(recovered("reset.db")).toEqual([liveRows, "ok"]);
    const untouched = recovered("untouched.db");
    expect(untouched.at(-1)).toBe("ok");
    // What this SQLite recovers whole is not made worse.
    expect(recovered("copied.db").at(-1) === "ok").toBe(untouched[0] === liveRows);
    // The old header is in the file until the next commit.
    expect(recovered("restarted.db").at(-1) === "ok").toBe(untouched[0] === liveRows);
  },
  30_000,
);

test.skipIf(skipReason !== null)(
  testName("of such frames in the first transaction of a WAL a complete copy keeps the whole", skipReason),
  () => {
    using directory = makeTempDirectory();
    const path = directory.file("a.db");
    const to = directory.file("copied.db");
    // Without the row that is committed before.
    const statements = [...unsaltedStatements.slice(1), insertStatement, "PRAGMA wal_checkpoint(PASSIVE)"];
    const ran = Bun.spawnSync(["sqlite3", path], {
      stdin: Buffer.from(
        scriptOf(...tableStatements, ...settingStatements, ...statements) +
          `.shell cp ${path} ${to}; cp ${path}-wal ${to}-wal\n${scriptOf(countStatement)}`,
      ),
    });
    const liveRows = ran.stdout.toString().trim().split("\n").at(-1) ?? "";
    const { stdout } = Bun.spawnSync(["sqlite3", to], {
      stdin: Buffer.from(scriptOf(countStatement, "PRAGMA integrity_check")),
    });
    expect(stdout.toString().trim().split("\n")).toEqual([liveRows, "ok"]);
  },
  30_000,
);
