/**
 * The WAL-reset bug itself, with the affected SQLite that the system carries, and what the daemon's checkpoints have to
 * do with it. Two tools of the system write; the daemon's own operation is the first checkpoint.
 *
 * The window lies between walIndexReadHdr and walCheckpoint of the second checkpoint and holds no system call, but for
 * one: a connection with memory-mapped pages unmaps them there when it learns of commits (sqlite3OsUnfetch). strace
 * delays that call, so the third connection's commit falls into it each time.
 */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { lockCoversByte, parseProcLocks } from "../../src/format/procLocks.ts";
import type { WorkerPool } from "../../src/worker/pool.ts";
import {
  expectOk,
  makePool,
  mountDeviceOf,
  profile,
  short,
  targetOf,
} from "../integration/worker/harness.ts";
import { requireAffectedTool, startTool, type Tool } from "../support/affectedTool.ts";
import { spawnProcess, type TestProcess } from "../support/childProcess.ts";
import { testName, unavailable } from "../support/requirements.ts";
import { makeTempDirectory } from "../support/tempDirectory.ts";
import { waitFor } from "../support/waitFor.ts";
import { readWalCounts, type WalCounts } from "../support/walCounts.ts";

const skipReason =
  requireAffectedTool("strace") ??
  (process.geteuid?.() === 0
    ? null
    : unavailable("only root may be sure to attach strace to another process"));
const checkpointByte = 121;
const delayMicroseconds = 1_500_000;
const testTimeoutMs = 40_000;

/** The next time that this process unmaps memory takes long. */
async function slowUnmappingOf(pid: number): Promise<TestProcess> {
  const inject = `inject=munmap:delay_enter=${delayMicroseconds}:when=1`;
  const child = spawnProcess({
    command: [
      "strace",
      "-f",
      "-qq",
      "-o",
      "/dev/null",
      "-e",
      "trace=munmap",
      "-e",
      inject,
      "-p",
      String(pid),
    ],
    environment: process.env,
  });
  await waitFor(`strace to be attached to ${pid}`, () => {
    if (child.exitCode() !== null) throw new Error(`strace ended: ${child.stderr()}`);
    return /^TracerPid:\t[1-9]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  });
  return child;
}

const insert = (rowCount: number) =>
  Array.from({ length: rowCount }, () => "INSERT INTO written(payload) VALUES (randomblob(3000))");

interface Scene extends AsyncDisposable {
  readonly path: string;
  readonly writer: Tool;
  readonly slow: Tool;
}

/** A writer, and a second affected connection with mapped pages whose checkpoints are slow at the wrong moment. */
async function makeScene(path: string): Promise<Scene> {
  const writer = startTool(path);
  await writer.run(
    "PRAGMA journal_mode = WAL",
    "PRAGMA wal_autocheckpoint = 0",
    "CREATE TABLE written(id INTEGER PRIMARY KEY, payload BLOB)",
    ...insert(20),
    "PRAGMA wal_checkpoint(TRUNCATE)",
  );
  const slow = startTool(path);
  await slow.run(
    "PRAGMA wal_autocheckpoint = 0",
    "PRAGMA mmap_size = 268435456",
    "SELECT count(payload) FROM written",
  );
  await writer.run(...insert(20));
  return {
    path,
    writer,
    slow,
    [Symbol.asyncDispose]: async () => {
      await slow[Symbol.asyncDispose]();
      await writer[Symbol.asyncDispose]();
    },
  };
}

interface Left extends WalCounts {
  /** "ok", or what the tool said. */
  readonly integrity: string;
  readonly rowCount: string;
}

