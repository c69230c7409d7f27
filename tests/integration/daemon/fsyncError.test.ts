/**
 * A sync that failed: from then on what is on disk is unknown, the database is not opened, and a sync that succeeds
 * later clears nothing. EIO comes from the kernel's side of the call, by strace --inject on one file.
 */
import { expect, test } from "bun:test";
import { closeSync, existsSync, openSync } from "node:fs";
import { realClock } from "../../../src/host/clock.ts";
import { lookAtFile } from "../../../src/host/fileLook.ts";
import { syncFile } from "../../../src/host/fileSync.ts";
import { realOs } from "../../../src/host/os.ts";
import { noteFsyncFailure } from "../../../src/policy/fsyncError.ts";
import { initialState } from "../../../src/policy/state.ts";
import type { Daemon } from "../../support/daemonProcess.ts";
import { fileSystemOf, whyExposureUnmeasured } from "../../support/fileSystem.ts";
import { testName } from "../../support/requirements.ts";
import { makeTempDirectory, type TempDirectory } from "../../support/tempDirectory.ts";
import { waitFor } from "../../support/waitFor.ts";
import { endBoot, ledgerPath, readLedger } from "./ledgerFile.ts";
import {
  act,
  makeKv,
  phrases,
  startApplication,
  startWatching,
  statusOf,
  testTimeoutMs,
  waitForCheck,
  waitUntilReady,
} from "./watched.ts";

/** Only the supervisor calls fdatasync: SQLite as Bun carries it calls fsync. */
function failingSyncsOf(path: string, count = ""): readonly string[] {
  const inject = `inject=fdatasync:error=EIO${count === "" ? "" : `:when=${count}`}`;
  return ["strace", "-D", "-f", "-o", "/dev/null", "-P", path, "-e", "trace=fdatasync", "-e", inject];
}

/** Where tracing is forbidden, as in many containers, there is nothing to install: skipped there, CI too. */
function whyNotTrace(): string | null {
  if (Bun.which("strace") === null) return "strace not found in PATH";
  const tried = Bun.spawnSync([...failingSyncsOf("/dev/null"), "true"]);
  return tried.exitCode === 0 ? null : `no tracing: ${tried.stderr.toString().trim()}`;
}

/** A writer whose commits only the daemon syncs, and a daemon's start whose first sync of its WAL fails. */
async function startUnsynced(directory: TempDirectory) {
  const path = makeKv(directory);
  const writer = await startApplication(path, { synchronous: "NORMAL", rowCount: 50 });
  const config = { databases: [{ name: "kv", path, exposureMax: "1s" }] };
  return { path, writer, config, failOnce: { commandPrefix: failingSyncsOf(`${path}-wal`, "1") } };
}

const traceSkip = whyNotTrace();
const memorySkip = traceSkip ?? (fileSystemOf("/dev/shm") === "tmpfs" ? null : "/dev/shm is no tmpfs");
const walSkip = traceSkip ?? whyExposureUnmeasured();

test.concurrent.skipIf(walSkip !== null)(
  testName(
    "after EIO from a sync of -wal the database stays closed until the WAL has started over, and is then ready",
    walSkip,
  ),
  async () => {
    using directory = makeTempDirectory();
    const { path, writer: unsynced, config, failOnce } = await startUnsynced(directory);
    await using writer = unsynced;
    await using daemon = await startWatching(directory, config, failOnce);
    const refused = await daemon.waitForLog("guard refused", { database: "kv" });
    expect(refused).toMatchObject({ guard: "fsync_error" });
    expect(String(refused.reason)).toContain(`a sync of ${path}-wal failed with EIO`);
    await waitForCheck(daemon, "kv", "guards", "failed", "fsync_error");
    const { exposure, mode } = await waitFor("exposure to be unknown", async () => {
      const status = await statusOf(daemon, "kv");
      return status.exposure.kind === "unobservable" ? status : null;
    });
    expect(JSON.stringify(exposure)).toContain("EIO");
    expect(mode).toBe("observe");
    const asked = await act(daemon, "kv", "checkpoint");
    expect(asked.status).toBe(409);

    // The application's last close checkpoints and deletes the WAL: all of it was written anew, and synced by SQLite.
    await writer.stop();
    await daemon.waitForLog("guard cleared", { database: "kv" });
    await waitUntilReady(daemon, "kv");
  },
  testTimeoutMs,
);

