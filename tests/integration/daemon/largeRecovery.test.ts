/** A WAL so large that it takes long to shorten it: it is recovered at the first attempt, and counted whole. */
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { copyFileSync, statSync } from "node:fs";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { dataPath, phrases, startWatching, testTimeoutMs, waitUntilReady } from "./watched.ts";

const rowBytes = 100_000;
const transactionCount = 75;
/** Shortening it takes some 45 ms on a quick disk, which is more than beside an application that rests. */
const walBytesMin = 150_000_000;

test(
  "150 MB that a crash left are recovered at once, and the metric says their frames",
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    const source = directory.file("source.db");
    const database = new Database(source);
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 0");
    database.exec("CREATE TABLE written(id INTEGER PRIMARY KEY, payload BLOB)");
    const insert = database.prepare(
      "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 20) " +
        "INSERT INTO written(payload) SELECT randomblob(?) FROM n",
    );
    for (let count = 0; count < transactionCount; count += 1) insert.run(rowBytes);
    for (const suffix of ["", "-wal"]) copyFileSync(source + suffix, path + suffix);
    insert.finalize();
    database.close(true);
    expect(statSync(`${path}-wal`).size).toBeGreaterThan(walBytesMin);

    await using daemon = await startWatching(directory, { databases: [{ name: "kv", path }] });
    await waitUntilReady(daemon, "kv");
    const found = await daemon.waitForLog("startup detected WAL residue");
    const recovered = await daemon.waitForLog("startup-recovery checkpoint completed");
    expect(recovered).toMatchObject({ outcome: "truncated", copiedFrameCount: found.walFrameCount });
    expect(phrases(daemon, "kv")).not.toContain("startup-recovery checkpoint failed");
    const metrics = await daemon.metrics();
    expect(metrics.value("sqlite_startup_recovered_frames")).toBe(Number(found.walFrameCount));
    expect(statSync(`${path}-wal`).size).toBe(0);
  },
  testTimeoutMs,
);
