/** A database on a full disk: nothing that is said of its WAL calms. */
import { expect, test } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeDatabase, startWatching, statusOf, waitUntilReady } from "../integration/daemon/watched.ts";
import { requireTool, testName, unavailable } from "../support/requirements.ts";
import { makeTempDirectory } from "../support/tempDirectory.ts";
import { waitFor } from "../support/waitFor.ts";

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
      writeFileSync(path, "x".repeat(65_536), { flag: "a" });
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOSPC") return;
      throw error;
    }
  }
}

test.skipIf(noMount !== null)(
  testName("a small WAL on a full disk is not called healthy until there is space again", noMount),
  async () => {
    using directory = makeTempDirectory();
    const folder = directory.file("small");
    mkdirSync(folder);
    run("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder);
    try {
      const path = join(folder, "kv.db");
      makeDatabase(path);
      await using daemon = await startWatching(directory, { databases: [{ name: "kv", path }] });
      await waitUntilReady(daemon, "kv");
      const waitForVerdict = (kind: string) =>
        waitFor(
          `the WAL to be ${kind}`,
          async () => {
            const { walVerdict } = await statusOf(daemon, "kv");
            return walVerdict?.kind === kind ? walVerdict : null;
          },
          { deadlineMs: 60_000 },
        );
      await waitForVerdict("healthy");
      fill(join(folder, "filling"));
      expect((await waitForVerdict("unknown")).reason).toContain("the file system is full");
      rmSync(join(folder, "filling"));
      await waitForVerdict("healthy");
      await daemon.stop();
    } finally {
      run("umount", folder);
    }
  },
  150_000,
);
