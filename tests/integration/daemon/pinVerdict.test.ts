/** What is the matter with a WAL that does not start over, or cannot be seen: by real processes, a word for each. */
import { expect, test } from "bun:test";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { waitFor } from "../../support/waitFor.ts";
import { startSqlProcess } from "../observe/sqlProcess.ts";
import { eagerConfig, longWait, ownUser, pinTimeoutMs, startPagedWriter } from "./pagedWriter.ts";
import { dataPath, startWatching, statusOf, waitUntilReady } from "./watched.ts";

test.concurrent(
  "two readers without a gap starve the WAL, and nobody is named",
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    await using writer = await startPagedWriter(path, 5);
    await writer.waitForRows(20);
    await using one = startSqlProcess();
    await using other = startSqlProcess();
    await using daemon = await startWatching(directory, eagerConfig(path, "64KiB"));
    await waitUntilReady(daemon, "kv");
    let isOver = false;
    // One begins before the other ends, for as long as it takes.
    const reading = (async () => {
      await one.run(path, "BEGIN; SELECT count(*) FROM written");
      for (let turn = 0; !isOver; turn += 1) {
        const [next, last] = turn % 2 === 0 ? [other, one] : [one, other];
        await next.run(path, "BEGIN; SELECT count(*) FROM written");
        await writer.waitForMoreRows(1);
        await last.run(path, "COMMIT");
      }
    })();
    const status = await waitFor(
      "the verdict starved",
      async () => {
        const now = await statusOf(daemon, "kv");
        // A writer that is put to sleep while it writes the WAL-index makes it unobservable for a look, which is said.
        expect(now.pin.kind).not.toBe("held");
        return now.walVerdict?.kind === "starved" ? now : null;
      },
      longWait,
    );
    isOver = true;
    await reading;
    expect(status.walVerdict?.holders).toEqual([]);
    expect(status.readerCount).toBeGreaterThan(0);
    expect(daemon.log.filter((line) => line.msg === "wal pinned")).toEqual([]);
    const said = await daemon.waitForLog("wal verdict changed", { database: "kv" });
    expect(said).toMatchObject({ level: "warn", to: "starved", holders: [] });
  },
  pinTimeoutMs,
);

test.concurrent(
  "an application in locking_mode=EXCLUSIVE is named as what keeps its WAL from being seen",
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    await using application = startSqlProcess();
    await application.run(
      path,
      "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES(1)",
    );
    await using daemon = await startWatching(directory, eagerConfig(path, "64MiB"));
    const status = await waitFor(
      "the verdict exclusive",
      async () => {
        const now = await statusOf(daemon, "kv");
        return now.walVerdict?.kind === "exclusive" ? now : null;
      },
      longWait,
    );
    expect(status.walVerdict?.holders).toMatchObject([{ pid: application.pid, user: ownUser }]);
    // One cause is one line: the guard's.
    const refused = await daemon.waitForLog("guard refused");
    expect(refused).toMatchObject({ guard: "exclusive_lock", level: "error" });
    expect(String(refused.reason)).toContain(`process ${application.pid} (`);
    expect(daemon.log.map(({ msg }) => msg)).not.toContain("wal verdict changed");
    await application.close(path);
    const after = await waitFor(
      "the verdict healthy",
      async () => {
        const now = await statusOf(daemon, "kv");
        return now.walVerdict?.kind === "healthy" ? now : null;
      },
      longWait,
    );
    expect(after.walVerdict?.holders).toEqual([]);
  },
  pinTimeoutMs,
);

test.concurrent(
  "a writer that outruns every checkpoint is a write-storm, and nobody is named",
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    await using writer = await startPagedWriter(path, 0);
    await writer.waitForRows(20);
    await using daemon = await startWatching(directory, eagerConfig(path, "64KiB"));
    const status = await waitFor(
      "the verdict write-storm",
      async () => {
        const now = await statusOf(daemon, "kv");
        expect(now.walVerdict?.kind).not.toBe("starved");
        return now.walVerdict?.kind === "write-storm" ? now : null;
      },
      longWait,
    );
    expect(status.walVerdict?.holders).toEqual([]);
    expect(status.pin.kind).toBe("none");
    expect(daemon.log.filter((line) => line.msg === "wal pinned")).toEqual([]);
  },
  pinTimeoutMs,
);
