/**
 * Whoever recovers a WAL keeps everybody out meanwhile: an application with busy timeout 0 that opens just then is refused.
 * Nobody can be spared the first recovery. Counted are the locks that walIndexRecover() takes (SQLite src/wal.c: all
 * but WRITE, so byte 122 of -shm, which nothing else ever locks), as the daemon's processes asked the kernel for them.
 */
import { expect, test } from "bun:test";
import { closeSync, openSync, readFileSync, statSync, writeSync } from "node:fs";
import { lockCoversByte, parseProcLocks } from "../../../src/format/procLocks.ts";
import { testName } from "../../support/requirements.ts";
import { makeTempDirectory, type TempDirectory } from "../../support/tempDirectory.ts";
import { waitFor } from "../../support/waitFor.ts";
import { readSystemCalls } from "./systemCalls.ts";
import { traceLocksInto, whyNotTrace } from "./tracing.ts";
import {
  dataPath,
  makeDatabaseWithResidue,
  startWatching,
  testTimeoutMs,
  waitUntilReady,
} from "./watched.ts";

const recoverByte = 122;
const connectedByte = 128;

const traceSkip = whyNotTrace(traceLocksInto);

/**
 * How often the WAL of each database was recovered by any process of the daemon, from its start until all are ready and its
 * end.
 */
async function recoveryCounts(
  directory: TempDirectory,
  paths: readonly string[],
  settings: object = {},
): Promise<readonly number[]> {
  const tracePath = directory.file("trace");
  const daemon = await startWatching(
    directory,
    { ...settings, databases: paths.map((path, index) => ({ name: `kv${index}`, path })) },
    { commandPrefix: traceLocksInto(tracePath), startDeadlineMs: 30_000 },
  );
  for (const [index] of paths.entries()) await waitUntilReady(daemon, `kv${index}`);
  expect(await daemon.stop()).toBe(0);
  await daemon[Symbol.asyncDispose]();
  const { locks } = readSystemCalls(tracePath, (path) => path.endsWith("-shm"));
  return paths.map(
    (path) =>
      locks.filter(
        ({ path: locked, type, firstByte, byteCount }) =>
          locked === `${path}-shm` &&
          type === "write" &&
          firstByte <= recoverByte &&
          recoverByte < firstByte + byteCount,
      ).length,
  );
}

test.skipIf(traceSkip !== null)(
  testName(
    "a WAL that a crash left is recovered once in a startup sequence, of several databases too",
    traceSkip,
  ),
  async () => {
    using directory = makeTempDirectory();
    const paths = ["a.db", "b.db", "c.db"].map((name) => dataPath(directory, name));
    for (const path of paths) makeDatabaseWithResidue(path, { rowCount: 500, rowBytes: 1_000 });
    const settings = { defaults: { integrity: { startup: "OFF" } } };
    expect(await recoveryCounts(directory, paths, settings)).toEqual([1, 1, 1]);
  },
  testTimeoutMs,
);

test.skipIf(traceSkip !== null)(
  testName("the check that ends it finds a WAL that is recovered, or an empty one", traceSkip),
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    makeDatabaseWithResidue(path, { rowCount: 500, rowBytes: 1_000 });
    const [count] = await recoveryCounts(directory, [path]);
    expect(count).toBeWithin(1, 3);
    expect(statSync(`${path}-wal`).size).toBe(0);
  },
  testTimeoutMs,
);

/** Any process at all: nobody but the daemon's has it open in these tests. */
function somebodyIsConnected(path: string): boolean {
  const shm = statSync(`${path}-shm`, { throwIfNoEntry: false });
  if (shm === undefined) return false;
  return parseProcLocks(readFileSync("/proc/locks", "utf8")).some(
    (lock) => lock.inode === String(shm.ino) && lockCoversByte(lock, connectedByte),
  );
}

test(
  "when the sequence has ended nobody is connected any more, whatever it ended with",
  async () => {
    using directory = makeTempDirectory();
    const healthy = dataPath(directory, "healthy.db");
    const corrupt = dataPath(directory, "corrupt.db");
    for (const path of [healthy, corrupt]) makeDatabaseWithResidue(path, { rowCount: 2_000, rowBytes: 200 });
    const file = openSync(corrupt, "r+");
    writeSync(file, new Uint8Array(8_192).fill(0xff), 0, 8_192, 40_960);
    closeSync(file);
    const databases = [
      { name: "healthy", path: healthy },
      { name: "corrupt", path: corrupt },
    ];
    await using daemon = await startWatching(directory, { databases });
    await waitUntilReady(daemon, "healthy");
    await daemon.waitForLog("startup ended", { database: "corrupt" });
    for (const path of [healthy, corrupt])
      await waitFor(`${path} to be let go`, () => !somebodyIsConnected(path), { deadlineMs: 2_500 });
    const failed = daemon.log.filter(({ msg }) => msg.includes("sql worker"));
    expect(failed).toEqual([]);
  },
  testTimeoutMs,
);
