/** The first law beside a reader that sits on a snapshot: it keeps its snapshot, and is named. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { spawnProcess } from "../../support/childProcess.ts";
import { requireTool, testName } from "../../support/requirements.ts";
import { withDeadline } from "../../support/waitFor.ts";
import { startBunWriter } from "../../support/writers/startBunWriter.ts";
import { expectUnharmed, lifeTimeoutMs, liveBesideDaemon } from "./besideDaemon.ts";
import { makeWatchedFolder } from "./watchedFolder.ts";

const withoutPython = requireTool("python3");

test.skipIf(withoutPython !== null)(
  testName(
    "a Python reader keeps its snapshot, is named as the holder, and its writer goes on",
    withoutPython,
  ),
  async () => {
    using folder = makeWatchedFolder();
    await using writer = await startBunWriter({ path: folder.path, autocheckpoint: 0, pauseMs: 2 });
    await writer.waitForMoreRows(10);
    await using reader = spawnProcess({
      command: ["python3", join(import.meta.dir, "snapshotReader.py"), folder.path],
    });
    await reader.waitForLine(/^holding \d+$/);
    const life = await liveBesideDaemon(folder, writer, {
      until: (daemon) => daemon.waitForLog("periodic-checkpoint incomplete"),
      meanwhile: async (daemon) => {
        const fromIndex = daemon.log.length;
        await daemon.waitForLog("periodic-checkpoint incomplete", { fromIndex });
        await writer.waitForMoreRows(50);
        reader.send("go on\n");
        expect(await withDeadline("the reader to end", reader.exited)).toBe(0);
        await daemon.waitForLog("periodic-checkpoint completed", { fromIndex: daemon.log.length });
      },
    });
    await expectUnharmed(folder, writer);
    expect(reader.lines[1]).toStartWith("unchanged ");
    const heldBack = life.log.filter((line) => line.msg === "periodic-checkpoint incomplete");
    const holders = heldBack.flatMap((line) => line.holders);
    expect(holders).toContainEqual(expect.objectContaining({ pid: reader.pid, comm: "python3" }));
  },
  lifeTimeoutMs,
);
