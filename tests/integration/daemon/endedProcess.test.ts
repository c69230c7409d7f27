/** A process that was killed is not named any more, neither in a refusal nor in status, from the moment on that anybody asks. */
import { expect, test } from "bun:test";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { waitFor } from "../../support/waitFor.ts";
import { startBunWriter } from "../../support/writers/startBunWriter.ts";
import {
  act,
  dataPath,
  startWatching,
  statusOf,
  testTimeoutMs,
  waitForCheck,
  waitUntilReady,
} from "./watched.ts";

test(
  "a writer without locks that was killed stands in nobody's way at the next request, and is not named by it",
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    await using writer = await startBunWriter({
      path,
      vfs: "unix-none",
      lockingMode: "EXCLUSIVE",
      pauseMs: 5,
    });
    await writer.waitForRows(5);
    await using daemon = await startWatching(directory, {
      // So rarely that the request comes before the next look.
      observeInterval: "3s",
      databases: [{ name: "kv", path }],
    });
    await waitForCheck(daemon, "kv", "guards", "failed", `process ${writer.pid} (`);
    const { body: before } = await act(daemon, "kv", "checkpoint");
    expect(String(before.message)).toContain(`process ${writer.pid} (`);
    await writer.kill();
    const { body: after } = await act(daemon, "kv", "checkpoint");
    expect(JSON.stringify(after)).not.toContain(String(writer.pid));
    const { modeReason } = await statusOf(daemon, "kv");
    expect(modeReason).not.toContain(String(writer.pid));
    await waitFor("a checkpoint", async () => (await act(daemon, "kv", "checkpoint")).status === 200);
    await waitUntilReady(daemon, "kv");
  },
  testTimeoutMs,
);
