/** The end of Litestream: its grace of half a minute is waited out for real, and checkpoints go on. */
import { expect, test } from "bun:test";
import { startBesideLitestream } from "../integration/daemon/besideLitestream.ts";
import { act, phrases, statusOf } from "../integration/daemon/watched.ts";
import { requireTool, testName } from "../support/requirements.ts";
import { waitFor } from "../support/waitFor.ts";

const toolSkip = requireTool("sqlite3");
const graceMs = 30_000;

test.skipIf(toolSkip !== null)(
  testName(
    "for half a minute after its process ended checkpoints are left to Litestream; then its end is said, and they are made",
    toolSkip,
  ),
  async () => {
    await using scene = await startBesideLitestream();
    const { writer, litestream, daemon } = scene;
    await daemon.waitForLog("replicator detected", { database: "kv" });
    await litestream.kill();
    const endedAtMs = Date.now();
    await waitFor("only the writer to be connected", async () => {
      const { connected } = await statusOf(daemon, "kv");
      return connected?.every(({ pid }) => pid === writer.pid) === true;
    });
    // A process that just died is doubted for a moment: it was seen to have the files open, and holds no lock.
    const asked = await waitFor("a checkpoint that is left to it", async () => {
      const { body } = await act(daemon, "kv", "checkpoint");
      return body.outcome === undefined ? null : body;
    });
    expect(asked).toMatchObject({ outcome: "skipped" });
    expect(String(asked.reason)).toContain("Litestream is at work on it: checkpoints are left to it");

    await daemon.waitForLog("replicator gone", { database: "kv", deadlineMs: graceMs + 20_000 });
    // A look before its end may have been the last that saw it.
    expect(Date.now() - endedAtMs).toBeGreaterThan(graceMs - 1_000);
    await daemon.waitForLog("periodic-checkpoint completed", { database: "kv" });
    expect(phrases(daemon, "kv").filter((phrase) => phrase.startsWith("replicator"))).toEqual([
      "replicator detected",
      "replicator gone",
    ]);
    await writer.stop();
    expect(writer.errors).toEqual([]);
  },
  graceMs + 60_000,
);
