/**
 * A writer that syncs each commit is never said to be exposed, also where the page cache seems to say so: the
 * kernel marks whole folios dirty, and what a transaction leaves behind that was rolled back is never synced.
 */
import { expect, test } from "bun:test";
import { closeSync, openSync, readSync } from "node:fs";
import { cachestat } from "../../../src/host/pageCache.ts";
import { spawnProcess } from "../../support/childProcess.ts";
import type { Daemon } from "../../support/daemonProcess.ts";
import { requireTool, testName } from "../../support/requirements.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { dirtyPageCount } from "./fileCache.ts";
import { cutFileSystems, openLaboratory } from "./laboratory.ts";
import { requireLaboratory } from "./requirements.ts";
import { runCommand } from "./systemCommand.ts";
import { lookIntervalMs, startWatching, waitForAnnounced } from "./watchedDatabase.ts";
import { makeDatabase, startWriter } from "./writtenDatabase.ts";

const missing = requireLaboratory() ?? requireTool("python3", "sqlite3", "dd");
const timeoutMs = 40_000;

/** Commits three rows, lets a transaction spill its cache into the WAL and takes it back, and rests. */
const rollBackScript = `
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
for setting in ("synchronous = FULL", "wal_autocheckpoint = 0", "cache_size = 10"):
    connection.execute("PRAGMA " + setting)
for row in range(3):
    connection.execute("INSERT INTO written(payload) VALUES (randomblob(100))")
connection.execute("BEGIN")
for row in range(100):
    connection.execute("INSERT INTO written(payload) VALUES (randomblob(3000))")
connection.execute("ROLLBACK")
print("rolled back", flush=True)
sys.stdin.read()
`;

async function expectNothingAnnounced(daemon: Daemon, lookCount: number): Promise<void> {
  const endMs = Date.now() + lookCount * lookIntervalMs;
  await waitForAnnounced(daemon, `${lookCount} looks`, (announced) => {
    expect(announced.commitCount ?? 0).toBe(0);
    expect(announced.byteCount ?? 0).toBe(0);
    return announced.lookedAtMs >= endMs;
  });
  expect(daemon.log.filter(({ msg }) => msg === "exposure detected")).toEqual([]);
}

/** Leaves the page cache and comes back by read-ahead, in large folios where the file system has them. */
async function readAnew(path: string): Promise<void> {
  await runCommand("sync", "-d", path);
  await runCommand("dd", `of=${path}`, "oflag=nocache", "conv=notrunc,fdatasync", "count=0", "status=none");
  const descriptor = openSync(path, "r");
  const buffer = new Uint8Array(1 << 20);
  while (readSync(descriptor, buffer) > 0);
  const pages = cachestat(descriptor, 0, 0);
  closeSync(descriptor);
  if (!pages.ok || pages.dirty > 0) throw new Error(`${path} is not clean`);
}

for (const fileSystem of cutFileSystems) {
  test.skipIf(missing !== null)(
    testName(`${fileSystem}: a FULL writer whose transaction spilled and was rolled back`, missing),
    async () => {
      using directory = makeTempDirectory();
      await using laboratory = await openLaboratory(fileSystem);
      const path = await makeDatabase(laboratory);
      await using daemon = await startWatching({ path, directory, settings: { exposureMax: "off" } });
      await using writer = spawnProcess({ command: ["python3", "-c", rollBackScript, path] });
      await writer.waitForLine("rolled back");
      expect(dirtyPageCount(`${path}-wal`)).toBeGreaterThan(0);
      await expectNothingAnnounced(daemon, 6);
    },
    timeoutMs,
  );

  test.skipIf(missing !== null)(
    testName(`${fileSystem}: FULL writers on a WAL that lies in large folios`, missing),
    async () => {
      using directory = makeTempDirectory();
      await using laboratory = await openLaboratory(fileSystem);
      const path = await makeDatabase(laboratory);
      const options = { synchronous: "FULL", autocheckpoint: 0, rowBytes: 3_500 } as const;
      await using filler = await startWriter(path, { ...options, rowCount: 1_500 });
      await filler.waitForRows(1_500);
      await runCommand("sqlite3", path, "PRAGMA wal_checkpoint(RESTART)");
      await readAnew(`${path}-wal`);
      await using daemon = await startWatching({ path, directory, settings: { exposureMax: "off" } });
      await using first = await startWriter(path, { ...options, firstRow: 100_000 });
      await using second = await startWriter(path, { ...options, firstRow: 200_000 });
      await expectNothingAnnounced(daemon, 5);
      expect(first.acknowledged.length + second.acknowledged.length).toBeGreaterThan(100);
    },
    timeoutMs,
  );
}
