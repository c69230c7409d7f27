/**
 * A daemon beside an application whose SQLite commits frames without salts (unsaltedBug.ts): it says so, and resets the WAL
 * as soon as that is allowed, so that what was committed survives the death of all processes; and never copies it where it
 * could not reset it.
 */
import { expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { logPhrases } from "../../src/report/logPhrases.ts";
import { act, dataPath, startWatching, waitForCheck, waitUntilReady } from "../integration/daemon/watched.ts";
import { requireAffectedTool, startTool, type Tool } from "../support/affectedTool.ts";
import type { Daemon } from "../support/daemonProcess.ts";
import { testName } from "../support/requirements.ts";
import { makeTempDirectory, type TempDirectory } from "../support/tempDirectory.ts";
import { waitFor } from "../support/waitFor.ts";
import { readWalCounts } from "../support/walCounts.ts";
import {
  countStatement,
  insertStatement,
  rowCountBefore,
  settingStatements,
  tableStatements,
  unsaltedStatements,
} from "./unsaltedBug.ts";

const skipReason = requireAffectedTool();
const testTimeoutMs = 60_000;
const commitsBehind = 5;
const found = logPhrases.unsaltedFrames;
const gone = logPhrases.unsaltedFramesGone;

async function startUnsalted(path: string): Promise<Tool> {
  const tool = startTool(path);
  // As is declared where the daemon may take the write lock beside it.
  await tool.run("PRAGMA busy_timeout = 10000", ...tableStatements, ...settingStatements);
  return tool;
}

/** @returns the rows that are committed. */
async function commitUnsalted(tool: Tool): Promise<number> {
  await tool.run(...unsaltedStatements);
  for (let count = 0; count < commitsBehind; count += 1) await tool.run(insertStatement);
  const rows = Number((await tool.run(countStatement)).at(-1));
  expect(rows).toBe(rowCountBefore + 1 + commitsBehind);
  return rows;
}

/** Nothing but the daemon's reaction can reset the WAL: its schedule is far away. */
function startBeside(directory: TempDirectory, path: string, settings: object): Promise<Daemon> {
  const checkpoint = { schedule: "1h", sizeTarget: "64MiB" };
  return startWatching(directory, { databases: [{ name: "kv", path, checkpoint, ...settings }] });
}

/** All of them at once, and without the WAL-index: whoever comes next recovers. */
async function rowsAfterDeathOfAll(
  path: string,
  daemon: Daemon,
  tools: readonly Tool[],
): Promise<readonly string[]> {
  for (const tool of tools) tool.process.kill();
  await Promise.all([daemon.kill(), ...tools.map((tool) => tool.process.exited)]);
  rmSync(`${path}-shm`, { force: true });
  await using reader = startTool(path);
  return await reader.run(countStatement, "PRAGMA integrity_check");
}

for (const others of [0, 1]) {
  const beside = others === 0 ? "one connection" : "several connections with the WAL-reset bug";
  test.skipIf(skipReason !== null)(
    testName(
      `beside ${beside} the WAL is truncated at once, and no commit is lost when all processes die`,
      skipReason,
    ),
    async () => {
      using directory = makeTempDirectory();
      const path = dataPath(directory, "kv.db");
      await using tool = await startUnsalted(path);
      await using other = startTool(path);
      if (others > 0) await other.run(countStatement);
      await using daemon = await startBeside(directory, path, { busyTimeout: "10s" });
      await waitUntilReady(daemon, "kv");
      const rows = await commitUnsalted(tool);
      const line = await daemon.waitForLog(found, { database: "kv" });
      expect(line).toMatchObject({ level: "warn" });
      expect(Number(line.frame)).toBeGreaterThan(1);
      expect(String(line.advice)).toContain("upgrade its SQLite");
      await daemon.waitForLog(gone, { database: "kv" });
      await waitForCheck(daemon, "kv", "wal", "ok");
      // By its TRUNCATE, or by a commit that found all copied: the schedule is an hour away.
      await daemon.waitForLog(logPhrases.periodicCheckpointCompleted, { database: "kv" });
      expect(daemon.log.filter(({ msg }) => msg === found)).toHaveLength(1);

      expect(await rowsAfterDeathOfAll(path, daemon, [tool, other])).toEqual([String(rows), "ok"]);
    },
    testTimeoutMs,
  );
}

test.skipIf(skipReason !== null)(
  testName("a daemon that comes later finds them, and resets the WAL when the application rests", skipReason),
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    await using tool = await startUnsalted(path);
    const rows = await commitUnsalted(tool);
    const checkpoint = { schedule: "2s", sizeTarget: "64MiB" };
    await using daemon = await startBeside(directory, path, { checkpoint });
    await daemon.waitForLog(found, { database: "kv" });
    // Nobody else writes, or checkpoints.
    await daemon.waitForLog(gone, { database: "kv" });
    expect(await rowsAfterDeathOfAll(path, daemon, [tool])).toEqual([String(rows), "ok"]);
  },
  testTimeoutMs,
);

