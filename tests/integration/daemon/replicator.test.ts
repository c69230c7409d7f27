/** Litestream at work on a database: its checkpoints are left to it, checks go on, and both are said. */
import { expect, test } from "bun:test";
import { mkdirSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { requireTool, testName } from "../../support/requirements.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { waitFor } from "../../support/waitFor.ts";
import { startBesideLitestream } from "./besideLitestream.ts";
import {
  act,
  dataPath,
  makeDatabaseWithResidue,
  phrases,
  startWatching,
  statusOf,
  testTimeoutMs,
  waitUntilReady,
} from "./watched.ts";

const toolSkip = requireTool("sqlite3");
const left = "checkpoints are left to";

test.concurrent.skipIf(toolSkip !== null)(
  testName("while a process named litestream reads it no checkpoint is made, and checks pass", toolSkip),
  async () => {
    await using scene = await startBesideLitestream();
    const { writer, litestream, daemon } = scene;
    const detected = await daemon.waitForLog("replicator detected", { database: "kv" });
    expect(detected).toMatchObject({ replicator: "Litestream", evidence: "process" });
    expect(JSON.stringify(detected.holders)).toContain(`"pid":${litestream.pid},"comm":"litestream"`);

    const asked = await act(daemon, "kv", "checkpoint");
    expect(asked.body).toMatchObject({ outcome: "skipped" });
    expect(String(asked.body.reason)).toContain(left);
    const checked = await act(daemon, "kv", "integrity-check?check=quick");
    expect(checked.body).toMatchObject({ verdict: "ok" });
    const status = await statusOf(daemon, "kv");
    expect(status.replicator).toMatchObject({ name: "Litestream", checkpointsLeftToIt: true });
    expect(status.mode).toBe("enforce");
    await writer.waitForMoreRows(20);
    expect((await statusOf(daemon, "kv")).walBackfilledFrameCount).toBe(0);
    expect(
      phrases(daemon, "kv").filter((phrase) => /checkpoint (completed|incomplete|failed)/.test(phrase)),
    ).toEqual([]);

    await writer.stop();
    expect(writer.errors).toEqual([]);
  },
  testTimeoutMs,
);

test.concurrent(
  "a directory of Litestream's that has kept pace leaves the WAL to it, even the recovery; a leftover or empty one does not",
  async () => {
    using directory = makeTempDirectory();
    const followed = dataPath(directory, "followed.db");
    const leftover = dataPath(directory, "leftover.db");
    const empty = dataPath(directory, "empty.db");
    makeDatabaseWithResidue(empty);
    mkdirSync(dataPath(directory, ".empty.db-litestream"));
    for (const path of [followed, leftover]) {
      makeDatabaseWithResidue(path);
      mkdirSync(join(path, "..", `.${path.split("/").at(-1)}-litestream`, "ltx", "0"), { recursive: true });
    }
    const hoursAgo = new Date(Date.now() - 3 * 3_600_000);
    for (const name of ["ltx/0", "ltx", ""])
      utimesSync(dataPath(directory, `.leftover.db-litestream/${name}`), hoursAgo, hoursAgo);
    await using daemon = await startWatching(directory, {
      databases: [
        { name: "followed", path: followed },
        { name: "leftover", path: leftover },
        { name: "empty", path: empty },
      ],
    });
    await daemon.waitForLog("startup-recovery checkpoint completed", { database: "leftover" });
    const skipped = await daemon.waitForLog("startup-recovery checkpoint skipped", { database: "followed" });
    expect(String(skipped.reason)).toContain(left);
    // Nothing was recovered, so nothing differs from what was announced.
    expect(skipped.residue).toBeUndefined();
    expect((await waitUntilReady(daemon, "followed")).replicator).toMatchObject({ evidence: "directory" });
    const other = await waitFor("the leftover to be told of", async () => {
      const { replicator } = await statusOf(daemon, "leftover");
      return replicator?.evidence === "leftover" ? replicator : null;
    });
    expect(other).toMatchObject({ checkpointsLeftToIt: false, holders: [] });
    expect(phrases(daemon, "leftover")).not.toContain("replicator detected");
    await daemon.waitForLog("startup-recovery checkpoint completed", { database: "empty" });
    expect((await statusOf(daemon, "empty")).replicator).toMatchObject({ evidence: "empty" });
    expect(phrases(daemon, "empty")).not.toContain("replicator detected");
  },
  testTimeoutMs,
);
