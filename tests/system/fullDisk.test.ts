/** A database on a full disk: nothing that is said of its WAL calms. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { makeDatabase, startWatching, statusOf, waitUntilReady } from "../integration/daemon/watched.ts";
import { testName } from "../support/requirements.ts";
import { mountSmallFileSystem, noMount } from "../support/smallFileSystem.ts";
import { makeTempDirectory } from "../support/tempDirectory.ts";
import { waitFor } from "../support/waitFor.ts";

test.skipIf(noMount !== null)(
  testName("a small WAL on a full disk is not called healthy until there is space again", noMount),
  async () => {
    using directory = makeTempDirectory();
    const folder = directory.file("small");
    using small = mountSmallFileSystem(folder, "4m");
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
    small.fill();
    expect((await waitForVerdict("unknown")).reason).toContain("the file system is full");
    small.empty();
    await waitForVerdict("healthy");
    await daemon.stop();
  },
  150_000,
);
