/**
 * Two processes, because "closing any file descriptor of a file drops every POSIX lock that the process
 * holds on it" (sqlite.org/howtocorrupt.html, section 2.2): at run time the supervisor looks and never
 * locks, and the sql worker locks and never looks. Proven on what both really asked the kernel for.
 */
import { expect, test } from "bun:test";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { parseProcLocks } from "../../../src/format/procLocks.ts";
import { testName } from "../../support/requirements.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { waitFor } from "../../support/waitFor.ts";
import { startBunWriter } from "../../support/writers/startBunWriter.ts";
import { readSystemCalls } from "./systemCalls.ts";
import { traceLocksInto, whyNotTrace } from "./tracing.ts";
import {
  dataPath,
  makeDatabaseWithResidue,
  startApplication,
  startWatching,
  testTimeoutMs,
  waitUntilReady,
} from "./watched.ts";

const traceSkip = whyNotTrace(traceLocksInto);
/** SQLite src/os_unix.c: UNIX_SHM_BASE + SQLITE_SHM_NLOCK; given back by closing the last descriptor. */
const shmConnectedByte = 128;

/** Everything the daemon does to a database: recovery, profile, checkpoints of each kind, both checks. */
const busyDaemon = (path: string) => ({
  defaults: {
    busyTimeout: "10s",
    checkpoint: { schedule: "200ms", sizeTarget: "32KiB" },
    integrity: { startup: "FULL", quickSchedule: "500ms", fullSchedule: "700ms" },
  },
  databases: [{ name: "kv", path }],
});

test.concurrent.skipIf(traceSkip !== null)(
  testName(
    "by strace: the supervisor only reads and never locks; the worker loses no lock by a close",
    traceSkip,
  ),
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    const tracePath = directory.file("trace");
    makeDatabaseWithResidue(path);
    await using daemon = await startWatching(directory, busyDaemon(path), {
      commandPrefix: traceLocksInto(tracePath),
    });
    await daemon.waitForLog("startup-recovery checkpoint completed");
    await using writer = await startApplication(path, { pauseMs: 1 });
    for (const phrase of ["periodic-checkpoint completed", "scheduled quick_check passed"]) {
      await daemon.waitForLog(phrase);
    }
    await daemon.waitForLog("scheduled integrity_check passed");
    await writer.stop();
    expect(await daemon.stop()).toBe(0);
    const ended = new RegExp(`^${daemon.pid} +\\+\\+\\+ exited with 0`, "m");
    await waitFor("the end of the trace", () => ended.test(readFileSync(tracePath, "utf8")));

    const guarded = [path, `${path}-shm`];
    const seen = readSystemCalls(tracePath, (of) => guarded.includes(of));
    const workers = [...seen.executed]
      .filter(([, words]) => words.includes("sql-worker"))
      .map(([pid]) => pid);
    expect(workers.length).toBeGreaterThan(0);
    const bySupervisor = seen.opens.filter((open) => !workers.includes(open.pid));
    expect([...new Set(bySupervisor.map((open) => open.pid))]).toEqual([daemon.pid]);
    for (const guardedPath of guarded) {
      expect(bySupervisor.some((open) => open.path === guardedPath)).toBe(true);
    }
    for (const open of bySupervisor) {
      expect(open.flags).toContain("O_RDONLY");
      expect(open.flags).not.toContain("O_CREAT");
    }
    expect(seen.locks.filter((lock) => !workers.includes(lock.pid))).toEqual([]);

    const byWorkers = seen.opens.filter((open) => workers.includes(open.pid));
    expect(byWorkers.length).toBeGreaterThan(0);
    // How os_unix.c opens; Bun's own file calls add O_LARGEFILE, O_NONBLOCK or O_PATH.
    const access = ["O_RDONLY", "O_RDWR", "O_RDWR|O_CREAT"];
    const bySqlite = access.map((words) => `${words}|O_NOFOLLOW|O_CLOEXEC`);
    expect(byWorkers.filter((open) => !bySqlite.includes(open.flags.join("|")))).toEqual([]);
    expect(seen.locks.length).toBeGreaterThan(100);
    expect(
      seen.lossyCloses.filter(
        ({ path: of, lockedBytes }) => of === path || lockedBytes.some((byte) => byte !== shmConnectedByte),
      ),
    ).toEqual([]);
    expect(writer.errors).toEqual([]);
  },
  testTimeoutMs,
);

