/** The first entry of a database is in the ledger right after the first look, and a fleet's make few writes. */
import { expect, test } from "bun:test";
import { copyFileSync, statSync, watch } from "node:fs";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { waitFor } from "../../support/waitFor.ts";
import { readLedger, verdictOf, waitForEntry } from "./ledgerFile.ts";
import {
  dataPath,
  makeDatabase,
  makeDatabaseWithResidue,
  startOnFile,
  startWatching,
  stateDirectory,
  testTimeoutMs,
} from "./watched.ts";

/** Far below the usual time between two writes. */
const atOnceMs = 2_000;

test(
  "a daemon that is killed right after its first start has seen the database, and what its recovery did",
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    makeDatabaseWithResidue(path);
    {
      await using first = await startOnFile(directory, path);
      expect((await first.waitForLog("restart verdict")).verdict).toBe("first-seen");
      await first.waitForLog("startup ended");
      const endedAtMs = performance.now();
      const { mtimeMs } = statSync(path);
      await waitForEntry(directory, "what was recovered to be noted", (entry) => {
        return Math.abs((entry.databaseModifiedAtMs ?? 0) - mtimeMs) < 1;
      });
      expect(performance.now() - endedAtMs).toBeLessThan(atOnceMs);
      await first.kill();
    }
    await using second = await startOnFile(directory, path);
    expect(verdictOf(await second.waitForLog("restart verdict"))).toMatchObject({ verdict: "intact" });
  },
  testTimeoutMs,
);

const databaseCount = 200;
/** One in each half second, and one more. */
const writesPerSecondMax = 2;

test(
  `${databaseCount} databases that are seen for the first time are noted in a few writes`,
  async () => {
    using directory = makeTempDirectory();
    const model = dataPath(directory, "0.db");
    makeDatabase(model, { rowCount: 1 });
    for (let at = 1; at < databaseCount; at += 1) copyFileSync(model, dataPath(directory, `${at}.db`));
    let writeCount = 0;
    const watcher = watch(stateDirectory(directory), (event, name) => {
      if (event === "rename" && name === "ledger.json") writeCount += 1;
    });
    const startedAtMs = performance.now();
    await using daemon = await startWatching(directory, {
      databases: [{ glob: dataPath(directory, "*.db") }],
    });
    const { seconds, writes } = await waitFor(
      "every database to be noted",
      () => {
        if (writeCount === 0 || readLedger(directory).length < databaseCount) return undefined;
        return { seconds: (performance.now() - startedAtMs) / 1_000, writes: writeCount };
      },
      { deadlineMs: 20_000, intervalMs: 50 },
    );
    watcher.close();
    await daemon.stop();
    expect(writes).toBeGreaterThan(0);
    expect(writes).toBeLessThanOrEqual(1 + writesPerSecondMax * seconds + 1);
  },
  testTimeoutMs,
);
