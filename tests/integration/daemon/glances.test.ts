/**
 * Beside more than a hundred databases the files of a quiet one are not looked at in every sweep. What happens is noticed all
 * the same: what takes a lock or leaves a WAL in the next sweep, everything else when the files have their turn.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, renameSync } from "node:fs";
import { filesSeenEveryMs, glanceAboveCount } from "../../../src/policy/glance.ts";
import type { Daemon } from "../../support/daemonProcess.ts";
import { makeTempDirectory, type TempDirectory } from "../../support/tempDirectory.ts";
import { waitFor } from "../../support/waitFor.ts";
import { startSqlProcess } from "../observe/sqlProcess.ts";
import { dataPath, makeDatabase, startWatching, statusOf } from "./watched.ts";

const databaseCount = glanceAboveCount + 10;
/** Many sweeps in the time in which the files have their turn once. */
const observeInterval = "100ms";
/** Of what is noticed by a glance; far from the time in which files have their turn. */
const atOnceMs = 2_000;
/** On a machine that has other things to do. */
const inTurnMs = filesSeenEveryMs + 6_000;
const timeoutMs = 60_000;

const name = (at: number) => `kv-${at}`;

let directory: TempDirectory;
let daemon: Daemon;
const pathOf = (at: number) => dataPath(directory, `${at}.db`);
const status = (at: number) => statusOf(daemon, name(at));

beforeAll(async () => {
  directory = makeTempDirectory();
  const source = dataPath(directory, "source");
  makeDatabase(source);
  const databases = Array.from({ length: databaseCount }, (_, at) => ({ name: name(at), path: pathOf(at) }));
  for (const { path } of databases) copyFileSync(source, path);
  daemon = await startWatching(directory, { observeInterval, databases });
  const started = async () => (await daemon.get("/health/startup")).status === 200;
  await waitFor("every startup sequence to end", started, { deadlineMs: 50_000, intervalMs: 100 });
}, timeoutMs);

afterAll(async () => {
  await daemon[Symbol.asyncDispose]();
  directory[Symbol.dispose]();
}, timeoutMs);

/** When it was observed, at each change of that, for so many of them. */
async function observations(at: number, count: number): Promise<readonly number[]> {
  const seenAtMs: number[] = [];
  await waitFor(
    `${count} observations of ${name(at)}`,
    async () => {
      const { observedAt } = await status(at);
      const observedAtMs = Date.parse(observedAt ?? "");
      if (observedAtMs !== seenAtMs.at(-1)) seenAtMs.push(observedAtMs);
      return seenAtMs.length >= count;
    },
    { deadlineMs: count * inTurnMs, intervalMs: 20 },
  );
  return seenAtMs;
}

/** Until glances stand for looks at it. */
async function waitUntilGlanced(at: number): Promise<void> {
  await waitFor(
    `${name(at)} to be glanced at`,
    async () => {
      const [first = 0, second = 0] = await observations(at, 2);
      return second - first > filesSeenEveryMs / 2;
    },
    { deadlineMs: 40_000, intervalMs: 20 },
  );
}

describe("beside more than a hundred databases", () => {
  test.concurrent(
    "a quiet one is observed within the promised time, and said to be observed only when its files are",
    async () => {
      await waitUntilGlanced(0);
      const times = await observations(0, 3);
      const apartMs = times.slice(1).map((atMs, at) => atMs - (times[at] ?? 0));
      for (const ms of apartMs) expect(ms).toBeLessThan(inTurnMs);
    },
    timeoutMs,
  );

  test.concurrent(
    "a process that connects, and each commit of one that is connected, is noticed in the next sweep",
    async () => {
      await waitUntilGlanced(1);
      await using application = startSqlProcess();
      await application.run(pathOf(1), "SELECT count(*) FROM written");
      const connected = async () => (await status(1)).connected?.length === 1;
      await waitFor("the connection to be seen", connected, { deadlineMs: atOnceMs, intervalMs: 20 });
      for (const round of [1, 2]) {
        await waitUntilGlanced(1);
        const before = (await status(1)).walFrameCount ?? 0;
        await application.run(pathOf(1), "INSERT INTO written(payload) VALUES(randomblob(100))");
        const seen = async () => ((await status(1)).walFrameCount ?? 0) > before;
        await waitFor(`commit ${round} to be seen`, seen, { deadlineMs: atOnceMs, intervalMs: 20 });
      }
    },
    timeoutMs,
  );

  test.concurrent(
    "what a process has committed that was killed between two sweeps is noticed in the next sweep",
    async () => {
      await waitUntilGlanced(2);
      const bytesBefore = (await status(2)).walFileBytes ?? 0;
      const application = startSqlProcess();
      await application.run(pathOf(2), "INSERT INTO written(payload) VALUES(randomblob(100))");
      await application.kill();
      const seen = async () => ((await status(2)).walFileBytes ?? 0) > bytesBefore;
      await waitFor("its frames to be seen", seen, { deadlineMs: atOnceMs, intervalMs: 20 });
    },
    timeoutMs,
  );

  test.concurrent(
    "a database that is replaced is noticed when the files have their turn",
    async () => {
      await waitUntilGlanced(3);
      const other = dataPath(directory, "other");
      makeDatabase(other, { rowCount: 500 });
      const before = (await status(3)).databaseBytes;
      renameSync(other, pathOf(3));
      const seen = async () => (await status(3)).databaseBytes !== before;
      await waitFor("the other file to be seen", seen, { deadlineMs: inTurnMs, intervalMs: 20 });
    },
    timeoutMs,
  );
});
