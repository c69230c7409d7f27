/** Who holds a WAL back is named by lock evidence, in log, status and metrics; and nobody who does not is. */
import { expect, test } from "bun:test";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { spawnProcess, type TestProcess } from "../../support/childProcess.ts";
import type { Daemon } from "../../support/daemonProcess.ts";
import { requireTool, testName, unavailable } from "../../support/requirements.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { waitFor } from "../../support/waitFor.ts";
import { startBunWriter } from "../../support/writers/startBunWriter.ts";
import { eagerConfig, longWait, ownUser, pinTimeoutMs, startPagedWriter } from "./pagedWriter.ts";
import { childrenOf } from "./processTree.ts";
import { act, dataPath, makeKv, startWatching, statusOf, waitUntilReady } from "./watched.ts";

const withoutPython = requireTool("python3");
const withoutCli = requireTool("sqlite3");
const withoutNamespaces = process.getuid?.() === 0 ? requireTool("unshare") : unavailable("not root");

function waitForPinBy(daemon: Daemon, pids: readonly number[]) {
  return waitFor(
    `a pin by ${pids.join(", ")}`,
    async () => {
      const status = await statusOf(daemon, "kv");
      const { pin } = status;
      if (pin.kind !== "held" || !pids.every((pid) => pin.holders.some((one) => one.pid === pid)))
        return null;
      return { pin, status };
    },
    longWait,
  );
}

async function startCliReader(path: string): Promise<TestProcess> {
  const reader = spawnProcess({ command: ["sqlite3", "-readonly", path] });
  reader.send("BEGIN;\nSELECT 'holding ' || count(*) FROM written;\n");
  await reader.waitForLine(/^holding \d+$/);
  return reader;
}

test.concurrent.skipIf((withoutPython ?? withoutCli) !== null)(
  testName(
    "a Python and a sqlite3 reader that sit on snapshots are named by pid, command and user, and their end is said",
    withoutPython ?? withoutCli,
  ),
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    await using writer = await startPagedWriter(path, 5);
    await writer.waitForRows(20);
    const beganAtMs = Date.now();
    const script = join(import.meta.dir, "../firstLaw/snapshotReader.py");
    await using python = spawnProcess({ command: ["python3", script, path] });
    await python.waitForLine(/^holding \d+$/);
    await writer.waitForMoreRows(20);
    await using cli = await startCliReader(path);
    await using daemon = await startWatching(directory, eagerConfig(path, "64MiB"));
    await waitUntilReady(daemon, "kv");
    const { pin, status } = await waitForPinBy(daemon, [python.pid, cli.pid]);

    const [first, second] = pin.holders;
    expect(pin.holders).toHaveLength(2);
    expect(first).toMatchObject({ pid: python.pid, comm: "python3", user: ownUser });
    expect(second).toMatchObject({ pid: cli.pid, comm: "sqlite3", user: ownUser });
    expect(first?.heldFrameCount).toBe(pin.heldFrameCount);
    expect(first?.heldFrameCount).toBeGreaterThan(second?.heldFrameCount ?? 0);
    expect(Date.parse(pin.since)).toBeGreaterThanOrEqual(beganAtMs);
    expect(status.walVerdict).toMatchObject({ kind: "pinned" });
    expect(status.walVerdict?.holders.map(({ pid }) => pid)).toEqual([python.pid, cli.pid]);
    const pinned = await daemon.waitForLog("wal pinned", { database: "kv" });
    expect(JSON.stringify(pinned.holders)).toContain(
      `"pid":${python.pid},"comm":"python3","user":"${ownUser}"`,
    );
    const metrics = await daemon.metrics();
    const sinceSeconds = metrics.value("sqlite_wal_pin_since_timestamp_seconds", { database: "kv" }) ?? 0;
    expect(sinceSeconds * 1_000).toBeCloseTo(Date.parse(pin.since), -1);
    expect(metrics.value("sqlite_observable", { database: "kv", what: "holders" })).toBe(1);

    python.send("go on\n");
    await python.exited;
    const left = await waitFor(
      "the Python reader to be a holder no more",
      async () => {
        const { pin: now } = await statusOf(daemon, "kv");
        return now.kind === "held" && now.holders.length === 1 ? now : null;
      },
      longWait,
    );
    expect(left.holders).toMatchObject([{ pid: cli.pid }]);
    await cli.kill();
    await daemon.waitForLog("wal pin released", { database: "kv", deadlineMs: longWait.deadlineMs });
    const changed = daemon.log.filter((line) => line.msg === "wal verdict changed").map((line) => line.to);
    expect(changed).toEqual(["pinned", "healthy"]);
    expect((await daemon.metrics()).value("sqlite_wal_pin_since_timestamp_seconds", { database: "kv" })).toBe(
      0,
    );
    expect(writer.errors).toEqual([]);
  },
  pinTimeoutMs,
);

