/** What an application does with its locks is what the observation says, without a file of it being opened. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { LockLook } from "../../../src/domain/observation.ts";
import { realClock } from "../../../src/host/clock.ts";
import { realOs } from "../../../src/host/os.ts";
import { createObserver } from "../../../src/observe/observer.ts";
import { walStateOf } from "../../../src/policy/walState.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { waitFor } from "../../support/waitFor.ts";
import { startConnected, walSql } from "./connectedApplication.ts";
import { startSqlProcess } from "./sqlProcess.ts";

async function observe(path: string, ownPids: readonly number[] = []) {
  const observer = createObserver({ os: realOs, clock: realClock, ownPids: () => new Set(ownPids) });
  return (await observer.gatherSweep()).observe(path);
}

function seen(locks: LockLook) {
  if (locks.kind !== "seen") throw new Error(locks.reason);
  return locks;
}

describe("locks", () => {
  test("a connected application is named with its pid and its short name, and no lock of its is lost", async () => {
    await using scene = await startConnected();
    const { path, application } = scene;
    for (let look = 0; look < 3; look += 1) {
      const locks = seen((await observe(path)).locks);
      const comm = readFileSync(`/proc/${application.pid}/comm`, "utf8").trim();
      expect(locks.connected).toMatchObject([
        { pid: application.pid, comm, user: Bun.spawnSync(["id", "-un"]).stdout.toString().trim() },
      ]);
      expect(locks).toMatchObject({ exclusive: null, writer: null, readers: [], connectedWithOwnCount: 1 });
    }
  });

  test("own processes are left out, but count as connected", async () => {
    await using scene = await startConnected(`${walSql}; BEGIN IMMEDIATE`);
    const { path, application: worker } = scene;
    const locks = seen((await observe(path, [worker.pid])).locks);
    expect(locks).toMatchObject({ connected: [], databaseLockers: [], writer: null, readers: [] });
    expect(locks.connectedWithOwnCount).toBe(1);
    expect(walStateOf(await observe(path, [worker.pid])).kind).toBe("known");
  });

  test("who writes and who reads from which mark", async () => {
    await using scene = await startConnected();
    const { path, application: writer } = scene;
    const reader = scene.another();
    await reader.run(path, "BEGIN; SELECT * FROM t");
    await writer.run(path, "BEGIN IMMEDIATE");
    const locks = seen((await observe(path)).locks);
    expect(locks.writer?.pid).toBe(writer.pid);
    const marks = locks.readers.filter(({ holder }) => holder.pid === reader.pid).map(({ mark }) => mark);
    expect(marks).toHaveLength(1);
    expect(locks.connected.map(({ pid }) => pid).sort()).toEqual([writer.pid, reader.pid].sort());
    await writer.run(path, "COMMIT");
    expect(seen((await observe(path)).locks).writer).toBeNull();
  });

  test("who checkpoints, while it waits for a reader", async () => {
    await using scene = await startConnected();
    const { path, application } = scene;
    const reader = scene.another();
    await reader.run(path, "BEGIN; SELECT * FROM t");
    await application.run(path, "PRAGMA busy_timeout=20000");
    const checkpointed = application.run(path, "PRAGMA wal_checkpoint(RESTART)");
    const held = await waitFor("a checkpoint that waits", async () => {
      const { checkpointer } = seen((await observe(path)).locks);
      return checkpointer;
    });
    expect(held.pid).toBe(application.pid);
    await reader.run(path, "COMMIT");
    await checkpointed;
    expect(seen((await observe(path)).locks).checkpointer).toBeNull();
  });

  test("all connections and all reader marks of one process, which the kernel merges, are seen", async () => {
    await using scene = await startConnected();
    const { path, application } = scene;
    for (let mark = 1; mark <= 4; mark += 1) {
      await application.run(path, `INSERT INTO t VALUES(${mark})`);
      await application.run(path, "BEGIN; SELECT * FROM t", `reader ${mark}`);
    }
    const locks = seen((await observe(path)).locks);
    expect(locks.readers.map(({ mark }) => mark).sort()).toEqual([1, 2, 3, 4]);
    expect(locks.connected.map(({ pid }) => pid)).toEqual([application.pid]);
  });

  test("locking_mode=EXCLUSIVE is seen from outside", async () => {
    await using scene = await startConnected(`PRAGMA locking_mode=EXCLUSIVE; ${walSql}`);
    const { path, application } = scene;
    const locks = seen((await observe(path)).locks);
    expect(locks.exclusive?.pid).toBe(application.pid);
    expect(locks.connectedWithOwnCount).toBe(0);
  });

  test("an exclusive transaction on a rollback journal is seen, a mere reader is not exclusive", async () => {
    await using scene = await startConnected("CREATE TABLE t(a); BEGIN; SELECT * FROM t");
    const { path, application } = scene;
    expect(seen((await observe(path)).locks)).toMatchObject({ exclusive: null });
    expect(seen((await observe(path)).locks).databaseLockers.map(({ pid }) => pid)).toEqual([
      application.pid,
    ]);
    await application.run(path, "COMMIT; BEGIN EXCLUSIVE");
    expect(seen((await observe(path)).locks).exclusive?.pid).toBe(application.pid);
  });
});

describe("the WAL-index", () => {
  test("is known while somebody is connected, and agrees with SQLite", async () => {
    await using scene = await startConnected();
    const { path, application } = scene;
    const [columns] = await application.run(path, "PRAGMA wal_checkpoint(PASSIVE)");
    const known = walStateOf(await observe(path));
    expect(known).toMatchObject({
      kind: "known",
      mxFrame: Number(columns?.log),
      nBackfill: Number(columns?.checkpointed),
      frameBytes: 4096 + 24,
    });
  });

  test("of a killed application is not believed: nobody is connected", async () => {
    await using scene = await startConnected();
    const { path, application } = scene;
    await application.kill();
    const observation = await observe(path);
    expect(observation.walIndex?.kind).toBe("index");
    expect(walStateOf(observation).kind).toBe("unknown");
  });

  test("of a closed database is gone, and so is the WAL", async () => {
    await using scene = await startConnected();
    const { path, application } = scene;
    await application.close(path);
    const observation = await observe(path);
    expect(observation).toMatchObject({ wal: { kind: "absent" }, shm: { kind: "absent" } });
    expect(walStateOf(observation)).toEqual({ kind: "noWal" });
  });

  test("left behind beside an application in locking_mode=EXCLUSIVE is not believed", async () => {
    using directory = makeTempDirectory();
    const path = directory.file("kv.db");
    await using killed = startSqlProcess();
    await killed.run(path, walSql);
    await killed.kill();
    await using exclusive = startSqlProcess();
    await exclusive.run(path, "PRAGMA locking_mode=EXCLUSIVE; INSERT INTO t VALUES(2)");
    const observation = await observe(path);
    expect(seen(observation.locks).exclusive?.pid).toBe(exclusive.pid);
    expect(walStateOf(observation).kind).toBe("unknown");
  });
});
