/** A state directory without room for the copy of a damaged WAL: the database stays closed until there is room. */
import { expect, test } from "bun:test";
import { mkdirSync, readFileSync } from "node:fs";
import { leaveDamagedWal } from "../integration/daemon/damagedWal.ts";
import { dataPath, startOnFile, waitForCheck, waitUntilReady } from "../integration/daemon/watched.ts";
import { requireTool, testName, unavailable } from "../support/requirements.ts";
import { makeTempDirectory } from "../support/tempDirectory.ts";

const noMount =
  requireTool("mount", "umount") ?? (process.geteuid?.() === 0 ? null : unavailable("mounting needs root"));

function run(...command: readonly string[]): void {
  const { exitCode, stderr } = Bun.spawnSync([...command]);
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stderr.toString()}`);
}

test.skipIf(noMount !== null)(
  testName("no room for the copy: not opened, said with figures, and opened when there is room", noMount),
  async () => {
    using directory = makeTempDirectory();
    const state = directory.file("state");
    mkdirSync(state);
    run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", state);
    try {
      const path = dataPath(directory, "kv.db");
      await leaveDamagedWal(path);
      const walBytes = readFileSync(`${path}-wal`);
      await using daemon = await startOnFile(directory, path);
      const reason = await waitForCheck(daemon, "kv", "guards", "failed", "damaged_wal");
      expect(reason).toMatch(/\d+ must be free for it in .*residue, where \d+ are: make room there/);
      expect((await daemon.get("/readyz")).status).toBe(503);
      expect(readFileSync(`${path}-wal`).equals(walBytes)).toBe(true);
      run("mount", "-o", "remount,size=200m", state);
      const { walPath } = await daemon.waitForLog("damaged WAL kept");
      expect(readFileSync(String(walPath)).equals(walBytes)).toBe(true);
      await waitUntilReady(daemon, "kv");
      expect(await daemon.stop()).toBe(0);
    } finally {
      run("umount", state);
    }
  },
  60_000,
);