test.skipIf(skipReason !== null)(
  testName(
    "a daemon that only observes says what is the matter until the application has reset its WAL",
    skipReason,
  ),
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    await using tool = await startUnsalted(path);
    await using daemon = await startBeside(directory, path, { mode: "observe" });
    await waitForCheck(daemon, "kv", "wal", "ok");
    await commitUnsalted(tool);
    const line = await daemon.waitForLog(found, { database: "kv" });
    expect(String(line.advice)).toContain("the daemon does not reset the WAL: its mode is observe");
    const reason = await waitForCheck(daemon, "kv", "wal", "degraded", `frame ${line.frame} of the WAL`);
    expect(reason).toContain("PRAGMA wal_checkpoint(TRUNCATE)");
    expect(readWalCounts(path)).toMatchObject({ nBackfill: 0 });

    await tool.run("PRAGMA wal_checkpoint(PASSIVE)");
    await waitForCheck(daemon, "kv", "wal", "degraded", "the database may be malformed");
    await tool.run("PRAGMA wal_checkpoint(TRUNCATE)");
    await daemon.waitForLog(gone, { database: "kv" });
    await waitForCheck(daemon, "kv", "wal", "ok");
  },
  testTimeoutMs,
);

test.skipIf(skipReason !== null)(
  testName(
    "a recovery that dropped commits is said as a loss, and never as the end of the matter",
    skipReason,
  ),
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    await using tool = await startUnsalted(path);
    await using daemon = await startBeside(directory, path, { mode: "observe" });
    await waitForCheck(daemon, "kv", "wal", "ok");
    await commitUnsalted(tool);
    const { frame } = await daemon.waitForLog(found, { database: "kv" });
    tool.process.kill();
    await tool.process.exited;
    await using next = startTool(path);
    // Soon as many frames as before, under the same salts.
    await next.run("PRAGMA wal_autocheckpoint = 0", ...Array.from({ length: 100 }, () => insertStatement));
    const line = await daemon.waitForLog(logPhrases.unsaltedFramesLost, { database: "kv" });
    expect(line).toMatchObject({ level: "error", frame });
    await waitForCheck(daemon, "kv", "wal", "degraded", `recovery ended before frame ${frame}: commits`);
    expect(daemon.log.some(({ msg }) => msg === gone)).toBe(false);
  },
  testTimeoutMs,
);

test.skipIf(skipReason !== null)(
  testName(
    "while a reader is in the way nothing is copied, and when it has gone the WAL is reset",
    skipReason,
  ),
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    await using tool = await startUnsalted(path);
    await using reader = startTool(path);
    await tool.run(insertStatement);
    await using daemon = await startBeside(directory, path, { busyTimeout: "10s" });
    await waitUntilReady(daemon, "kv");
    // What the startup copied lies before: the reader keeps the rest.
    await reader.run("BEGIN", countStatement);
    await tool.run(...unsaltedStatements);
    await daemon.waitForLog(found, { database: "kv" });
    const before = readWalCounts(path);
    const answer = await waitFor("a checkpoint that waits for the reader", async () => {
      const { body } = await act(daemon, "kv", "checkpoint");
      return String(body.reason).includes("not reset beside an SQLite with the WAL-reset bug") ? body : null;
    });
    expect(answer.outcome).toBe("incomplete");
    expect(readWalCounts(path)).toEqual(before);
    expect(daemon.log.some(({ msg }) => msg === gone)).toBe(false);

    await reader.run("COMMIT");
    await daemon.waitForLog(gone, { database: "kv" });
    const rows = (await tool.run(countStatement)).at(-1) ?? "";
    expect(await rowsAfterDeathOfAll(path, daemon, [tool, reader])).toEqual([rows, "ok"]);
  },
  testTimeoutMs,
);
