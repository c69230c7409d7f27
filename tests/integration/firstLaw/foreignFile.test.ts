/**
 * The first law beside a file that SQLite would take for garbage, as an encrypted database looks: merely
 * opening it would delete the WAL beside it. It is never opened, and no byte changes.
 */
import { expect, test } from "bun:test";
import { copyFileSync, writeFileSync } from "node:fs";
import { startBunWriter } from "../../support/writers/startBunWriter.ts";
import { lifeTimeoutMs, readStatus } from "./besideDaemon.ts";
import { pressOnDemand } from "./pressOnDemand.ts";
import { lookedFor } from "./standstill.ts";
import { makeWatchedFolder, type WatchedFolder } from "./watchedFolder.ts";

/** A WAL of a real database, with frames that only it holds. */
async function placeWal(folder: WatchedFolder): Promise<void> {
  const source = folder.directory.file("source.db");
  await using writer = await startBunWriter({ path: source, autocheckpoint: 0 });
  await writer.waitForRows(20);
  await writer.kill();
  copyFileSync(`${source}-wal`, `${folder.path}-wal`);
}

const companions = [
  { name: "a WAL", place: placeWal },
  {
    name: "a rollback journal",
    place: async (folder: WatchedFolder) =>
      writeFileSync(`${folder.path}-journal`, crypto.getRandomValues(new Uint8Array(8192))),
  },
];

for (const { name, place } of companions) {
  test.concurrent(
    `an encrypted file beside ${name} is never opened, and no byte in its folder changes`,
    async () => {
      using folder = makeWatchedFolder();
      writeFileSync(folder.path, crypto.getRandomValues(new Uint8Array(64 * 1024)));
      await place(folder);
      const before = folder.hashes();
      await using daemon = await folder.startDaemon();
      const pressing = pressOnDemand(daemon);
      await daemon.waitForLog("guard refused");
      await lookedFor(daemon, 0.5);
      await pressing.stop();
      const status = await readStatus(daemon);
      expect(await daemon.stop()).toBe(0);
      expect(folder.hashes()).toEqual(before);
      expect(pressing.doneCount()).toBe(0);
      expect(status.mode).toBe("observe");
      expect(status.modeReason).toStartWith("not_a_database: ");
      expect(status.readiness.ready).toBe(false);
    },
    lifeTimeoutMs,
  );
}
