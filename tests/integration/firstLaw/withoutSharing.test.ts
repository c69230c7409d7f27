/**
 * The first law beside applications that keep a WAL database for themselves: locking_mode=EXCLUSIVE, which
 * has its WAL-index in memory, and a VFS that takes no locks. A second connection could destroy their live
 * WAL, so they are observed only, and that is said.
 */
import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { startBunWriter } from "../../support/writers/startBunWriter.ts";
import type { WriterOptions } from "../../support/writers/writerOptions.ts";
import { expectUnharmed, lifeTimeoutMs, liveBesideDaemon } from "./besideDaemon.ts";
import { expectNoByteChanged } from "./standstill.ts";
import { makeWatchedFolder } from "./watchedFolder.ts";

interface Keeper {
  readonly name: string;
  readonly guard: string;
  readonly options: Partial<WriterOptions>;
}

const keepers: readonly Keeper[] = [
  { name: "locking_mode=EXCLUSIVE", guard: "exclusive_lock", options: {} },
  { name: "unix-none, never pausing,", guard: "open_without_locks", options: { vfs: "unix-none" } },
  { name: "unix-none, pausing,", guard: "open_without_locks", options: { vfs: "unix-none", pauseMs: 20 } },
];

for (const { name, guard, options } of keepers) {
  test.concurrent(
    `a WAL writer with ${name} sees no error, no foreign byte and loses no row`,
    async () => {
      using folder = makeWatchedFolder();
      await using writer = await startBunWriter({ path: folder.path, lockingMode: "EXCLUSIVE", ...options });
      const life = await liveBesideDaemon(folder, writer, {
        until: (daemon) => daemon.waitForLog("guard refused"),
        meanwhile: async (daemon) => {
          await expectNoByteChanged(folder, daemon, writer.pid);
          expect(existsSync(`${folder.path}-shm`)).toBe(false);
        },
      });
      await expectUnharmed(folder, writer);
      expect(life.pressedCount).toBe(0);
      expect(life.status.mode).toBe("observe");
      expect(life.status.modeReason).toStartWith(`${guard}: `);
      expect(life.status.modeReason).toContain(`process ${writer.pid} (`);
      expect(life.log.find((line) => line.msg === "guard refused")).toMatchObject({
        guard,
        mode: "observe",
        ready: false,
      });
    },
    lifeTimeoutMs,
  );
}
