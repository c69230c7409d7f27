/** The first law on a slow disk: every sync of the application, the daemon and its workers takes longer. */
import { expect, test } from "bun:test";
import { requireTool, testName } from "../../support/requirements.ts";
import { slowFsyncEnvironment } from "../../support/slowFsync.ts";
import { startBunWriter } from "../../support/writers/startBunWriter.ts";
import { expectUnharmed, lifeTimeoutMs, liveBesideDaemon, logged } from "./besideDaemon.ts";
import { makeWatchedFolder } from "./watchedFolder.ts";

// A request on demand takes the place of a scheduled round that waits: beside this much pressing all may be one.
const checkpointPhrases = ["periodic-checkpoint", "demand checkpoint"].flatMap((phrase) => [
  `${phrase} completed`,
  `${phrase} incomplete`,
]);
const withoutGcc = requireTool("gcc");

for (const syncMs of [20, 100]) {
  test.concurrent.skipIf(withoutGcc !== null)(
    testName(`with syncs ${syncMs} ms slower a writer with busy timeout 0 sees no error`, withoutGcc),
    async () => {
      using folder = makeWatchedFolder();
      const environment = slowFsyncEnvironment(folder.directory, syncMs);
      await using writer = await startBunWriter({ path: folder.path, autocheckpoint: 0 }, { environment });
      const life = await liveBesideDaemon(folder, writer, {
        environment,
        until: (daemon) => logged(daemon, checkpointPhrases, 3),
      });
      await expectUnharmed(folder, writer);
      // The workers were slowed too, or this proves nothing; and nobody was kept out at all.
      const checkpoints = life.log.filter((line) => typeof line.heldMs === "number");
      expect(checkpoints.some((line) => Number(line.durationMs) >= syncMs)).toBe(true);
      expect(Math.max(...checkpoints.map((line) => Number(line.heldMs)))).toBe(0);
    },
    lifeTimeoutMs,
  );
}
