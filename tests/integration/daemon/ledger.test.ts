/** What the next start says, with real writers, real kills, and hands that change files. */

import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { copyFileSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createStatCalls } from "../../../src/host/fileStats.ts";
import type { Daemon } from "../../support/daemonProcess.ts";
import { makeTempDirectory, type TempDirectory } from "../../support/tempDirectory.ts";
import { startBunWriter } from "../../support/writers/startBunWriter.ts";
import { cutWal, endBoot, ledgerPath, readLedger, verdictOf, waitForEntry } from "./ledgerFile.ts";
import {
  act,
  dataPath,
  makeDatabase,
  makeKv,
  startOnFile,
  statusOf,
  waitForCheck,
  waitUntilReady,
} from "./watched.ts";

const timeoutMs = 80_000;

interface Killed {
  readonly seenCommitCount: number;
  readonly provenCommitCount: number;
  readonly seenFrame: number;
  readonly provenFrame: number;
}

/** A writer and its daemon, both killed after the ledger has noted something of the WAL. */
async function killBoth(directory: TempDirectory, path: string, exposureMaxMs: number): Promise<Killed> {
  const wantsProven = exposureMaxMs > 0;
  const writer = await startBunWriter({ path, synchronous: "NORMAL", autocheckpoint: 0, pauseMs: 5 });
  const daemon = await startOnFile(directory, path, { WALWARDEN_EXPOSURE_MAX_MS: String(exposureMaxMs) });
  const { wal } = await waitForEntry(directory, "an entry with frames", (entry) => {
    const frame = wantsProven ? entry.wal?.provenFrame : entry.wal?.seenFrame;
    return (frame ?? 0) > 50 && entry.wal?.seenCommitCount !== null;
  });
  await daemon.kill();
  await writer.kill();
  if (wal === null) throw new Error("no WAL was noted");
  return {
    seenFrame: wal.seenFrame,
    seenCommitCount: wal.seenCommitCount ?? 0,
    provenFrame: wal.provenFrame,
    provenCommitCount: wal.provenCommitCount ?? 0,
  };
}

async function verdictAfter(daemon: Daemon) {
  return verdictOf(await daemon.waitForLog("restart verdict"));
}

test.concurrent(
  "daemon and writer were killed: intact, and the metric says that nothing was lost",
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    await killBoth(directory, path, 1_000);
    await using daemon = await startOnFile(directory, path);
    expect(await verdictAfter(daemon)).toMatchObject({ verdict: "intact", exposed: 0, proven: 0 });
    const { restartVerdict } = await waitUntilReady(daemon, "kv");
    expect(restartVerdict?.kind).toBe("intact");
    const metrics = await daemon.metrics();
    for (const kind of ["proven", "exposed"])
      expect(metrics.value("sqlite_lost_commits", { database: "kv", kind })).toBe(0);
  },
  timeoutMs,
);

test.concurrent(
  "the WAL was cut below what was proven: proven-lost, degraded, and still ready",
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    const { provenFrame, provenCommitCount } = await killBoth(directory, path, 1_000);
    const leftFrame = Math.floor(provenFrame / 2);
    cutWal(path, leftFrame);
    await using daemon = await startOnFile(directory, path);
    const { verdict, proven } = await verdictAfter(daemon);
    expect(verdict).toBe("proven-lost");
    // No frame holds more than one commit.
    expect(Number(proven)).toBeGreaterThanOrEqual(provenCommitCount - leftFrame);
    expect(Number(proven)).toBeLessThanOrEqual(provenCommitCount);
    await waitForCheck(daemon, "kv", "ledger", "degraded", `at least ${Number(proven)} commits`);
    expect((await waitUntilReady(daemon, "kv")).readiness.ready).toBe(true);
    const metrics = await daemon.metrics();
    expect(metrics.value("sqlite_lost_commits", { database: "kv", kind: "proven" })).toBe(Number(proven));
  },
  timeoutMs,
);

