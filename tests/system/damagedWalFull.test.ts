/** A state directory without room for the copy of a damaged WAL: the database stays closed until there is room. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { leaveDamagedWal } from "../integration/daemon/damagedWal.ts";
import { dataPath, startOnFile, waitForCheck, waitUntilReady } from "../integration/daemon/watched.ts";
import { testName } from "../support/requirements.ts";
import { mountSmallFileSystem, noMount } from "../support/smallFileSystem.ts";
import { makeTempDirectory } from "../support/tempDirectory.ts";

test.skipIf(noMount !== null)(
  testName("no room for the copy: not opened, said with figures, and opened when there is room", noMount),
  async () => {
    using directory = makeTempDirectory();
    const state = directory.file("state");
    using small = mountSmallFileSystem(state, "1m");
    const path = dataPath(directory, "kv.db");
    await leaveDamagedWal(path);
    const walBytes = readFileSync(`${path}-wal`);
    await using daemon = await startOnFile(directory, path);
    const reason = await waitForCheck(daemon, "kv", "guards", "failed", "damaged_wal");
    expect(reason).toMatch(/\d+ must be free for it in .*residue, where \d+ are: make room there/);
    expect((await daemon.get("/readyz")).status).toBe(503);
    expect(readFileSync(`${path}-wal`).equals(walBytes)).toBe(true);
    small.resize("200m");
    const { walPath } = await daemon.waitForLog("damaged WAL kept");
    expect(readFileSync(String(walPath)).equals(walBytes)).toBe(true);
    await waitUntilReady(daemon, "kv");
    expect(await daemon.stop()).toBe(0);
  },
  60_000,
);
