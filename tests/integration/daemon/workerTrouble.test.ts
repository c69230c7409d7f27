/** A sql worker that is killed, hangs or is too slow is one outcome: said, counted, made good. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { copyFileSync } from "node:fs";
import { makeTempDirectory, type TempDirectory } from "../../support/tempDirectory.ts";
import { waitFor, withDeadline } from "../../support/waitFor.ts";
import { startBunWriter } from "../../support/writers/startBunWriter.ts";
import { childrenOf, isAlive, stopWorkerOn, waitUntilGone } from "./processTree.ts";
import { act, dataPath, makeKv, startReady, startWatching, testTimeoutMs, waitForCheck } from "./watched.ts";

const made = makeTempDirectory();
let madePath = "";
beforeAll(() => {
  madePath = makeKv(made, { rowCount: 60_000, rowBytes: 400 });
});
afterAll(() => made[Symbol.dispose]());

/** An integrity_check of it takes long enough to be met in its midst. */
function makeLargeKv(directory: TempDirectory): string {
  const path = dataPath(directory, "kv.db");
  copyFileSync(madePath, path);
  return path;
}

test.concurrent(
  "killed in the midst of a check: asked for once more, then unknown, logged, counted; a new worker serves the next",
  async () => {
    using directory = makeTempDirectory();
    const path = makeLargeKv(directory);
    await using daemon = await startReady(directory, path, { integrity: { startup: "OFF" } });
    const asked = act(daemon, "kv", "integrity-check?check=full");
    for (let kill = 1; kill <= 2; kill += 1) {
      const pid = await stopWorkerOn(daemon, path);
      process.kill(pid, "SIGKILL");
      await waitUntilGone([pid]);
    }
    expect(await asked).toMatchObject({ status: 200, body: { verdict: "unknown", trigger: "demand" } });
    expect(await daemon.waitForLog("sql worker failed")).toMatchObject({
      database: "kv",
      reason: "crash",
      operation: "integrityCheck",
      path,
    });
    const metrics = await daemon.metrics();
    expect(metrics.value("walwarden_sql_worker_failures_total", { reason: "crash" })).toBe(2);
    expect(
      metrics.value("sqlite_integrity_checks_total", { check: "integrity_check", outcome: "unknown" }),
    ).toBe(1);
    expect((await daemon.get("/health/ready")).status).toBe(200);
    const again = await act(daemon, "kv", "integrity-check?check=full");
    expect(again.body).toMatchObject({ verdict: "ok" });
    await waitForCheck(daemon, "kv", "integrity", "ok");
  },
  testTimeoutMs,
);

test.concurrent(
  "a checkpoint whose worker hangs is killed at its deadline; the next one is fine, and the writer saw nothing",
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    await using writer = await startBunWriter({ path, autocheckpoint: 0, rowCount: 200 });
    await writer.waitForRows(200);
    await using daemon = await startReady(directory, path, {
      checkpoint: { schedule: "off", deadline: "500ms" },
    });
    const workers = childrenOf(daemon.pid);
    for (const pid of workers) process.kill(pid, "SIGSTOP");
    const failed = await act(daemon, "kv", "checkpoint");
    expect(failed).toMatchObject({ status: 200, body: { outcome: "failed" } });
    expect(failed.body.reason).toContain("passiveCheckpoint");
    await waitFor("the worker that hung to be gone", () => !workers.every(isAlive));
    const metrics = await daemon.metrics();
    expect(metrics.value("walwarden_sql_worker_failures_total", { reason: "deadline" })).toBe(1);
    await waitFor(
      "the gauge of failures",
      async () => (await daemon.metrics()).value("sqlite_wal_checkpoint_consecutive_failures") === 1,
    );
    await waitForCheck(daemon, "kv", "checkpoint", "degraded");
    for (const pid of childrenOf(daemon.pid)) process.kill(pid, "SIGCONT");
    expect((await act(daemon, "kv", "checkpoint")).body.outcome).not.toBe("failed");
    await waitForCheck(daemon, "kv", "checkpoint", "ok");
    expect(writer.errors).toEqual([]);
    await writer.stop();
  },
  testTimeoutMs,
);

test.concurrent(
  "a startup check that does not end in time: unknown, which degrades and is never ok",
  async () => {
    using directory = makeTempDirectory();
    const path = makeLargeKv(directory);
    await using daemon = await startWatching(directory, {
      databases: [{ name: "kv", path, integrity: { startup: "FULL", deadline: "5ms" } }],
    });
    await daemon.waitForLog("startup of every database ended");
    expect(await waitForCheck(daemon, "kv", "integrity", "degraded")).toContain("did not end");
    expect((await daemon.get("/health/ready")).status).toBe(200);
    const metrics = await daemon.metrics();
    expect(metrics.value("sqlite_integrity_ok", { check: "integrity_check" })).toBeUndefined();
  },
  testTimeoutMs,
);

test.concurrent(
  "SIGTERM in the midst of a check: whoever asked is told, and the daemon ends in order",
  async () => {
    using directory = makeTempDirectory();
    const path = makeLargeKv(directory);
    await using daemon = await startReady(directory, path, { integrity: { startup: "OFF" } });
    const asked = act(daemon, "kv", "integrity-check?check=full");
    const worker = await stopWorkerOn(daemon, path);
    daemon.process.signal("SIGTERM");
    const answer = await withDeadline("an answer", asked);
    expect(answer).toMatchObject({ status: 200, body: { verdict: "unknown" } });
    expect(await withDeadline("the daemon to end", daemon.process.exited)).toBe(0);
    await waitUntilGone([worker]);
  },
  testTimeoutMs,
);
