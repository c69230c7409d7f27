/**
 * Each operation of the operating system fails in its turn, once and for good; the observation says so and
 * is never an exception, and no descriptor is left open.
 */
import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { type Os, realOs } from "../../../src/host/os.ts";
import { createObserver } from "../../../src/observe/observer.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { startSqlProcess } from "./sqlProcess.ts";

const throwing = ["realpath", "lstat", "open", "fstat", "read", "statfsFreeBytes", "readProc"] as const;
type Throwing = (typeof throwing)[number];

function errno(code: string): Error {
  return Object.assign(new Error(code), { code, errno: -5 });
}

/** The real system, with one operation failing from call number `firstFailing` on. */
function failing(operation: Throwing, code: string, firstFailing = 1, lastFailing = firstFailing) {
  let callCount = 0;
  const failedPaths: string[] = [];
  const os: Os = {
    ...realOs,
    [operation]: (...parameters: unknown[]) => {
      callCount += 1;
      if (callCount >= firstFailing && callCount <= lastFailing) {
        failedPaths.push(String(parameters[0]));
        throw errno(code);
      }
      return (realOs[operation] as (...parameters: unknown[]) => unknown)(...parameters);
    },
  };
  return { os, failedPaths, callCount: () => callCount };
}

/** Time stands still, so that two observations differ only in what was seen. */
const clock = { nowMs: () => 0, monotonicMs: () => 0 };

async function observe(path: string, os: Os) {
  const observer = createObserver({ os, clock, ownPids: () => new Set() });
  return (await observer.gatherSweep()).observe(path);
}

const openDescriptors = () => readdirSync("/proc/self/fd").length;

describe("an operation that fails", () => {
  test.each(throwing)(
    "%s, at its first, second, third ... call: what could not be seen is missing",
    async (operation) => {
      using directory = makeTempDirectory();
      await using application = startSqlProcess();
      const path = directory.file("kv.db");
      await application.run(path, "PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
      const whole = await observe(path, realOs);
      const before = openDescriptors();
      for (let call = 1; ; call += 1) {
        const fault = failing(operation, "EIO", call);
        const observation = await observe(path, fault.os);
        if (fault.callCount() < call) break;
        // A process of no unit looks the same.
        const isTold = fault.failedPaths.every((failed) => !failed.endsWith("/cgroup"));
        if (isTold)
          expect(observation).not.toEqual({ ...whole, freeBytes: observation.freeBytes ?? whole.freeBytes });
        expect(call).toBeLessThan(50);
      }
      expect(openDescriptors()).toBe(before);
    },
  );

  test.each([
    ["realpath", "EACCES", "realpath"],
    ["lstat", "EIO", "lstat"],
    ["open", "EACCES", "open"],
    ["open", "EMFILE", "open"],
    ["fstat", "EIO", "fstat"],
    ["read", "EIO", "read"],
  ] as const)("%s with %s: the database is unreadable, by name", async (operation, code, named) => {
    using directory = makeTempDirectory();
    await using application = startSqlProcess();
    const path = directory.file("kv.db");
    await application.run(path, "CREATE TABLE t(a)");
    const { os } = failing(operation, code, 1, Number.POSITIVE_INFINITY);
    expect(await observe(path, os)).toMatchObject({
      database: { kind: "unreadable", operation: named, code },
      header: null,
    });
  });

  test("without /proc/locks and mountinfo, locks and mount are unobservable, not empty", async () => {
    using directory = makeTempDirectory();
    await using application = startSqlProcess();
    const path = directory.file("kv.db");
    await application.run(path, "PRAGMA journal_mode=WAL; CREATE TABLE t(a)");
    const { os } = failing("readProc", "ENOENT", 1, Number.POSITIVE_INFINITY);
    const observation = await observe(path, os);
    expect(observation.locks.kind).toBe("unobservable");
    expect(observation.mount.kind).toBe("unobservable");
    expect(observation.database.kind).toBe("regular");
  });

  test("locks that cannot be gathered are unobservable too", async () => {
    using directory = makeTempDirectory();
    const os: Os = { ...realOs, readProcLocks: () => Promise.reject(errno("ENOENT")) };
    const sweep = await createObserver({ os, clock, ownPids: () => new Set() }).gatherSweep();
    expect(sweep.observe(directory.file("kv.db")).locks.kind).toBe("unobservable");
  });

  test("outside the initial PID namespace the view of the locks is not complete", async () => {
    using directory = makeTempDirectory();
    const os: Os = { ...realOs, readProcLink: () => "pid:[4026532001]" };
    expect((await observe(directory.file("kv.db"), os)).locks).toMatchObject({
      kind: "seen",
      viewIsComplete: false,
    });
  });

  test("a programmer error is not swallowed", async () => {
    const broken: Os = {
      ...realOs,
      lstat: () => {
        throw new TypeError("a mistake");
      },
    };
    using directory = makeTempDirectory();
    await expect(observe(directory.file("kv.db"), broken)).rejects.toThrow("a mistake");
  });
});