test.concurrent(
  "after a cut that took exposed commits: exposed-lost, and the next start is intact again",
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    const { seenFrame, seenCommitCount, provenFrame } = await killBoth(directory, path, 0);
    expect(provenFrame).toBeLessThan(seenFrame);
    const leftFrame = Math.max(provenFrame, seenFrame - 20);
    cutWal(path, leftFrame);
    endBoot(directory);
    {
      await using daemon = await startOnFile(directory, path);
      const { verdict, exposed, proven } = await verdictAfter(daemon);
      expect({ verdict, proven }).toEqual({ verdict: "exposed-lost", proven: 0 });
      expect(Number(exposed)).toBeGreaterThanOrEqual(1);
      expect(Number(exposed)).toBeLessThanOrEqual(Math.min(seenCommitCount, seenFrame - leftFrame));
      expect((await waitUntilReady(daemon, "kv")).readiness.ready).toBe(true);
      await daemon.stop();
    }
    await using daemon = await startOnFile(directory, path);
    expect((await verdictAfter(daemon)).verdict).toBe("intact");
  },
  timeoutMs,
);

test.concurrent(
  "what is done to the file between two lives is told apart, and a restore that was announced is one",
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    const backup = dataPath(directory, "backup.db");
    makeDatabase(path, { rowCount: 5 });
    copyFileSync(path, backup);
    // Another connection each time, so that the change counter goes on.
    for (const firstRow of [1_000, 2_000, 3_000]) {
      const writer = await startBunWriter({ path, rowCount: 5, firstRow });
      await writer.waitForRows(5);
      await writer.stop();
      makeDatabase(dataPath(directory, `other${firstRow}.db`), { rowCount: 50 });
    }
    const startAndStop = async (before: () => void, announce = false) => {
      before();
      await using daemon = await startOnFile(directory, path);
      const { verdict } = await verdictAfter(daemon);
      await waitUntilReady(daemon, "kv");
      if (announce) {
        const answer = await act(daemon, "kv", "announce-restore");
        expect(answer).toMatchObject({ status: 200, body: { database: "kv" } });
        // It is on disk when the answer is given.
        expect(readLedger(directory)[0]?.restoreWindowEndsAtMs).toBeGreaterThan(Date.now() + 3_000_000);
      }
      await daemon.stop();
      return verdict;
    };
    const replace = (firstRow: number) => () => renameSync(dataPath(directory, `other${firstRow}.db`), path);
    expect(await startAndStop(() => undefined)).toBe("first-seen");
    expect(await startAndStop(() => undefined)).toBe("intact");
    expect(await startAndStop(replace(1_000), true)).toBe("replaced");
    expect(await startAndStop(replace(2_000))).toBe("restored");
    // The announcement was for one restore.
    expect(await startAndStop(replace(3_000))).toBe("replaced");
  },
  timeoutMs,
);

test.concurrent(
  "a backup that was copied into the same file is rolled-back",
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    const backup = dataPath(directory, "backup.db");
    makeDatabase(path, { rowCount: 5, journalMode: "DELETE" });
    copyFileSync(path, backup);
    const writer = await startBunWriter({ path, journalMode: "DELETE", rowCount: 5, firstRow: 1_000 });
    await writer.waitForRows(5);
    await writer.stop();
    {
      await using daemon = await startOnFile(directory, path, { KVDB_SQLITE_JOURNAL_MODE: "DELETE" });
      await waitUntilReady(daemon, "kv");
      await daemon.stop();
    }
    copyFileSync(backup, path);
    await using daemon = await startOnFile(directory, path, { KVDB_SQLITE_JOURNAL_MODE: "DELETE" });
    expect((await verdictAfter(daemon)).verdict).toBe("rolled-back");
  },
  timeoutMs,
);

