/** A WAL that is damaged in its midst is told as damage: by inspect, in the residue report and in the log; no other one is. */
import { describe, expect, test } from "bun:test";
import { closeSync, openSync, readFileSync, readSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { verifyRows } from "../../support/verifyRows.ts";
import { startBunWriter } from "../../support/writers/startBunWriter.ts";
import { dataPath, startOnFile, stateDirectory, testTimeoutMs } from "../daemon/watched.ts";
import { inspect, inspectDatabase } from "./inspectCommand.ts";

/** Changes a byte of the page in that frame, in place. */
function damageFrame(walPath: string, frame: number): void {
  const descriptor = openSync(walPath, "r+");
  const offset = 32 + (frame - 1) * (24 + 4096) + 24 + 3_000;
  const byte = new Uint8Array(1);
  readSync(descriptor, byte, 0, 1, offset);
  writeSync(descriptor, Uint8Array.of((byte[0] ?? 0) ^ 0x5a), 0, 1, offset);
  closeSync(descriptor);
}

const rowCount = 60;

/** Killed with so many rows in the WAL; no WAL-index is left, as after a power cut. */
async function crashed(path: string): Promise<void> {
  await using writer = await startBunWriter({ path, rowCount, autocheckpoint: 0 });
  await writer.waitForRows(rowCount);
  await writer.kill();
  rmSync(`${path}-shm`, { force: true });
}

describe("left behind", () => {
  test.concurrent(
    "the commits behind the damage are told, never too many, with status 1 and what to do first",
    async () => {
      using directory = makeTempDirectory();
      const path = dataPath(directory, "kv.db");
      await crashed(path);
      const whole = await inspectDatabase(path);
      expect(whole).toMatchObject({ exitCode: 0, wal: { damage: null } });
      damageFrame(`${path}-wal`, 10);
      const { exitCode, wal, walVerdict, residue } = await inspectDatabase(path);
      expect(exitCode).toBe(1);
      expect(wal).toMatchObject({ damage: { frame: 10 }, endsTorn: false });
      const dropped = wal?.damage?.droppedCommitCountMin ?? 0;
      expect(walVerdict?.kind).toBe("unknown");
      expect(residue?.expectation).toContain(`the WAL is broken at frame 10 `);
      const { stdout } = await inspect([path]);
      expect(stdout).toStartWith(`${path}: 1 thing wrong\n`);
      expect(stdout).toMatch(
        /^wrong: the WAL is broken at frame 10 .*copy the files before anything opens them/m,
      );
      expect(stdout).not.toContain("healthy");
      const { rows } = await verifyRows(path);
      const lost = rowCount - rows.size;
      expect(lost).toBeGreaterThan(20);
      expect(dropped).toBeLessThanOrEqual(lost);
      expect(dropped).toBeGreaterThanOrEqual(lost - 2);
    },
    testTimeoutMs,
  );

  test.concurrent(
    "the daemon says it in the log and in its report, before anything is opened",
    async () => {
      using directory = makeTempDirectory();
      const path = dataPath(directory, "kv.db");
      await crashed(path);
      damageFrame(`${path}-wal`, 10);
      const { wal } = await inspectDatabase(path);
      const dropped = wal?.damage?.droppedCommitCountMin ?? 0;
      await using daemon = await startOnFile(directory, path);
      const said = await daemon.waitForLog("startup detected WAL residue");
      expect(said.droppedCommitCountMin).toBe(dropped);
      expect(String(said.expectation)).toContain(`at least ${dropped} commits stand behind it`);
      const report = JSON.parse(readFileSync(join(stateDirectory(directory), "residue", "kv.json"), "utf8"));
      expect(report.found.wal).toMatchObject({ droppedCommitCountMin: dropped, endsTorn: false });
      expect(report.found.wal.damage).toContain("broken at frame 10");
    },
    testTimeoutMs,
  );
});

describe("in use", () => {
  test.concurrent(
    "damage in what is committed is told by the WAL-index, whatever the writer does",
    async () => {
      using directory = makeTempDirectory();
      const path = dataPath(directory, "kv.db");
      await using writer = await startBunWriter({ path, autocheckpoint: 0, pauseMs: 20 });
      await writer.waitForRows(30);
      damageFrame(`${path}-wal`, 10);
      const { exitCode, wal, remarks } = await inspectDatabase(path);
      expect(exitCode).toBe(1);
      expect(wal?.damage?.frame).toBe(10);
      expect(remarks[0]?.text).toContain("who has it open reads the others unchecked");
    },
    testTimeoutMs,
  );

  test.concurrent(
    "a writer at work, whose WAL starts over again and again, is never called damaged",
    async () => {
      using directory = makeTempDirectory();
      const path = dataPath(directory, "kv.db");
      await using writer = await startBunWriter({
        path,
        autocheckpoint: 40,
        rowBytes: 9_000,
        synchronous: "OFF",
      });
      for (let turn = 0; turn < 12; turn += 1) {
        await writer.waitForMoreRows(20);
        const { exitCode, remarks, wal } = await inspectDatabase(path);
        expect({ exitCode, damage: wal?.damage ?? null, remarks }).toMatchObject({
          exitCode: 0,
          damage: null,
        });
      }
      await writer.stop();
      expect(writer.errors).toEqual([]);
    },
    testTimeoutMs,
  );
});

test.concurrent(
  "where nobody says how wide it is, lines fit 80 columns but for what cannot be broken",
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    await crashed(path);
    damageFrame(`${path}-wal`, 10);
    for (const columns of [80, 60]) {
      const { stdout } = await inspect([path], { columns });
      for (const line of stdout.split("\n"))
        if (!line.includes("/")) expect(line.length).toBeLessThanOrEqual(columns);
      // Ages and the page cache change between two looks: what is told of the damage does not.
      const told = (text: string) =>
        text.slice(text.indexOf("\nwrong: ")).split("\nnote: ")[0]?.split(/\s+/).join(" ");
      expect(told(stdout)).toBe(told((await inspect([path])).stdout) ?? "nothing");
    }
  },
  testTimeoutMs,
);
