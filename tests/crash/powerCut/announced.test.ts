/**
 * What a power cut takes, against what the daemon had announced of it: on real file systems, with the heartbeat of
 * production, and judged again by the daemon of the next boot. "One sample" is what was committed after the last
 * look before the cut.
 */
import { expect, test } from "bun:test";
import { mkdirSync, statSync } from "node:fs";
import type { Daemon, LogLine } from "../../support/daemonProcess.ts";
import { testName } from "../../support/requirements.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { writeBackUntilClean } from "./fileCache.ts";
import { type CutFileSystem, cutFileSystems, type Laboratory, openLaboratory } from "./laboratory.ts";
import { requireLaboratory } from "./requirements.ts";
import {
  judgeNextBoot,
  lookIntervalMs,
  readAnnounced,
  startWatching,
  waitForAnnounced,
  waitForLedger,
  waitForLooks,
} from "./watchedDatabase.ts";
import {
  type CutWriting,
  cutWhileWriting,
  makeDatabase,
  type Recovered,
  recover,
  startWriter,
  timeCommits,
} from "./writtenDatabase.ts";

type StateDisk = "same disk" | "other disk";

const missing = requireLaboratory();
const timeoutMs = 60_000;
const boundMs = 1_000;
/** For a machine that has other things to do: a look that comes late, a sync that takes its time. */
const slackMs = 1_000;

interface Scene extends AsyncDisposable {
  readonly laboratory: Laboratory;
  readonly path: string;
  readonly daemon: Daemon;
  readonly stateDirectory: string;
  /** Power is off: kills daemon and writer, and brings the machine up again, the daemon first. */
  recoverAfter(cutting: CutWriting, writer: AsyncDisposable): Promise<Judged>;
}

interface Judged extends Recovered {
  /** What the daemon of the next boot said. */
  readonly verdict: LogLine;
}