test.concurrent(
  "a backup with the same change counter that was copied into the same file is undecidable, and never intact",
  async () => {
    using directory = makeTempDirectory();
    const path = makeKv(directory, { rowCount: 5 });
    const backup = dataPath(directory, "backup.db");
    copyFileSync(path, backup);
    const database = new Database(path);
    // No page is added, so that no commit writes page 1.
    for (const payload of ["a", "b", "c"]) database.run("UPDATE written SET payload = ?", [payload]);
    database.run("PRAGMA wal_checkpoint(TRUNCATE)");
    database.close();
    const counterOf = (file: string) => readFileSync(file).readUInt32BE(24);
    expect(counterOf(path)).toBe(counterOf(backup));
    for (const verdict of ["first-seen", "intact"]) {
      await using daemon = await startOnFile(directory, path);
      expect((await verdictAfter(daemon)).verdict).toBe(verdict);
      await waitUntilReady(daemon, "kv");
      expect(await daemon.stop()).toBe(0);
    }
    copyFileSync(backup, path);
    await using daemon = await startOnFile(directory, path);
    const { verdict, reason, exposed, proven } = await verdictAfter(daemon);
    expect({ verdict, exposed, proven }).toEqual({ verdict: "undecidable", exposed: null, proven: null });
    expect(reason).toContain("written by a hand");
    expect((await waitUntilReady(daemon, "kv")).readiness.ready).toBe(true);
  },
  timeoutMs,
);

test.concurrent(
  "the last note is of after the last checkpoint of the daemon's own",
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    await using writer = await startBunWriter({ path, autocheckpoint: 0, rowCount: 50 });
    await writer.waitForRows(50);
    const writtenAtMs = () => createStatCalls().stat(path)?.modifiedAtMs;
    await using daemon = await startOnFile(directory, path);
    await waitUntilReady(daemon, "kv");
    await waitForEntry(directory, "an entry", ({ wal }) => wal !== null);
    await writer.waitForRows(50);
    const before = writtenAtMs();
    expect(await daemon.stop()).toBe(0);
    expect(writtenAtMs()).not.toBe(before);
    expect(readLedger(directory)[0]?.databaseModifiedAtMs).toBe(writtenAtMs());
  },
  timeoutMs,
);

test.concurrent(
  "a restore beneath a running daemon is judged too",
  async () => {
    using directory = makeTempDirectory();
    const path = makeKv(directory, { rowCount: 5 });
    makeDatabase(dataPath(directory, "backup.db"), { rowCount: 3 });
    await using daemon = await startOnFile(directory, path);
    await waitForEntry(directory, "an entry", () => true);
    expect((await act(daemon, "nothing", "announce-restore")).status).toBe(404);
    expect((await act(daemon, "kv", "announce-restore")).status).toBe(200);
    const fromIndex = daemon.log.length;
    for (const suffix of ["-wal", "-shm"]) rmSync(path + suffix, { force: true });
    renameSync(dataPath(directory, "backup.db"), path);
    expect(verdictOf(await daemon.waitForLog("restart verdict", { fromIndex })).verdict).toBe("restored");
    expect((await statusOf(daemon, "kv")).restartVerdict?.kind).toBe("restored");
  },
  timeoutMs,
);

test.concurrent.each([
  ["garbage", "\0garbage"],
  ["of a version to come", '{"format":"walwarden-ledger","version":2,"databases":[]}'],
])(
  "a ledger that is %s is set aside, said, and made anew",
  async (_name, content) => {
    using directory = makeTempDirectory();
    const path = makeKv(directory);
    writeFileSync(ledgerPath(directory), content);
    await using daemon = await startOnFile(directory, path);
    const said = await daemon.waitForLog("ledger unreadable");
    expect(said).toMatchObject({ level: "error", asidePath: `${ledgerPath(directory)}.unreadable` });
    expect(readFileSync(`${ledgerPath(directory)}.unreadable`, "utf8")).toBe(content);
    expect((await verdictAfter(daemon)).verdict).toBe("first-seen");
    expect(await daemon.stop()).toBe(0);
    // Also the last write of a short life.
    expect(existsSync(ledgerPath(directory))).toBe(true);
    expect(readLedger(directory)[0]?.path).toBe(path);
  },
  timeoutMs,
);
