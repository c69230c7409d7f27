/** Every way a daemon ends, and what the next one meets. */
import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { spawnDaemon, startDaemon } from "../../support/daemonProcess.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { missingRows, verifyRows } from "../../support/verifyRows.ts";
import { waitFor, withDeadline } from "../../support/waitFor.ts";
import { startBunWriter } from "../../support/writers/startBunWriter.ts";
import type { Writer } from "../../support/writers/writer.ts";
import { fileBytes } from "./fileBytes.ts";
import { childrenOf, isAlive, openPathsOf, waitUntilGone } from "./processTree.ts";
import {
  act,
  dataPath,
  makeDatabaseWithResidue,
  makeKv,
  startOnFile,
  startReady,
  startWatching,
  stateDirectory,
  testTimeoutMs,
  waitUntilReady,
} from "./watched.ts";

const idleEndMs = 5_000;

/** Commits that nobody has checkpointed, in a WAL that its writer keeps open: work for the last checkpoint. */
async function startIdleWriter(path: string): Promise<Writer> {
  const writer = await startBunWriter({ path, autocheckpoint: 0, rowCount: 20 });
  await writer.waitForRows(20);
  return writer;
}

describe("SIGTERM and SIGINT", () => {
  test.concurrent.each(["SIGTERM", "SIGINT"] as const)(
    "%s on an idle database: last checkpoint, exit 0 in under 5 s, socket gone",
    async (signal) => {
      using directory = makeTempDirectory();
      const path = dataPath(directory, "kv.db");
      await using writer = await startIdleWriter(path);
      await using daemon = await startOnFile(directory, path);
      await waitUntilReady(daemon, "kv");
      daemon.process.signal(signal);
      expect(await withDeadline("the daemon to end", daemon.process.exited, idleEndMs)).toBe(0);
      expect(daemon.log.find((line) => line.msg === "daemon stopping")?.signal).toBe(signal);
      const last = daemon.log.find((line) => line.msg === "shutdown checkpoint completed");
      expect(last).toMatchObject({ database: "kv" });
      expect(daemon.log.at(-1)?.msg).toBe("daemon stopped");
      expect(existsSync(daemon.socketPath)).toBe(false);
      await writer.stop();
      expect(missingRows(writer.acknowledged, await verifyRows(path))).toEqual([]);
    },
    testTimeoutMs,
  );

  test.concurrent(
    "while the last checkpoint runs: ready answers 503, live 200, acting is refused; then exit 0",
    async () => {
      using directory = makeTempDirectory();
      const path = dataPath(directory, "kv.db");
      await using _writer = await startIdleWriter(path);
      await using daemon = await startReady(directory, path);
      const workers = childrenOf(daemon.pid);
      expect(workers.length).toBeGreaterThan(0);
      // A worker that stands still keeps the last checkpoint from ending, for as long as is needed.
      for (const pid of workers) process.kill(pid, "SIGSTOP");
      daemon.process.signal("SIGTERM");
      await daemon.waitForLog("daemon stopping");
      const ready = await daemon.get("/health/ready");
      expect(ready.status).toBe(503);
      expect(await ready.json()).toMatchObject({ status: "not ready", shuttingDown: true });
      expect((await daemon.get("/health/live")).status).toBe(200);
      expect((await act(daemon, "kv", "checkpoint")).status).toBe(503);
      for (const pid of workers) process.kill(pid, "SIGCONT");
      expect(await withDeadline("the daemon to end", daemon.process.exited, idleEndMs)).toBe(0);
      await waitUntilGone(workers);
    },
    testTimeoutMs,
  );

  test.concurrent(
    "an operation that does not end is given up after the bound, and the exit status is still 0",
    async () => {
      using directory = makeTempDirectory();
      const path = dataPath(directory, "kv.db");
      await using _writer = await startIdleWriter(path);
      const config = { shutdownTimeout: "700ms", databases: [{ name: "kv", path }] };
      await using daemon = await startWatching(directory, config);
      await waitUntilReady(daemon, "kv");
      const workers = childrenOf(daemon.pid);
      for (const pid of workers) process.kill(pid, "SIGSTOP");
      expect(await daemon.stop(idleEndMs)).toBe(0);
      await waitUntilGone(workers);
      expect(daemon.log.some((line) => line.msg === "shutdown checkpoint skipped")).toBe(true);
    },
    testTimeoutMs,
  );

  test.concurrent(
    "a second signal ends it at once, and no worker stays behind",
    async () => {
      using directory = makeTempDirectory();
      const path = dataPath(directory, "kv.db");
      await using _writer = await startIdleWriter(path);
      await using daemon = await startReady(directory, path);
      const workers = childrenOf(daemon.pid);
      for (const pid of workers) process.kill(pid, "SIGSTOP");
      daemon.process.signal("SIGTERM");
      await daemon.waitForLog("daemon stopping");
      daemon.process.signal("SIGTERM");
      expect(await withDeadline("the daemon to end", daemon.process.exited, 2_000)).toBe(128 + 15);
      await waitUntilGone(workers);
    },
    testTimeoutMs,
  );
});

