/** A state directory without space: said once, degraded, and the ledger is kept again when there is space. */
import { expect, test } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ledgerPath, readLedger } from "../integration/daemon/ledgerFile.ts";
import { dataPath, makeDatabase, startOnFile, waitForCheck } from "../integration/daemon/watched.ts";
import { requireTool, testName, unavailable } from "../support/requirements.ts";
import { makeTempDirectory } from "../support/tempDirectory.ts";

const noMount =
  requireTool("mount", "umount") ?? (process.geteuid?.() === 0 ? null : unavailable("mounting needs root"));

function run(...command: readonly string[]): void {
  const { exitCode, stderr } = Bun.spawnSync([...command]);
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stderr.toString()}`);
}

/** Until the file system has no page left. */
function fill(path: string): void {
  for (;;) {
    try {
      writeFileSync(path, "x".repeat(4096), { flag: "a" });
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOSPC") return;
      throw error;
    }
  }
}

test.skipIf(noMount !== null)(
  testName("a ledger that cannot be written degrades, and is tried again", noMount),
  async () => {
    using directory = makeTempDirectory();
    const state = directory.file("state");
    mkdirSync(state);
    run("mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", state);
    try {
      const path = dataPath(directory, "kv.db");
      makeDatabase(path);
      const filling = join(state, "filling");
      await using daemon = await startOnFile(directory, path);
      await daemon.waitForLog("restart verdict");
      fill(filling);
      expect(await daemon.waitForLog("ledger write failed")).toMatchObject({ level: "warn", code: "ENOSPC" });
      await waitForCheck(daemon, "kv", "ledger", "degraded", "ENOSPC");
      expect((await daemon.get("/readyz")).status).toBe(200);
      rmSync(filling);
      await daemon.waitForLog("ledger written again");
      await waitForCheck(daemon, "kv", "ledger", "ok");
      expect(readLedger(directory)[0]?.path).toBe(path);
      expect(daemon.log.filter(({ msg }) => msg === "ledger write failed")).toHaveLength(1);
      expect(await daemon.stop()).toBe(0);
      expect(ledgerPath(directory).startsWith(state)).toBe(true);
    } finally {
      run("umount", state);
    }
  },
  60_000,
);