/** By /proc/locks itself. */
function holdsReadMark(pid: number, inode: number): boolean {
  return readFileSync("/proc/locks", "utf8")
    .split("\n")
    .map((line) => /POSIX\s+ADVISORY\s+READ\s+(\d+) \S+:(\d+) (\d+) (\d+)$/.exec(line))
    .some((found) => {
      const [, holder, file, first, last] = (found ?? []).map(Number);
      return holder === pid && file === inode && (first ?? 0) <= 127 && (last ?? 0) >= 123;
    });
}

test.concurrent(
  "a long integrity check of the daemon's own holds a mark and is never the pin",
  async () => {
    using directory = makeTempDirectory();
    const path = makeKv(directory, { rowCount: 60_000, rowBytes: 400 });
    await using writer = await startBunWriter({
      path,
      firstRow: 1_000_000,
      autocheckpoint: 0,
      busyTimeoutMs: 10_000,
      pauseMs: 20,
    });
    await writer.waitForRows(5);
    await using daemon = await startWatching(directory, eagerConfig(path, "64KiB"));
    await waitUntilReady(daemon, "kv");
    const asked = act(daemon, "kv", "integrity-check?check=full");
    const { ino } = statSync(`${path}-shm`);
    const worker = await waitFor(
      "the check to read, stopped in its midst",
      async () => {
        for (const pid of childrenOf(daemon.pid)) {
          if (!holdsReadMark(pid, ino)) continue;
          process.kill(pid, "SIGSTOP");
          const { mxFrame, mark } = marksOf(path, pid, ino);
          if (mark !== null && mark < mxFrame + 1) return { pid, mark };
          process.kill(pid, "SIGCONT");
        }
        return null;
      },
      { deadlineMs: 20_000, intervalMs: 1 },
    );
    const stoppedAtMs = Date.now();
    let lookCount = 0;
    await waitFor(
      "eight seconds of a held mark",
      async () => {
        const { pin, walVerdict, walFrameCount } = await statusOf(daemon, "kv");
        lookCount += 1;
        expect(pin.kind).toBe("none");
        expect(walVerdict?.kind).not.toBe("pinned");
        return Date.now() - stoppedAtMs > 8_000 && (walFrameCount ?? 0) > worker.mark + 10;
      },
      longWait,
    );
    expect(lookCount).toBeGreaterThan(20);
    expect(holdsReadMark(worker.pid, ino)).toBe(true);
    process.kill(worker.pid, "SIGCONT");
    expect((await asked).body).toMatchObject({ verdict: "ok" });
    expect(daemon.log.filter((line) => line.msg === "wal pinned")).toEqual([]);
  },
  pinTimeoutMs,
);

/** The highest mark that the process may hold, from -shm itself: numbers of the machine's byte order. */
function marksOf(path: string, pid: number, inode: number): { mxFrame: number; mark: number | null } {
  const words = new Uint32Array(readFileSync(`${path}-shm`).buffer.slice(0, 136));
  const marks = [26, 27, 28, 29].map((at) => words[at] ?? 0xffffffff).filter((mark) => mark !== 0xffffffff);
  return { mxFrame: words[4] ?? 0, mark: holdsReadMark(pid, inode) ? Math.max(...marks) : null };
}

test.concurrent.skipIf((withoutPython ?? withoutNamespaces) !== null)(
  testName(
    "a daemon in another PID namespace tells of the pin, and that it cannot tell whose it is",
    withoutPython ?? withoutNamespaces,
  ),
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    await using writer = await startPagedWriter(path, 20);
    await writer.waitForRows(20);
    const script = join(import.meta.dir, "../firstLaw/snapshotReader.py");
    await using python = spawnProcess({ command: ["python3", script, path] });
    await python.waitForLine(/^holding \d+$/);
    await using daemon = await startWatching(directory, eagerConfig(path, "64MiB"), {
      commandPrefix: ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"],
    });
    await waitUntilReady(daemon, "kv");
    const status = await waitFor(
      "a pin without a name",
      async () => {
        const now = await statusOf(daemon, "kv");
        return now.pin.kind === "held" && now.walVerdict?.kind === "pinned" ? now : null;
      },
      longWait,
    );
    expect(status.pin).toMatchObject({ holders: [], unnamedHolders: true });
    expect(status.walVerdict).toMatchObject({ holders: [] });
    expect(status.walVerdict?.reason).toContain("a process in another PID namespace");
    expect(status.walVerdict?.reason).toContain("or short ones again and again");
    expect(status.hiddenLocks).toMatchObject({ connected: true });
    expect(status.walFrameCount).toBeGreaterThan(0);
    expect(await daemon.waitForLog("wal pinned")).toMatchObject({ holders: [], unnamedHolders: true });
    const metrics = await daemon.metrics();
    expect(metrics.value("sqlite_observable", { database: "kv", what: "holders" })).toBe(0);
    expect(metrics.value("sqlite_wal_connections", { database: "kv" })).toBeUndefined();
    expect(metrics.value("sqlite_wal_pin_since_timestamp_seconds", { database: "kv" })).toBeGreaterThan(0);
    expect(writer.errors).toEqual([]);
  },
  pinTimeoutMs,
);
