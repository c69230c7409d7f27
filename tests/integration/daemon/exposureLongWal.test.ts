/**
 * A WAL that was left behind, without a WAL-index, and is longer than the frames that one look follows: what lies at its
 * end is exposed, and nothing is called safe before a look has come there.
 */
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { closeSync, copyFileSync, fdatasyncSync, openSync, readFileSync, writeSync } from "node:fs";
import { whyExposureUnmeasured } from "../../support/fileSystem.ts";
import { testName } from "../../support/requirements.ts";
import { makeTempDirectory, type TempDirectory } from "../../support/tempDirectory.ts";
import { waitFor } from "../../support/waitFor.ts";
import { dataPath, startWatching, statusOf, testTimeoutMs } from "./watched.ts";

const skip = whyExposureUnmeasured();
const pageSizeBytes = 512;
const frameBytes = 24 + pageSizeBytes;
/** So many frames does one look follow. */
const lookFrameCount = 8_192;
const cachePageBytes = 4_096;

interface Left {
  readonly path: string;
  readonly frameCount: number;
}

/** Frames that no look at the beginning can see are dirty; all before them is on disk. */
function leaveLongWal(directory: TempDirectory, frameCountMin: number, commitRowCount: number): Left {
  const source = directory.file("source.db");
  const database = new Database(source);
  database.exec(`PRAGMA page_size = ${pageSizeBytes}; PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF`);
  database.exec("PRAGMA wal_autocheckpoint = 0; CREATE TABLE t(id INTEGER PRIMARY KEY, payload BLOB)");
  database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  const insert = database.prepare(
    "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < ?) " +
      "INSERT INTO t(payload) SELECT randomblob(420) FROM n",
  );
  let bytes = readFileSync(`${source}-wal`);
  while (bytes.byteLength < 32 + frameCountMin * frameBytes) {
    insert.run(commitRowCount);
    bytes = readFileSync(`${source}-wal`);
  }
  insert.finalize();
  const path = dataPath(directory, "kv.db");
  copyFileSync(source, path);
  database.close(true);

  const splitBytes = Math.floor((bytes.byteLength - 10 * frameBytes) / cachePageBytes) * cachePageBytes;
  expect(splitBytes).toBeGreaterThan(32 + lookFrameCount * frameBytes);
  const wal = openSync(`${path}-wal`, "w");
  writeSync(wal, bytes.subarray(0, splitBytes), 0, splitBytes, 0);
  fdatasyncSync(wal);
  writeSync(wal, bytes.subarray(splitBytes), 0, bytes.byteLength - splitBytes, splitBytes);
  closeSync(wal);
  return { path, frameCount: Math.floor((bytes.byteLength - 32) / frameBytes) };
}

test.concurrent.skipIf(skip !== null).each([
  ["commits of some frames", 9_000, 20],
  ["commits of which each is longer than a look", 30_000, 12_000],
] as const)(
  testName(
    "a long WAL without a WAL-index is not called safe while its dirty end was not looked at: %s",
    skip,
  ),
  async (_what, frameCountMin, commitRowCount) => {
    using directory = makeTempDirectory();
    const { path, frameCount } = leaveLongWal(directory, frameCountMin, commitRowCount);
    await using daemon = await startWatching(directory, {
      observeInterval: "300ms",
      databases: [{ name: "kv", path, mode: "observe", exposureMax: "off" }],
    });
    const reasons = new Set<string>();
    const first = await waitFor(
      "exposure to be known",
      async () => {
        const { exposure } = await statusOf(daemon, "kv");
        if (exposure.kind === "known") return exposure;
        reasons.add(exposure.reason);
        return null;
      },
      { deadlineMs: 15_000, intervalMs: 10 },
    );
    expect([...reasons].join()).toContain("its frames are still being followed");
    expect(first.since).not.toBeNull();
    expect(first.unsyncedBytes).toBe(frameCount * frameBytes);
    expect(first.unsyncedCommitCount).toBeGreaterThan(0);
  },
  testTimeoutMs,
);
