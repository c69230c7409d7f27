/**
 * A fleet whose checkpoints are due more often than its files are looked at: a due time at which there is nothing to copy
 * is no work and no line, and counts all the same; what is committed is copied when it is due.
 */
import { expect, test } from "bun:test";
import { copyFileSync } from "node:fs";
import { filesSeenEveryMs, glanceAboveCount } from "../../../src/policy/glance.ts";
import type { Daemon } from "../../support/daemonProcess.ts";
import { parseMetrics } from "../../support/metricsText.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { waitFor } from "../../support/waitFor.ts";
import { startSqlProcess } from "../observe/sqlProcess.ts";
import { dataPath, makeDatabase, startWatching, statusOf } from "./watched.ts";

const databaseCount = glanceAboveCount + 10;
const intervalMs = 500;
const watched = "kv-0";

async function lastSuccessAtMs(daemon: Daemon): Promise<number> {
  const metrics = parseMetrics(await (await daemon.get("/metrics")).text());
  const name = "sqlite_wal_last_successful_checkpoint_timestamp_seconds";
  return 1000 * (metrics.value(name, { database: watched }) ?? Number.NaN);
}

test("in a fleet that checkpoints every half second a database at rest is quiet, each due time counts, and a commit is copied when it is due", async () => {
  using directory = makeTempDirectory();
  const source = dataPath(directory, "source");
  makeDatabase(source);
  const databases = Array.from({ length: databaseCount }, (_, at) => ({
    name: `kv-${at}`,
    path: dataPath(directory, `${at}.db`),
  }));
  for (const { path } of databases) copyFileSync(source, path);
  const defaults = { checkpoint: { schedule: `${intervalMs}ms` }, integrity: { startup: "OFF" } };
  await using daemon = await startWatching(directory, { observeInterval: "100ms", defaults, databases });
  await using application = startSqlProcess();
  const path = databases[0]?.path ?? "";
  await application.run(path, "SELECT count(*) FROM written");

  let observedAtMs = 0;
  await waitFor(
    "glances to stand for looks",
    async () => {
      const { observedAt } = await statusOf(daemon, watched);
      const atMs = Date.parse(observedAt ?? "");
      const apartMs = observedAtMs === 0 ? 0 : atMs - observedAtMs;
      observedAtMs = atMs;
      return apartMs > filesSeenEveryMs / 2;
    },
    { deadlineMs: 60_000, intervalMs: 20 },
  );
  const lineCount = () => daemon.log.filter(({ database }) => database === watched).length;
  const linesBefore = lineCount();
  const successAtMs = await lastSuccessAtMs(daemon);
  // Within the time in which its files are looked at once.
  await waitFor(
    "three due times to be counted",
    async () => (await lastSuccessAtMs(daemon)) > successAtMs + 3 * intervalMs - 100,
    {
      deadlineMs: 10_000,
      intervalMs: 20,
    },
  );
  expect(lineCount()).toBe(linesBefore);
  expect(Date.now() - (await lastSuccessAtMs(daemon))).toBeLessThan(filesSeenEveryMs);

  await application.run(path, "INSERT INTO written(payload) VALUES(randomblob(100))");
  const copied = async () => {
    const { walFrameCount, walBackfilledFrameCount } = await statusOf(daemon, watched);
    return (walFrameCount ?? 0) > 0 && walFrameCount === walBackfilledFrameCount;
  };
  await waitFor("the commit to be copied", copied, { deadlineMs: 5_000, intervalMs: 20 });
}, 120_000);