/** Its state lies on the same disk, which loses what nobody synced, or on another one that loses nothing. */
async function openScene(fileSystem: CutFileSystem, exposureMax: string, stateOn: StateDisk): Promise<Scene> {
  await using stack = new AsyncDisposableStack();
  const directory = stack.use(makeTempDirectory());
  const laboratory = stack.use(await openLaboratory(fileSystem));
  const path = await makeDatabase(laboratory);
  const stateDirectory = stateOn === "same disk" ? laboratory.file("state") : directory.path;
  mkdirSync(stateDirectory, { recursive: true });
  const watch = { path, directory, stateDirectory, settings: { exposureMax } };
  const daemon = stack.use(await startWatching(watch));
  const opened = stack.move();
  return {
    laboratory,
    path,
    stateDirectory,
    daemon,
    recoverAfter: async ({ cut, acknowledged }, writer) => {
      await daemon.kill();
      await writer[Symbol.asyncDispose]();
      await laboratory.powerOn(cut);
      const verdict = await judgeNextBoot(watch);
      return { ...(await recover(path, acknowledged)), verdict };
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/**
 * The next start never says that more was lost than was, nor that any of it had been proven. It judges by what the
 * ledger had noted, some seconds before the cut: where that was not touched it says so.
 */
function expectToAgree({ verdict, lost }: Judged): void {
  expect(["intact", "exposed-lost"]).toContain(String(verdict.verdict));
  expect(Number(verdict.lostExposedCommitCountMin ?? 0)).toBeLessThanOrEqual(lost.length);
  expect(verdict.lostProvenCommitCountMin ?? 0).toBe(0);
}

for (const fileSystem of cutFileSystems) {
  const stateDisk: StateDisk = fileSystem === "btrfs" ? "other disk" : "same disk";
  const cutTest = (name: string, exposureMax: string, body: (scene: Scene) => Promise<void>) =>
    test.skipIf(missing !== null)(
      testName(`${fileSystem}: ${name}`, missing),
      async () => {
        await using scene = await openScene(fileSystem, exposureMax, stateDisk);
        await body(scene);
      },
      timeoutMs,
    );

  cutTest("a cut under NORMAL takes no more than was announced plus one sample", "off", async (scene) => {
    await using writer = await startWriter(scene.path, {
      synchronous: "NORMAL",
      autocheckpoint: 0,
      pauseMs: 1,
    });
    using times = timeCommits(writer);
    await waitForAnnounced(
      scene.daemon,
      "exposure",
      ({ commitCount = 0 }) => commitCount > 0,
      3_000 + slackMs,
    );
    await waitForLedger(scene.stateDirectory, 100);
    await writer.waitForMoreRows(500);
    const announced = await readAnnounced(scene.daemon);
    const cutting = await cutWhileWriting(scene.laboratory, writer);
    const judged = await scene.recoverAfter(cutting, writer);
    const { found, lost, verdict } = judged;
    const sampleCount = times.committedAfter(announced.lookedAtMs);
    console.log(
      `${fileSystem}: announced ${announced.commitCount}, sample ${sampleCount}, lost ${lost.length}, ` +
        `said ${JSON.stringify(verdict)}`,
    );
    expect(cutting.beganAtMs - announced.lookedAtMs).toBeLessThan(lookIntervalMs + slackMs);
    expect(lost.length).toBeGreaterThan(0);
    expect(lost.length).toBeLessThanOrEqual((announced.commitCount ?? 0) + sampleCount);
    expect(found.integrityMessages).toEqual(["ok"]);
    expectToAgree(judged);
    expect(verdict).toMatchObject({ verdict: "exposed-lost" });
    expect(Number(verdict.lostExposedCommitCountMin)).toBeGreaterThan(0);
  });

  cutTest("what the kernel has written back is still announced", "off", async (scene) => {
    const batchRows = 300;
    const options = { synchronous: "NORMAL", autocheckpoint: 0, rowCount: batchRows } as const;
    const waitForCommits = (count: number) =>
      waitForAnnounced(scene.daemon, `${count} commits`, ({ commitCount = 0 }) => commitCount >= count);
    // The first batch is for the ledger, which the next start judges by; the second is what the cut takes.
    await using early = await startWriter(scene.path, options);
    await waitForCommits(batchRows);
    await waitForLedger(scene.stateDirectory, batchRows);
    await using writer = await startWriter(scene.path, { ...options, firstRow: 100_000 });
    await waitForCommits(2 * batchRows);
    await writeBackUntilClean(`${scene.path}-wal`);
    const announced = await waitForLooks(scene.daemon, 2);
    const cutting = await cutWhileWriting(scene.laboratory, writer);
    await early.kill();
    const judged = await scene.recoverAfter(cutting, writer);
    const { lost } = judged;
    console.log(
      `${fileSystem}: announced ${announced.commitCount}, lost ${lost.length} of the last ${batchRows}, ` +
        `said ${JSON.stringify(judged.verdict)}`,
    );
    expect(announced.commitCount).toBeGreaterThanOrEqual(2 * batchRows);
    expect(announced.byteCount ?? 0).toBeGreaterThan(2 * batchRows * 4096);
    expect(lost.length).toBeGreaterThan(0);
    expect(lost.length).toBeLessThanOrEqual(batchRows);
    expect(["intact", "exposed-lost"]).toContain(String(judged.verdict.verdict));
    expect(judged.verdict.lostProvenCommitCountMin ?? 0).toBe(0);
  });

  cutTest("with bounded exposure a cut takes at most the bound plus one sample", "1s", async (scene) => {
    const options = { synchronous: "NORMAL", autocheckpoint: 0, pauseMs: 1 } as const;
    await using writer = await startWriter(scene.path, options);
    using times = timeCommits(writer);
    const synced = async () =>
      (await scene.daemon.metrics()).value("sqlite_wal_syncs_total", { database: "kv", outcome: "ok" }) ?? 0;
    await waitForAnnounced(scene.daemon, "exposure", ({ commitCount = 0 }) => commitCount > 0);
    await waitForLedger(scene.stateDirectory, 1_000);
    expect(await synced()).toBeGreaterThan(0);
    await writer.waitForMoreRows(100);
    const announced = await readAnnounced(scene.daemon);
    const cutting = await cutWhileWriting(scene.laboratory, writer);
    const judged = await scene.recoverAfter(cutting, writer);
    const { found, lost, verdict } = judged;
    const oldestMs = cutting.beganAtMs - (times.of(lost[0] ?? 0) ?? cutting.beganAtMs);
    const sampleCount = times.committedAfter(announced.lookedAtMs);
    console.log(
      `${fileSystem}: lost ${lost.length} of ${cutting.acknowledged.length}, the oldest ${oldestMs} ms old; ` +
        `announced ${announced.commitCount}, sample ${sampleCount}, said ${JSON.stringify(verdict)}`,
    );
    expect(lost.length).toBeLessThan(cutting.acknowledged.length);
    expect(oldestMs).toBeLessThanOrEqual(boundMs + lookIntervalMs + slackMs / 2);
    expect(lost.length).toBeLessThanOrEqual((announced.commitCount ?? 0) + sampleCount);
    expect(found.integrityMessages).toEqual(["ok"]);
    expectToAgree(judged);
  });

  cutTest("under EXTRA nothing is ever announced and nothing is lost", "off", async (scene) => {
    await using writer = await startWriter(scene.path, {
      synchronous: "EXTRA",
      autocheckpoint: 0,
      pauseMs: 1,
    });
    await writer.waitForRows(100);
    await waitForLedger(scene.stateDirectory, 100);
    const endMs = Date.now() + 3 * lookIntervalMs;
    await waitForAnnounced(scene.daemon, "three looks", (announced) => {
      expect(announced).toMatchObject({ observable: true, commitCount: 0, byteCount: 0, sinceMs: 0 });
      return announced.lookedAtMs > endMs;
    });
    const cutting = await cutWhileWriting(scene.laboratory, writer);
    expect(statSync(`${scene.path}-wal`).size).toBeGreaterThan(0);
    const { lost, verdict } = await scene.recoverAfter(cutting, writer);
    expect(lost.length).toBe(0);
    expect(verdict).toMatchObject({ verdict: "intact" });
  });
}
