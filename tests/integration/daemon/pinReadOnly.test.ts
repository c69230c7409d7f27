/** A reader that may not write the WAL-index sets no mark: its short reads lie on one old mark, and are blamed for nothing. */
import { expect, test } from "bun:test";
import { chmodSync, copyFileSync } from "node:fs";
import { join } from "node:path";
import { spawnProcess } from "../../support/childProcess.ts";
import { testName } from "../../support/requirements.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { waitFor } from "../../support/waitFor.ts";
import { startSqlProcess } from "../observe/sqlProcess.ts";
import { longWait, pinTimeoutMs } from "./pagedWriter.ts";
import { dataPath, startWatching, statusOf, waitUntilReady } from "./watched.ts";

const asNobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

/** Privileges cannot be installed: without them the test is skipped, in CI too. Of two Pythons one may be root's alone. */
const python =
  process.getuid?.() === 0 && Bun.which("setpriv") !== null
    ? ["/usr/bin/python3", "python3"].find((command) => {
        if (Bun.which(command) === null) return false;
        return Bun.spawnSync([...asNobody, command, "-c", "import sqlite3"]).exitCode === 0;
      })
    : undefined;
const skip = python === undefined ? "python3 cannot be run as another user" : null;

test.concurrent.skipIf(skip !== null)(
  testName("short reads of another user, on a mark that nobody moves, are no pin and name nobody", skip),
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    chmodSync(directory.path, 0o755);
    chmodSync(join(path, ".."), 0o755);
    await using application = startSqlProcess();
    const row = "INSERT INTO written(payload) VALUES (hex(randomblob(50)))";
    await application.run(path, "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0");
    await application.run(path, `CREATE TABLE written(id INTEGER PRIMARY KEY, payload TEXT); ${row}`);
    for (const suffix of ["", "-wal", "-shm"]) chmodSync(path + suffix, 0o644);
    const config = {
      // No checkpoint of the daemon's own moves the mark.
      defaults: { checkpoint: { schedule: "1h", sizeTarget: "64MiB" }, integrity: { startup: "OFF" } },
      databases: [{ name: "kv", path }],
    };
    await using daemon = await startWatching(directory, config);
    await waitUntilReady(daemon, "kv");
    // The last mark that is set lies before this commit.
    await application.run(path, row);
    const script = directory.file("shortReads.py");
    copyFileSync(join(import.meta.dir, "shortReads.py"), script);
    chmodSync(script, 0o644);
    await using reader = spawnProcess({ command: [...asNobody, python ?? "python3", script, path] });
    await reader.waitForLine("reading 1");
    const status = await waitFor(
      "a reader of whom it cannot be said whether it reads all the time",
      async () => {
        const now = await statusOf(daemon, "kv");
        expect(now.pin.kind).not.toBe("held");
        return now.pin.kind === "unobservable" ? now : null;
      },
      longWait,
    );
    expect(JSON.stringify(status.pin)).toContain("may not write the WAL-index");
    expect(status.walVerdict?.holders ?? []).toEqual([]);
    await reader.waitForLine("reading 25");
    expect(daemon.log.filter((line) => line.msg === "wal pinned")).toEqual([]);
  },
  pinTimeoutMs,
);