/** Steps 2 to 5: the slow checkpoint begins, a commit comes into it, and more follow. Gives what is left of it. */
async function checkpointAndCommit({ path, writer, slow }: Scene): Promise<Left> {
  await using _strace = await slowUnmappingOf(slow.pid);
  const checkpointed = slow.begin("PRAGMA wal_checkpoint(PASSIVE)");
  await waitFor("the slow checkpoint to have begun", () =>
    parseProcLocks(readFileSync("/proc/locks", "utf8")).some(
      (lock) => lock.pid === slow.pid && lock.access === "WRITE" && lockCoversByte(lock, checkpointByte),
    ),
  );
  await writer.run(...insert(1));
  await checkpointed();
  await writer.run(...insert(15));
  const counts = readWalCounts(path);
  if (counts === null) throw new Error("the WAL-index was read while it changed");
  // What was not copied is lost when the WAL starts over.
  await writer.run("PRAGMA wal_checkpoint(TRUNCATE)");
  await using reader = startTool(path);
  const answers = await reader.run("SELECT count(*) FROM written", "PRAGMA integrity_check");
  const said = [...answers, reader.process.stderr()].join(" ");
  return { ...counts, integrity: answers.at(-1) === "ok" ? "ok" : said, rowCount: answers[0] ?? "" };
}

const guarded = (path: string) =>
  ({
    kind: "guardedTruncate",
    profile,
    holdBudgetMs: 50,
    acquireBudgetMs: 0,
    settleMs: 5_000,
    mountDevice: mountDeviceOf(path),
  }) as const;

/** A scene of its own, and a pool of the daemon's workers. */
function testScene(name: string, body: (scene: Scene, pool: WorkerPool) => Promise<void>): void {
  test.skipIf(skipReason !== null)(
    testName(name, skipReason),
    async () => {
      using directory = makeTempDirectory();
      await using fixture = makePool();
      await using scene = await makeScene(directory.file("a.db"));
      await body(scene, fixture.pool);
    },
    testTimeoutMs,
  );
}

testScene(
  "a PASSIVE of ours that completes the WAL is the first step of the bug: the rule is needed",
  async (scene, pool) => {
    const { path } = scene;
    expectOk(await pool.run({ kind: "passiveCheckpoint", profile }, targetOf(path), short));
    const left = await checkpointAndCommit(scene);
    expect(left.mxFrame).toBeLessThan(left.nBackfill);
    expect({ integrity: left.integrity, rowCount: left.rowCount }).not.toEqual({
      integrity: "ok",
      rowCount: "56",
    });
  },
);

testScene(
  "after a guarded TRUNCATE the same checkpoint and the same commits lose nothing",
  async (scene, pool) => {
    const { path } = scene;
    const result = expectOk(await pool.run(guarded(path), targetOf(path), short));
    expect(result).toMatchObject({ truncated: true, leftComplete: false });
    expect(await checkpointAndCommit(scene)).toMatchObject({ integrity: "ok", rowCount: "56" });
  },
);

testScene(
  "a guarded TRUNCATE that a reader keeps from its work leaves nothing that could be lost",
  async (scene, pool) => {
    const { path } = scene;
    await using reader = startTool(path);
    await reader.run("BEGIN", "SELECT count(*) FROM written");
    const result = expectOk(await pool.run(guarded(path), targetOf(path), short));
    expect(result).toMatchObject({ truncated: false, leftComplete: false });
    await reader.run("COMMIT");
    expect(await checkpointAndCommit(scene)).toMatchObject({ integrity: "ok", rowCount: "56" });
  },
);

testScene(
  "as the second checkpoint the daemon's own PASSIVE is no victim: its SQLite has the fix",
  async (scene, pool) => {
    const { path, writer } = scene;
    for (let round = 1; round <= 20; round += 1) {
      await writer.run("PRAGMA wal_checkpoint(PASSIVE)");
      const ours = pool.run({ kind: "passiveCheckpoint", profile }, targetOf(path), short);
      await writer.run(...insert(2));
      expectOk(await ours);
      const counts = readWalCounts(path);
      if (counts !== null) expect(counts.nBackfill).toBeLessThanOrEqual(counts.mxFrame);
    }
    expect(await writer.run("PRAGMA integrity_check")).toEqual(["ok"]);
  },
);
