import { describe, expect, test } from "bun:test";
import { closeSync, openSync, readFileSync } from "node:fs";
import { OpenerScans } from "../../../src/daemon/openerScans.ts";
import { realClock } from "../../../src/host/clock.ts";
import { lookAtFile } from "../../../src/host/fileLook.ts";
import type { OpenableFiles, OpenersHost } from "../../../src/host/openers.ts";
import { type Os, realOs } from "../../../src/host/os.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { startSqlProcess } from "../observe/sqlProcess.ts";

const host = { os: realOs, clock: realClock };

function identity(path: string): string | null {
  const look = lookAtFile(realOs, path, { followLinks: false });
  return look.kind === "regular" ? look.identity : null;
}

const filesOf = (path: string) => ({
  database: identity(path),
  wal: identity(`${path}-wal`),
  journal: identity(`${path}-journal`),
});

function scan(scanHost: OpenersHost, files: OpenableFiles, ownPids: readonly number[] = []) {
  return new OpenerScans(scanHost, () => new Set(ownPids)).scan(files);
}

async function openersOf(path: string, ownPids: readonly number[] = []) {
  const look = await scan(host, filesOf(path), ownPids);
  if (look.kind !== "seen") throw new Error(look.reason);
  return look.openers;
}

describe("scanOpeners", () => {
  test("an application is named with the files that it has open, our own processes are not", async () => {
    using directory = makeTempDirectory();
    await using application = startSqlProcess();
    const path = directory.file("kv.db");
    await application.run(path, "PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
    const comm = readFileSync(`/proc/${application.pid}/comm`, "utf8").trim();
    const [found, ...others] = await openersOf(path);
    expect(found).toMatchObject({ pid: application.pid, comm, files: ["database", "wal"], writable: true });
    expect(others).toEqual([]);
    expect(await openersOf(path, [application.pid])).toEqual([]);
    await application.close(path);
    expect(await openersOf(path)).toEqual([]);
  });

  test("who only reads, a backup, is told from who may write", async () => {
    using directory = makeTempDirectory();
    await using application = startSqlProcess();
    const path = directory.file("kv.db");
    await application.run(path, "CREATE TABLE t(a)");
    await application.close(path);
    const descriptor = openSync(path, "r");
    const openers = await openersOf(path);
    closeSync(descriptor);
    expect(openers).toMatchObject([{ pid: process.pid, files: ["database"], writable: false }]);
  });

  test("a hot rollback journal counts, and an absent file matches nobody", async () => {
    using directory = makeTempDirectory();
    await using application = startSqlProcess();
    const path = directory.file("kv.db");
    await application.run(path, "CREATE TABLE t(a); BEGIN; INSERT INTO t VALUES(1)");
    expect(await openersOf(path)).toMatchObject([{ files: ["database", "journal"], writable: true }]);
    expect(await scan(host, { database: null, wal: null, journal: null })).toMatchObject({
      kind: "seen",
      openers: [],
    });
  });

  test("processes whose descriptors may not be read are counted, kernel threads are not", async () => {
    const proc: Record<string, string> = {
      "/proc/10/stat": "10 (an app) (x) S 1 10 10 0 -1 4194560 0 0",
      "/proc/11/stat": "11 (kworker/0:1) I 2 0 0 0 -1 69238880 0 0",
    };
    const os: Os = {
      ...realOs,
      readProcDirectory: (path) => {
        if (path === "/proc") return ["10", "11", "12", "self"];
        const code = path === "/proc/12/fd" ? "ENOENT" : "EACCES";
        throw Object.assign(new Error(code), { code, errno: -1 });
      },
      readProc: (path) => proc[path] ?? "",
    };
    expect(await scan({ os, clock: realClock }, filesOf("/none"))).toEqual({
      kind: "seen",
      openers: [],
      hiddenProcessCount: 1,
    });
  });

  test("everything else has its turn while it scans", async () => {
    using directory = makeTempDirectory();
    // A clock on which each look takes as long as a slice may: the scan must pause after every one.
    let nowMs = 0;
    const clock = { nowMs: () => 0, monotonicMs: () => (nowMs += 5) };
    let turnCount = 0;
    const timer = setInterval(() => {
      turnCount += 1;
    }, 0);
    await scan({ os: realOs, clock }, filesOf(directory.file("kv.db")));
    clearInterval(timer);
    expect(turnCount).toBeGreaterThan(0);
  });

  test("who asks while one is under way shares the next one, and nobody gets an answer from before", async () => {
    using directory = makeTempDirectory();
    let scanCount = 0;
    const os: Os = {
      ...realOs,
      readProcDirectory: (path) => {
        if (path === "/proc") scanCount += 1;
        return realOs.readProcDirectory(path);
      },
    };
    const scans = new OpenerScans({ os, clock: realClock }, () => new Set());
    const ask = () => scans.scan(filesOf(directory.file("kv.db")));
    const first = [ask(), ask()];
    await Promise.resolve();
    await Promise.resolve();
    const later = [ask(), ask(), ask()];
    const looks = await Promise.all([...first, ...later]);
    expect(looks.map(({ kind }) => kind)).toEqual(["seen", "seen", "seen", "seen", "seen"]);
    expect(scanCount).toBe(2);
  });
});
