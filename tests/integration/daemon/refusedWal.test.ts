/** A WAL that was refused, for it goes with another file, is refused after a restart of the daemon too. */
import { expect, test } from "bun:test";
import { copyFileSync, existsSync, readFileSync, renameSync } from "node:fs";
import type { Daemon } from "../../support/daemonProcess.ts";
import { makeTempDirectory, type TempDirectory } from "../../support/tempDirectory.ts";
import { missingRows, verifyRows } from "../../support/verifyRows.ts";
import { waitFor } from "../../support/waitFor.ts";
import { startBunWriter } from "../../support/writers/startBunWriter.ts";
import {
  act,
  dataPath,
  makeDatabase,
  startWatching,
  statusOf,
  testTimeoutMs,
  waitForCheck,
  waitUntilReady,
} from "./watched.ts";

const rowCount = 30;
const guard = "wal_of_another_file: ";

function watch(directory: TempDirectory, path: string, schedule = "100ms"): Promise<Daemon> {
  return startWatching(directory, {
    databases: [{ name: "k", path, checkpoint: { schedule }, integrity: { startup: "off" } }],
  });
}

interface Files {
  readonly database: Buffer;
  readonly wal: Buffer;
}

/** Nothing is opened: the files stay as they are, and a checkpoint that is asked for is refused. */
async function expectRefused(daemon: Daemon, path: string, before: Files): Promise<void> {
  expect(await waitForCheck(daemon, "k", "guards", "failed")).toStartWith(guard);
  const answer = await act(daemon, "k", "checkpoint");
  expect(String(answer.body.message)).toContain(guard);
  expect(readFileSync(path).equals(before.database)).toBe(true);
  expect(readFileSync(`${path}-wal`).equals(before.wal)).toBe(true);
  const { restartVerdict } = await statusOf(daemon, "k");
  expect(restartVerdict?.kind).toBe("undecidable");
  expect(restartVerdict?.reason).toContain("does not belong to the database");
}

for (const end of ["stopped in order", "killed"] as const) {
  test.concurrent(
    `the database is replaced by an identical copy while its writer runs, and the daemon is ${end}: still refused, until the WAL is gone`,
    async () => {
      using directory = makeTempDirectory();
      const path = dataPath(directory, "k.db");
      const copyPath = dataPath(directory, "copy.db");
      makeDatabase(path, { rowCount });
      copyFileSync(path, copyPath);
      await using writer = await startBunWriter({ path, firstRow: 1_000, autocheckpoint: 0, pauseMs: 5 });
      await writer.waitForRows(5);
      {
        await using daemon = await watch(directory, path);
        await waitUntilReady(daemon, "k");
        renameSync(copyPath, path);
        await waitForCheck(daemon, "k", "guards", "failed", `process ${writer.pid} (`);
        await writer.waitForMoreRows(5);
        await daemon.waitForLog("guard refused");
        if (end === "killed") {
          const ledgerPath = directory.file("state/ledger.json");
          // The ledger is written at the refusal, and not at the next usual time.
          await waitFor("the refusal in the ledger", () =>
            readFileSync(ledgerPath, "utf8").includes('"refusedWal":{'),
          );
          await daemon.kill();
        } else expect(await daemon.stop()).toBe(0);
      }
      await writer.kill();
      const before = { database: readFileSync(path), wal: readFileSync(`${path}-wal`) };
      for (let start = 1; start <= 2; start += 1) {
        await using daemon = await watch(directory, path);
        await expectRefused(daemon, path, before);
        if (start === 1) expect(await daemon.stop()).toBe(0);
        else {
          for (const suffix of ["-wal", "-shm"])
            if (existsSync(path + suffix)) renameSync(path + suffix, directory.file(`away${suffix}`));
          await waitUntilReady(daemon, "k");
          expect(await daemon.stop()).toBe(0);
        }
      }
      const found = await verifyRows(path);
      expect(found.integrityMessages).toEqual(["ok"]);
      expect(found.rows.size).toBe(rowCount);
      // Nothing is left of it: the next start is as any other.
      await using last = await watch(directory, path);
      await waitUntilReady(last, "k");
      expect((await statusOf(last, "k")).restartVerdict?.kind).toBe("intact");
    },
    testTimeoutMs,
  );
}

test.concurrent(
  "the very file that the WAL goes with is put back while no daemon runs: it is taken, and no commit is lost",
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "k.db");
    const copyPath = dataPath(directory, "copy.db");
    const ownPath = dataPath(directory, "own.db");
    makeDatabase(path, { rowCount });
    copyFileSync(path, copyPath);
    await using writer = await startBunWriter({ path, firstRow: 1_000, autocheckpoint: 0, pauseMs: 5 });
    await writer.waitForRows(5);
    {
      await using daemon = await watch(directory, path, "1h");
      await waitUntilReady(daemon, "k");
      await writer.waitForMoreRows(5);
      renameSync(path, ownPath);
      renameSync(copyPath, path);
      await waitForCheck(daemon, "k", "guards", "failed", `process ${writer.pid} (`);
      expect(await daemon.stop()).toBe(0);
    }
    await writer.kill();
    renameSync(path, copyPath);
    renameSync(ownPath, path);
    await using daemon = await watch(directory, path);
    await waitUntilReady(daemon, "k");
    expect(await daemon.stop()).toBe(0);
    const found = await verifyRows(path);
    // It may have been killed between a commit and its acknowledgement.
    expect(found.rows.size).toBeGreaterThanOrEqual(rowCount + writer.acknowledged.length);
    expect(missingRows(writer.acknowledged, found)).toEqual([]);
  },
  testTimeoutMs,
);