describe("SIGKILL", () => {
  test.concurrent(
    "in the midst of an integrity check: no orphan worker, and the next start is fine",
    async () => {
      using directory = makeTempDirectory();
      const path = makeKv(directory, { rowCount: 60_000, rowBytes: 400 });
      const first = await startOnFile(directory, path, { KVDB_SQLITE_INTEGRITY_CHECK_ON_STARTUP: "OFF" });
      await waitUntilReady(first, "kv");
      // The answer never comes: the daemon is killed first.
      const asked = act(first, "kv", "integrity-check?check=full").then(
        () => "answered",
        () => "cut off",
      );
      const checking = await waitFor(
        "a worker to have the database open",
        () => childrenOf(first.pid).find((pid) => openPathsOf(pid).includes(path)),
        { intervalMs: 1 },
      );
      const workers = childrenOf(first.pid);
      expect(workers).toContain(checking);
      await first.kill();
      await waitUntilGone(workers);
      expect(await asked).toBe("cut off");
      expect(existsSync(first.socketPath)).toBe(true);
      await using second = await startOnFile(directory, path);
      await waitUntilReady(second, "kv");
      expect(second.socketPath).toBe(first.socketPath);
      const answer = await fetch("http://localhost/api/v1/databases", { unix: second.socketPath });
      expect(answer.status).toBe(200);
      expect(await second.stop()).toBe(0);
    },
    testTimeoutMs,
  );
});

describe("a daemon that cannot start", () => {
  test.concurrent(
    "a second one on the same state directory refuses, and the first goes on",
    async () => {
      using directory = makeTempDirectory();
      const path = makeKv(directory);
      await using first = await startOnFile(directory, path);
      await waitUntilReady(first, "kv");
      await using second = spawnDaemon({
        stateDirectory: stateDirectory(directory),
        environment: { KVDB_SQLITE_FILE: path },
      });
      expect(await withDeadline("the second daemon to refuse", second.exited, 10_000)).toBe(69);
      expect(second.stderr()).toContain(`process ${first.pid}`);
      expect(second.stderr()).toContain("STATE_DIRECTORY");
      expect(second.lines).toEqual([]);
      expect(isAlive(first.pid)).toBe(true);
      const overSocket = await fetch("http://localhost/health/ready", { unix: first.socketPath });
      expect(overSocket.status).toBe(200);
    },
    testTimeoutMs,
  );

  test.concurrent(
    "the port is taken: said, exit 69, and the databases were not touched",
    async () => {
      using directory = makeTempDirectory();
      const path = dataPath(directory, "kv.db");
      makeDatabaseWithResidue(path);
      const before = fileBytes(directory.file("data"));
      using other = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("other") });
      await using daemon = spawnDaemon({
        stateDirectory: stateDirectory(directory),
        environment: { KVDB_SQLITE_FILE: path, WALWARDEN_LISTEN: `127.0.0.1:${other.port}` },
      });
      expect(await withDeadline("the daemon to refuse", daemon.exited, 10_000)).toBe(69);
      expect(daemon.stderr()).toContain(`127.0.0.1:${other.port}`);
      expect(daemon.stderr()).toContain("EADDRINUSE");
      expect(fileBytes(directory.file("data"))).toEqual(before);
    },
    testTimeoutMs,
  );

  test.concurrent(
    "everything that is wrong with variables is named at once: exit 78, nothing is made",
    async () => {
      using directory = makeTempDirectory();
      const state = stateDirectory(directory);
      await using daemon = spawnDaemon({
        stateDirectory: directory.file("other-state"),
        workingDirectory: state,
        environment: {
          KVDB_SQLITE_SYNCHRONOUS: "MOSTLY",
          KVDB_SQLITE_BUSY_TIMEOUT_MS: "-1",
          KVDB_SQLITE_TIMEOUT: "5",
        },
      });
      expect(await withDeadline("the daemon to refuse", daemon.exited, 10_000)).toBe(78);
      for (const name of ["KVDB_SQLITE_SYNCHRONOUS", "KVDB_SQLITE_BUSY_TIMEOUT_MS", "KVDB_SQLITE_TIMEOUT"]) {
        expect(daemon.stderr()).toContain(name);
      }
      expect(existsSync(directory.file("other-state"))).toBe(false);
    },
    testTimeoutMs,
  );

  test.concurrent(
    "something else than a socket at its socket's place is left there: said, exit 69",
    async () => {
      using directory = makeTempDirectory();
      const path = makeKv(directory);
      const state = stateDirectory(directory);
      await Bun.write(`${state}/walwarden.sock`, "mine");
      await expect(
        startDaemon({ stateDirectory: state, environment: { KVDB_SQLITE_FILE: path } }),
      ).rejects.toThrow("something else than a socket");
      expect(await Bun.file(`${state}/walwarden.sock`).text()).toBe("mine");
    },
    testTimeoutMs,
  );
});
