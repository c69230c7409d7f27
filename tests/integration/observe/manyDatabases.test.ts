import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { realClock } from "../../../src/host/clock.ts";
import { type Os, realOs } from "../../../src/host/os.ts";
import { createObserver } from "../../../src/observe/observer.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { startSqlProcess } from "./sqlProcess.ts";

/** On a machine that has other things to do. */
setDefaultTimeout(30_000);

const databaseCount = 1000;

describe("a sweep", () => {
  test(`over ${databaseCount} databases reads /proc/locks and mountinfo for all of them together`, async () => {
    using directory = makeTempDirectory();
    const source = directory.file("source.db");
    await using application = startSqlProcess();
    await application.run(source, "PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES(1)");
    const index = readFileSync(`${source}-shm`).subarray(0, 136);
    const paths = Array.from({ length: databaseCount }, (_, at) => directory.file(`${at}.db`));
    for (const path of paths) {
      copyFileSync(source, path);
      copyFileSync(`${source}-wal`, `${path}-wal`);
      writeFileSync(`${path}-shm`, index);
    }
    const procReads: string[] = [];
    const os: Os = {
      ...realOs,
      readProc: (path) => {
        procReads.push(path);
        return realOs.readProc(path);
      },
      readProcLocks: () => {
        procReads.push("/proc/locks");
        return realOs.readProcLocks();
      },
    };
    const observer = createObserver({ os, clock: realClock, ownPids: () => new Set() });
    const lookAtAll = async () => {
      const startedAtMs = realClock.monotonicMs();
      const sweep = await observer.gatherSweep();
      const observations = paths.map((path) => sweep.observe(path));
      return { observations, durationMs: realClock.monotonicMs() - startedAtMs };
    };
    const rounds = [];
    for (let round = 1; round <= 5; round += 1) rounds.push(await lookAtAll());
    const readCountOf = (path: string) => procReads.filter((read) => read === path).length;
    // /proc/locks is read again, in the same sweep, where it exceeds a page.
    expect(readCountOf("/proc/locks")).toBeLessThanOrEqual(3 * rounds.length);
    // Mounts are kept for some seconds.
    expect(readCountOf("/proc/self/mountinfo")).toBe(1);
    for (const { header, walHeader, walIndex } of rounds.at(-1)?.observations ?? [])
      expect([header?.kind, walHeader?.kind, walIndex?.kind]).toEqual(["header", "header", "index"]);
    const medianMs = rounds.map(({ durationMs }) => durationMs).sort((a, b) => a - b)[2] ?? 0;
    console.log(`observed in ${((medianMs * 1000) / databaseCount).toFixed(1)} µs a database`);
  });
});
