/**
 * What an observer gives again without reading is what a new observer reads: whatever real SQLite, and whoever copies
 * and empties files, does between two looks.
 */
import { describe, expect, test } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  readlinkSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { basename } from "node:path";
import { realClock } from "../../../src/host/clock.ts";
import { type Os, realOs } from "../../../src/host/os.ts";
import { createObserver } from "../../../src/observe/observer.ts";
import { seededRandom } from "../../crash/seededRandom.ts";
import { makeTempDirectory, type TempDirectory } from "../../support/tempDirectory.ts";
import { waitFor } from "../../support/waitFor.ts";
import { startSqlProcess } from "./sqlProcess.ts";

/** By this clock every change lies an hour back, so that what was read may be given again at once. */
const laterClock = { ...realClock, nowMs: () => realClock.nowMs() + 3_600_000 };
const ownPids = () => new Set<number>();

const observerWith = (os: Os) => createObserver({ os, clock: laterClock, ownPids });

/** The real system, counting how often a file is opened. */
function counting() {
  const opened: string[] = [];
  const os: Os = {
    ...realOs,
    open: (path) => {
      opened.push(path);
      return realOs.open(path);
    },
  };
  return { os, opened };
}

/** Until the file system's clock has gone on: two changes within one of its ticks cannot be told apart. */
async function nextTick(directory: TempDirectory): Promise<void> {
  const probe = directory.file("tick");
  const changedAtMs = () => {
    writeFileSync(probe, "");
    return statSync(probe).ctimeMs;
  };
  const beganMs = changedAtMs();
  await waitFor("the next tick", () => changedAtMs() > beganMs, { intervalMs: 1 });
}

const seeds = [1, 2, 3, 4, 5, 6];
const stepCount = 40;

