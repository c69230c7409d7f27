/** A state directory without space: said once, degraded, and the ledger is kept again when there is space. */
import { expect, test } from "bun:test";
import { ledgerPath, readLedger } from "../integration/daemon/ledgerFile.ts";
import { dataPath, makeDatabase, startOnFile, waitForCheck } from "../integration/daemon/watched.ts";
import { testName } from "../support/requirements.ts";
import { mountSmallFileSystem, noMount } from "../support/smallFileSystem.ts";
import { makeTempDirectory } from "../support/tempDirectory.ts";

test.skipIf(noMount !== null)(
  testName("a ledger that cannot be written degrades, and is tried again", noMount),
  async () => {
    using directory = makeTempDirectory();
    const state = directory.file("state");
    using small = mountSmallFileSystem(state, "128k");
    const path = dataPath(directory, "kv.db");
    makeDatabase(path);
    await using daemon = await startOnFile(directory, path);
    await daemon.waitForLog("restart verdict");
    small.fill();
    expect(await daemon.waitForLog("ledger write failed")).toMatchObject({ level: "warn", code: "ENOSPC" });
    await waitForCheck(daemon, "kv", "ledger", "degraded", "ENOSPC");
    expect((await daemon.get("/readyz")).status).toBe(200);
    small.empty();
    await daemon.waitForLog("ledger written again");
    await waitForCheck(daemon, "kv", "ledger", "ok");
    expect(readLedger(directory)[0]?.path).toBe(path);
    expect(daemon.log.filter(({ msg }) => msg === "ledger write failed")).toHaveLength(1);
    expect(await daemon.stop()).toBe(0);
    expect(ledgerPath(directory).startsWith(state)).toBe(true);
  },
  60_000,
);