test.concurrent(
  "by /proc/locks: at no sampled moment does the supervisor hold a lock on database, -wal or -shm",
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    await using writer = await startBunWriter({ path, autocheckpoint: 0, busyTimeoutMs: 10_000, pauseMs: 1 });
    await using daemon = await startWatching(directory, busyDaemon(path));
    await waitUntilReady(daemon, "kv");
    const inodes = ["", "-wal", "-shm"].map((suffix) => String(statSync(path + suffix).ino));
    const holders = new Set<number>();
    let sampleCount = 0;
    const fromIndex = daemon.log.length;
    const completedCount = () =>
      daemon.log.slice(fromIndex).filter((line) => line.msg === "periodic-checkpoint completed").length;
    await waitFor(
      "five checkpoints under observation",
      () => {
        for (const lock of parseProcLocks(readFileSync("/proc/locks", "utf8"))) {
          if (inodes.includes(lock.inode)) holders.add(lock.pid);
        }
        sampleCount += 1;
        return completedCount() >= 5;
      },
      { deadlineMs: 15_000, intervalMs: 1 },
    );
    expect(sampleCount).toBeGreaterThan(50);
    expect(holders).toContain(writer.pid);
    expect(holders).not.toContain(daemon.pid);
    await writer.stop();
  },
  testTimeoutMs,
);

test("the reader of traces finds what it is for: opens, locks, and a lock that a close of another thread drops", () => {
  using directory = makeTempDirectory();
  const trace = directory.file("trace");
  const lines = [
    '10 execve("/bun", ["/bun", "main.ts", "sql-worker", "9"], 0x1 /* 3 vars */ <unfinished ...>',
    "10 <... execve resumed>)             = 0",
    "10 clone3({flags=CLONE_VM|CLONE_THREAD, child_tid=0x7f} => {parent_tid=[11]}, 88) = 11",
    '10 openat(AT_FDCWD</>, "/kv.db", O_RDWR|O_CLOEXEC) = 5</kv.db>',
    "10 fcntl(5</kv.db>, F_SETLK, {l_type=F_RDLCK, l_whence=SEEK_SET, l_start=100, l_len=10}) = 0",
    "10 fcntl(5</kv.db>, F_SETLK, {l_type=F_WRLCK, l_whence=SEEK_SET, l_start=200, l_len=1}) = -1 EAGAIN (busy)",
    '11 openat(AT_FDCWD</>, "/kv.db", O_RDONLY|O_CLOEXEC <unfinished ...>',
    "10 fcntl(5</kv.db>, F_SETLK, {l_type=F_RDLCK, l_whence=SEEK_SET, l_start=300, l_len=1} <unfinished ...>",
    "11 <... openat resumed>)             = 6</kv.db>",
    "10 <... fcntl resumed>)              = 0",
    "10 fcntl(5</kv.db>, F_SETLK, {l_type=F_UNLCK, l_whence=SEEK_SET, l_start=300, l_len=1}) = 0",
    "11 close(6</kv.db>) = 0",
    "10 close(5</kv.db>) = 0",
  ];
  writeFileSync(trace, `${lines.join("\n")}\n`);
  const seen = readSystemCalls(trace, (path) => path === "/kv.db");
  expect([...seen.executed.keys()]).toEqual([10]);
  expect(seen.opens.map((open) => open.flags[0])).toEqual(["O_RDWR", "O_RDONLY"]);
  expect(seen.opens.every((open) => open.pid === 10)).toBe(true);
  expect(seen.locks.map((lock) => lock.type)).toEqual(["read", "read", "unlock"]);
  expect(seen.lossyCloses).toEqual([{ pid: 10, path: "/kv.db", lockedBytes: [100] }]);
});