test.concurrent.skipIf(memorySkip !== null)(
  testName(
    "after EIO from a sync of the database it is not opened again, though later syncs would succeed",
    memorySkip,
  ),
  async () => {
    // In memory, where exposure is not measured: so the first sync of the database is the checkpoint's.
    using directory = makeTempDirectory("/dev/shm");
    const path = makeKv(directory);
    await using writer = await startApplication(path, { rowCount: 200 });
    await using daemon = await startWatching(
      directory,
      {
        // Complete, too large, too small to be cut: the write lock is wanted, and before it a sync of the database.
        defaults: { busyTimeout: "10s", checkpoint: { schedule: "0", sizeTarget: "1MiB" } },
        databases: [{ name: "kv", path }],
      },
      { commandPrefix: failingSyncsOf(path, "1") },
    );
    await waitUntilReady(daemon, "kv");
    const asked = await act(daemon, "kv", "checkpoint");
    expect(asked.body).toMatchObject({ outcome: "failed" });
    expect(String(asked.body.reason)).toContain(`fdatasync ${path}: EIO`);
    await waitForCheck(daemon, "kv", "guards", "failed", `a sync of ${path} failed with EIO`);
    const again = await act(daemon, "kv", "checkpoint");
    expect(String(again.body.message)).toContain("fsync_error");
    await writer.stop();
    await waitFor("a look after the end of the writer", async () => {
      const { connected } = await statusOf(daemon, "kv");
      return connected?.length === 0;
    });
    await waitForCheck(daemon, "kv", "guards", "failed", "fsync_error");
    expect(phrases(daemon, "kv")).not.toContain("guard cleared");
  },
  testTimeoutMs,
);

/** What the daemon says of it after its first looks: closed for the error, or opened. */
async function saidAfterRestart(daemon: Daemon) {
  const verdict = await daemon.waitForLog("restart verdict", { database: "kv" });
  const guarded = daemon.log.some(({ msg, guard }) => msg === "guard refused" && guard === "fsync_error");
  return { verdict, guarded };
}

test.concurrent.skipIf(walSkip !== null)(
  testName(
    "after EIO from a sync of -wal a daemon that starts anew keeps it closed and calls no frame proven; in another boot it opens it",
    walSkip,
  ),
  async () => {
    using directory = makeTempDirectory();
    const { writer: unsynced, config, failOnce } = await startUnsynced(directory);
    await using writer = unsynced;
    const first = await startWatching(directory, config, failOnce);
    await first.waitForLog("guard refused", { database: "kv" });
    // Known at once, not with the next note that is due: whoever kills it now must not make it forget.
    const noted = await waitFor(
      "the error in the ledger",
      () => {
        const [entry] = existsSync(ledgerPath(directory)) ? readLedger(directory) : [];
        return entry?.fsyncError === null ? null : entry;
      },
      { deadlineMs: 2_000, intervalMs: 10 },
    );
    await first.kill();
    expect(noted.fsyncError).toMatchObject({ file: "wal", code: "EIO" });
    expect(noted.wal?.provenFrame).toBe(0);

    const second = await startWatching(directory, config);
    await waitForCheck(second, "kv", "guards", "failed", "fsync_error");
    expect((await saidAfterRestart(second)).verdict).toMatchObject({ verdict: "undecidable" });
    const { exposure } = await statusOf(second, "kv");
    expect(exposure.kind).toBe("unobservable");
    expect(JSON.stringify(exposure)).toContain("EIO");
    expect(await second.stop()).toBe(0);
    expect(readLedger(directory)[0]).toMatchObject({ fsyncError: noted.fsyncError, wal: { provenFrame: 0 } });
    expect(phrases(second, "kv")).not.toContain("profile verified");

    // Nothing is hidden by the page cache of an earlier boot. Whether the database was synced was not seen meanwhile.
    await writer.kill();
    endBoot(directory);
    await using third = await startWatching(directory, config);
    await waitUntilReady(third, "kv");
    const { verdict, guarded } = await saidAfterRestart(third);
    expect({ verdict: verdict.verdict, guarded }).toEqual({ verdict: "undecidable", guarded: false });
    expect(String(verdict.reason)).toContain("a sync of the WAL had failed with EIO");
  },
  testTimeoutMs,
);

test.each(["EIO", "ENOSPC", "EDQUOT"])(
  "%s from fdatasync is an outcome that names the file, and an error that is remembered",
  async (code) => {
    using directory = makeTempDirectory();
    const path = directory.file("kv.db-wal");
    closeSync(openSync(path, "w"));
    const look = lookAtFile(realOs, path, { followLinks: false });
    if (look.kind !== "regular") throw new Error("it was just made");
    const error = Object.assign(new Error(code), { errno: -5, code });
    const os = { ...realOs, fdatasync: () => Promise.reject(error) };
    const outcome = await syncFile({ os, clock: realClock }, path, look.identity);
    if (outcome.ok) throw new Error("it cannot have gone well");
    expect(outcome).toMatchObject({ reason: "system", operation: "fdatasync", path, code, retryable: false });
    expect(noteFsyncFailure(initialState(0), outcome, 1).fsyncError).toMatchObject({ file: "wal", code });
  },
);
