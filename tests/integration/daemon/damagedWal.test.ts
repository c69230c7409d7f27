/** What a damaged WAL leaves is kept before anything of the daemon's opens the database, or the database stays closed. */
import { expect, test } from "bun:test";
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { spawnProcess } from "../../support/childProcess.ts";
import { daemonEnvironment, mainPath } from "../../support/daemonProcess.ts";
import { makeTempDirectory, type TempDirectory } from "../../support/tempDirectory.ts";
import { verifyRows } from "../../support/verifyRows.ts";
import { startBunWriter } from "../../support/writers/startBunWriter.ts";
import { inspectWal } from "../inspect/inspectCommand.ts";
import { leaveDamagedWal } from "./damagedWal.ts";
import {
  dataPath,
  makeDatabase,
  makeDatabaseWithResidue,
  phrases,
  startOnFile,
  startReady,
  startWatching,
  stateDirectory,
  statusOf,
  testTimeoutMs,
  waitForCheck,
  waitUntilReady,
} from "./watched.ts";

const residueFolder = (directory: TempDirectory) => join(stateDirectory(directory), "residue");

/** Names of the copies, of both kinds. */
function copies(directory: TempDirectory): readonly string[] {
  return readdirSync(residueFolder(directory)).filter((name) => !name.includes(".json"));
}

test.concurrent(
  "the WAL as it was is in the state directory before anything is opened, and everybody is told where and how many commits are gone",
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    await leaveDamagedWal(path, { keepShm: true });
    const walBytes = readFileSync(`${path}-wal`);
    const shmBytes = readFileSync(`${path}-shm`);
    await using daemon = await startOnFile(directory, path);
    await daemon.waitForLog("startup ended");
    const said = phrases(daemon, "kv");
    expect(said.indexOf("damaged WAL kept")).toBeGreaterThanOrEqual(0);
    expect(said.indexOf("damaged WAL kept")).toBeLessThan(said.indexOf("startup detected WAL residue"));
    const kept = await daemon.waitForLog("damaged WAL kept");
    const walPath = String(kept.walPath);
    expect(walPath).toMatch(/\/residue\/kv\.\d{8}T\d{9}Z\.wal$/);
    expect(readFileSync(walPath).equals(walBytes)).toBe(true);
    expect(readFileSync(String(kept.shmPath)).equals(shmBytes)).toBe(true);
    for (const copy of [walPath, String(kept.shmPath)]) expect(statSync(copy).mode & 0o777).toBe(0o600);
    expect(copies(directory)).toHaveLength(2);
    // The original is gone by now: what stands behind the break is in the copy alone.
    expect(statSync(`${path}-wal`).size).toBe(0);
    const inspected = await inspectWal(walPath);
    expect(inspected).toMatchObject({ exitCode: 1, wal: { damage: { frame: 10 } } });
    expect(Number(kept.droppedCommitCountMin)).toBeGreaterThan(0);
    const reason = await waitForCheck(daemon, "kv", "residue", "degraded", walPath);
    expect(reason).toContain("broken at frame 10");
    const status = await statusOf(daemon, "kv");
    expect(status.readiness.ready).toBe(true);
    expect(status.walDamage).toMatchObject({ copy: { kind: "kept", walPath } });
    expect(status.residueReport?.walCopy).toMatchObject({ kind: "kept", walPath });
    const report = JSON.parse(readFileSync(join(residueFolder(directory), "kv.json"), "utf8"));
    expect(report.walCopy).toMatchObject({ kind: "kept", walPath });
    await using command = spawnProcess({
      command: [process.execPath, "--no-env-file", mainPath, "status", "--socket", daemon.socketPath],
      environment: daemonEnvironment({ stateDirectory: stateDirectory(directory) }),
    });
    await command.exited;
    expect(command.lines.join("\n")).toContain(walPath);
    expect((await verifyRows(path)).integrityMessages).toEqual(["ok"]);
  },
  testTimeoutMs,
);

test.concurrent(
  "without a copy the database stays closed and not a byte changes; with one it goes on by itself",
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    await leaveDamagedWal(path);
    const before = ["", "-wal"].map((suffix) => readFileSync(path + suffix));
    // No directory can be made where a file lies.
    writeFileSync(residueFolder(directory), "");
    await using daemon = await startOnFile(directory, path);
    const reason = await waitForCheck(daemon, "kv", "guards", "failed", "damaged_wal");
    expect(reason).toContain("could not be copied");
    expect(reason).toContain("open the database once with sqlite3");
    const refused = await daemon.waitForLog("damaged WAL not kept");
    expect(refused.reason).toContain(residueFolder(directory));
    expect(phrases(daemon, "kv")).not.toContain("startup profile verified");
    for (const [index, suffix] of ["", "-wal"].entries())
      expect(readFileSync(path + suffix).equals(before[index] ?? Buffer.alloc(0))).toBe(true);
    rmSync(residueFolder(directory));
    const kept = await daemon.waitForLog("damaged WAL kept");
    expect(readFileSync(String(kept.walPath)).equals(before[1] ?? Buffer.alloc(0))).toBe(true);
    await waitUntilReady(daemon, "kv");
  },
  testTimeoutMs,
);

test.concurrent(
  "an application that opens it all the same meets no error, and the daemon goes on with it",
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    await leaveDamagedWal(path);
    writeFileSync(residueFolder(directory), "");
    await using daemon = await startOnFile(directory, path);
    await waitForCheck(daemon, "kv", "guards", "failed", "damaged_wal");
    await using writer = await startBunWriter({ path, firstRow: 5_000, pauseMs: 20, autocheckpoint: 0 });
    await writer.waitForRows(10);
    await waitUntilReady(daemon, "kv");
    await waitForCheck(daemon, "kv", "residue", "degraded", "could not be kept");
    await writer.stop();
    expect(writer.errors).toEqual([]);
  },
  testTimeoutMs,
);

test.concurrent(
  "a WAL that was kept already is not kept again, and mode observe keeps it too",
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    await leaveDamagedWal(path);
    const config = { databases: [{ name: "kv", path, mode: "observe" }] };
    const names: (readonly string[])[] = [];
    for (const wasThere of [false, true]) {
      await using daemon = await startWatching(directory, config);
      expect(await daemon.waitForLog("damaged WAL kept")).toMatchObject({ wasThere, removedPaths: [] });
      await waitForCheck(daemon, "kv", "residue", "degraded");
      names.push(copies(directory));
      await daemon.kill();
    }
    expect(names[0]).toHaveLength(1);
    expect(names[1]).toEqual(names[0] ?? []);
  },
  testTimeoutMs,
);

test.concurrent(
  "a WAL that is found damaged later, while the daemon runs, is kept as well",
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    makeDatabase(path);
    await using daemon = await startReady(directory, path, { checkpoint: { schedule: "off" } });
    await leaveDamagedWal(path, { firstRow: 1_000 });
    const kept = await daemon.waitForLog("damaged WAL kept");
    expect(await inspectWal(String(kept.walPath))).toMatchObject({ wal: { damage: { frame: 10 } } });
  },
  testTimeoutMs,
);

test.concurrent(
  "of a WAL that is whole nothing is kept, and the check is ok",
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    makeDatabaseWithResidue(path);
    await using daemon = await startOnFile(directory, path);
    await daemon.waitForLog("startup ended");
    expect(phrases(daemon, "kv")).toContain("startup detected WAL residue");
    expect(copies(directory)).toEqual([]);
    await waitForCheck(daemon, "kv", "residue", "ok");
  },
  testTimeoutMs,
);
