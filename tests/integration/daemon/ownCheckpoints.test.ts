/** An application that keeps SQLite's own checkpoints: rounds of the schedule are left to it, and nothing is claimed that is not so. */
import { expect, test } from "bun:test";
import { othersKeepUp } from "../../../src/policy/othersCheckpoints.ts";
import { parseMetrics } from "../../support/metricsText.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { waitFor } from "../../support/waitFor.ts";
import { makeKv, startApplication, startReady, statusOf, testTimeoutMs } from "./watched.ts";

const intervalMs = 250;

test(
  "beside an application that checkpoints for itself rounds are left to it, their success lags by a round, and the last commits are copied when it rests",
  async () => {
    using directory = makeTempDirectory();
    const path = makeKv(directory);
    const settings = { busyTimeout: "10s", checkpoint: { schedule: `${intervalMs}ms` } };
    await using daemon = await startReady(directory, path, settings);
    await using writer = await startApplication(path, { rowBytes: 4_000, autocheckpoint: 50 });
    const isLeft = async () => (await statusOf(daemon, "kv")).checkpoint?.reason === othersKeepUp;
    await waitFor("a round to be left to the application", isLeft, { deadlineMs: 20_000, intervalMs: 5 });

    const { checkpoint } = await statusOf(daemon, "kv");
    if (checkpoint?.reason === othersKeepUp)
      expect(checkpoint).toMatchObject({ outcome: "skipped", caughtUp: false, heldMs: 0 });
    const lastSuccess = async () =>
      parseMetrics(await (await daemon.get("/metrics")).text()).value(
        "sqlite_wal_last_successful_checkpoint_timestamp_seconds",
      ) ?? 0;
    const before = await lastSuccess();
    expect(before).toBeLessThanOrEqual(Date.now() / 1000);
    await waitFor("the time of the last success to go on", async () => (await lastSuccess()) > before, {
      deadlineMs: 10_000,
      intervalMs: 20,
    });

    expect(writer.errors).toEqual([]);
    // No longer written to, and still connected: whoever closes last copies it all.
    await using resting = await startApplication(path, { rowCount: 7, autocheckpoint: 0, firstRow: 900_000 });
    await writer.stop();
    const isCopied = async () => {
      const { walFrameCount, walBackfilledFrameCount } = await statusOf(daemon, "kv");
      return walFrameCount !== null && walFrameCount === walBackfilledFrameCount;
    };
    await waitFor("the last commits to be copied", isCopied, { deadlineMs: 10_000, intervalMs: 20 });
    expect(resting.errors).toEqual([]);
  },
  testTimeoutMs,
);
