/**
 * The first law in rollback mode, where every reader keeps commits out and a journal without a lock beside it
 * looks like one that a crash left: such a database is not opened while an application has it open.
 */
import { expect, test } from "bun:test";
import { startBunWriter } from "../../support/writers/startBunWriter.ts";
import { expectUnharmed, lifeTimeoutMs, liveBesideDaemon } from "./besideDaemon.ts";
import { expectNoByteChanged } from "./standstill.ts";
import { makeWatchedFolder } from "./watchedFolder.ts";

const writers = [
  { name: "with busy timeout 0 that never pauses", options: {} },
  { name: "with busy timeout 0 that pauses", options: { pauseMs: 5 } },
  { name: "on a VFS without locks that never pauses", options: { vfs: "unix-none" } },
  {
    name: "on a VFS without locks that keeps its journal",
    options: { vfs: "unix-none", lockingMode: "EXCLUSIVE", pauseMs: 5 },
  },
] as const;

for (const { name, options } of writers) {
  test.concurrent(
    `a rollback-mode writer ${name} sees no error, no foreign byte and loses no row`,
    async () => {
      using folder = makeWatchedFolder();
      await using writer = await startBunWriter({ path: folder.path, journalMode: "DELETE", ...options });
      const life = await liveBesideDaemon(folder, writer, {
        until: (daemon) => daemon.waitForLog("startup of every database ended"),
        meanwhile: (daemon) => expectNoByteChanged(folder, daemon, writer.pid),
      });
      await expectUnharmed(folder, writer);
      expect(life.pressedCount).toBe(0);
      expect(life.status.journalMode).toBe("rollback");
      expect(life.status.readiness.ready).toBe(false);
      // It is in use, not left behind.
      expect(life.log.filter((line) => line.msg === "startup detected WAL residue")).toEqual([]);
    },
    lifeTimeoutMs,
  );
}