describe("an observer that looks again and again", () => {
  test.each(seeds)("sees what one sees that looks for the first time; seed %p", async (seed) => {
    using directory = makeTempDirectory();
    const path = directory.file("kv.db");
    const other = directory.file("other.db");
    let application = startSqlProcess();
    await application.run(other, "PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES(1)");
    await application.close(other);
    const random = seededRandom(seed);
    const commit = () => application.run(path, "INSERT INTO t VALUES(randomblob(3000))");
    const create = "PRAGMA journal_mode=WAL; CREATE TABLE IF NOT EXISTS t(a)";
    const begin = async () => {
      await application.run(path, create);
    };
    const files = ["", "-wal", "-shm"].map((suffix) => path + suffix);
    const acts: Readonly<Record<string, () => unknown>> = {
      commit,
      commitAgain: commit,
      passive: () => application.run(path, "PRAGMA wal_checkpoint(PASSIVE)"),
      truncate: () => application.run(path, "PRAGMA wal_checkpoint(TRUNCATE)"),
      restartAndCommit: async () => {
        await application.run(path, "PRAGMA wal_checkpoint(RESTART)");
        await commit();
      },
      close: () => application.close(path),
      kill: async () => {
        await application.kill();
        application = startSqlProcess();
      },
      // A restore that keeps the times of the backup.
      copyOver: async () => {
        await application.kill();
        application = startSqlProcess();
        copyFileSync(other, path);
        utimesSync(path, 1_700_000_000, 1_700_000_000);
      },
      emptyWal: async () => {
        await application.kill();
        application = startSqlProcess();
        if (existsSync(`${path}-wal`)) truncateSync(`${path}-wal`);
      },
      removeAll: async () => {
        await application.kill();
        application = startSqlProcess();
        for (const file of files) rmSync(file, { force: true });
      },
      changeMode: () => {
        for (const file of files) if (existsSync(file)) chmodSync(file, 0o600 + random.integer(0, 63));
      },
      nothing: () => undefined,
    };
    const names = Object.keys(acts);
    const observer = observerWith(realOs);
    const done: string[] = [];
    await begin();
    for (let step = 0; step < stepCount; step += 1) {
      const name = random.choice("nothing", ...names);
      done.push(name);
      await nextTick(directory);
      try {
        if (["removeAll", "copyOver", "emptyWal", "kill", "close"].includes(done.at(-2) ?? "")) await begin();
        await acts[name]?.();
      } catch (error) {
        // The application may find its database spoiled: that is its affair.
        if (!(error instanceof Error)) throw error;
        application = startSqlProcess();
        for (const file of files) rmSync(file, { force: true });
      }
      const kept = (await observer.gatherSweep()).observe(path);
      const anew = (await observerWith(realOs).gatherSweep()).observe(path);
      const beside = { observedAtMs: 0, freeBytes: 0 };
      expect({ done, ...kept, ...beside }).toEqual({ done, ...anew, ...beside });
    }
    await application.kill();
  });

  test("opens nothing of a database at rest, and reads all of it when it is asked to, or half a minute has passed", async () => {
    using directory = makeTempDirectory();
    const path = directory.file("kv.db");
    await using application = startSqlProcess();
    await application.run(path, "PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES(1)");
    await application.kill();
    const { os, opened } = counting();
    let aheadMs = 3_600_000;
    const clock = { ...realClock, nowMs: () => realClock.nowMs() + aheadMs };
    const observer = createObserver({ os, clock, ownPids });
    const look = async (anew: boolean) => {
      opened.length = 0;
      (await observer.gatherSweep()).observe(path, { anew });
      return opened.toSorted();
    };
    const all = [path, `${path}-shm`, `${path}-wal`];
    expect(await look(false)).toEqual(all);
    expect(await look(false)).toEqual([]);
    expect(await look(true)).toEqual(all);
    expect(await look(false)).toEqual([]);
    aheadMs += 30_000;
    expect(await look(false)).toEqual(all);
  });

  test("holds the WAL-index open only while somebody is connected to just that file", async () => {
    using directory = makeTempDirectory();
    const path = directory.file("kv.db");
    await using application = startSqlProcess();
    const held: string[] = [];
    const os: Os = {
      ...realOs,
      close: (descriptor) => {
        held.splice(held.indexOf(readlinkSync(`/proc/self/fd/${descriptor}`)), 1);
        realOs.close(descriptor);
      },
      open: (opened) => {
        const descriptor = realOs.open(opened);
        held.push(readlinkSync(`/proc/self/fd/${descriptor}`));
        return descriptor;
      },
    };
    const observer = observerWith(os);
    const look = async () => {
      const { walIndex } = (await observer.gatherSweep()).observe(path);
      return walIndex?.kind === "index" ? walIndex.index.mxFrame : null;
    };
    await application.run(path, "PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
    const first = (await look()) ?? 0;
    expect(held).toEqual([]);
    await look();
    expect(held.map((file) => basename(file))).toEqual(["kv.db-shm"]);
    await application.run(path, "INSERT INTO t VALUES(1)");
    expect(await look()).toBe(first + 1);
    // The last close deletes it; whoever comes next makes another one, at the same path.
    await application.close(path);
    await application.run(path, "INSERT INTO t VALUES(2)");
    expect(await look()).toBe(1);
    expect(held).toEqual([]);
    await look();
    await application.close(path);
    await look();
    expect(held).toEqual([]);
  });

  test("gives every part again by the same value while nothing has changed", async () => {
    using directory = makeTempDirectory();
    const path = directory.file("kv.db");
    await using application = startSqlProcess();
    await application.run(path, "PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES(1)");
    const observer = createObserver({ os: realOs, clock: realClock, ownPids });
    const look = async () => (await observer.gatherSweep()).observe(path);
    const first = await look();
    const second = await look();
    for (const part of ["database", "wal", "shm", "journal", "header", "walHeader", "walIndex"] as const)
      expect(second[part]).toBe(first[part]);
    for (const part of ["mount", "locks", "access"] as const) expect(second[part]).toBe(first[part]);
    await application.run(path, "INSERT INTO t VALUES(2)");
    const third = await look();
    expect(third.wal).not.toBe(second.wal);
    expect(third.walIndex).not.toBe(second.walIndex);
    expect(third.header).toBe(first.header);
    expect(third.locks).toBe(first.locks);
  });

  test("a failing check of access is asked about at each look, and what is allowed at last is seen at once", async () => {
    using directory = makeTempDirectory();
    const path = directory.file("kv.db");
    writeFileSync(path, "");
    let allowed = false;
    const os: Os = { ...realOs, access: (...asked) => allowed && realOs.access(...asked) };
    const observer = observerWith(os);
    const look = async () => (await observer.gatherSweep()).observe(path).access?.databaseWritable;
    expect(await look()).toBe(false);
    allowed = true;
    expect(await look()).toBe(true);
  });
});
