/** Whatever stands where a database should be: tagged, never thrown, never waited for, never changed. */
import { describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import type { Observation } from "../../../src/domain/observation.ts";
import { realClock } from "../../../src/host/clock.ts";
import { type Os, realOs } from "../../../src/host/os.ts";
import { createObserver } from "../../../src/observe/observer.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { startSqlProcess } from "./sqlProcess.ts";

const wal = "PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES(1)";

async function observe(path: string, os: Os = realOs): Promise<Observation> {
  const observer = createObserver({ os, clock: realClock, ownPids: () => new Set([process.pid]) });
  return (await observer.gatherSweep()).observe(path);
}

/** A new database that an application keeps open. */
async function openDatabase(path: string) {
  const application = startSqlProcess();
  await application.run(path, wal);
  return application;
}

describe("in place of a database", () => {
  test("nothing: absent, and what is left beside it is looked at", async () => {
    using directory = makeTempDirectory();
    const path = directory.file("kv.db");
    writeFileSync(`${path}-wal`, "left");
    expect(await observe(path)).toMatchObject({
      resolvedPath: null,
      database: { kind: "absent" },
      wal: { kind: "regular", sizeBytes: 4 },
      walHeader: { kind: "tooShort" },
      access: { directoryWritable: true, databaseReadable: false },
    });
    expect((await observe(directory.file("no/such/kv.db"))).database).toEqual({ kind: "absent" });
  });

  test.each([
    ["a directory", "directory", (path: string) => mkdirSync(path)],
    ["a FIFO", "fifo", (path: string) => void execFileSync("mkfifo", [path])],
    ["a link that leads nowhere", "symbolicLink", (path: string) => symlinkSync("nowhere", path)],
    ["a link to a device", "device", (path: string) => symlinkSync("/dev/null", path)],
  ])("%s: told what it is", async (_name, what, make) => {
    using directory = makeTempDirectory();
    const path = directory.file("kv.db");
    make(path);
    const observation = await observe(path);
    expect(observation).toMatchObject({ database: { kind: "other", what }, header: null, access: null });
  });

  test("a socket: told what it is", async () => {
    using directory = makeTempDirectory();
    const path = directory.file("kv.db");
    const server = createServer();
    await new Promise<void>((listening) => void server.listen(path, listening));
    expect((await observe(path)).database).toEqual({ kind: "other", what: "socket" });
    server.close();
  });

  test("links that lead round: ELOOP, with the operation", async () => {
    using directory = makeTempDirectory();
    symlinkSync("b.db", directory.file("a.db"));
    symlinkSync("a.db", directory.file("b.db"));
    expect((await observe(directory.file("a.db"))).database).toEqual({
      kind: "unreadable",
      operation: "realpath",
      code: "ELOOP",
    });
  });

  test("a name that no file can have, and a file where a directory should be", async () => {
    using directory = makeTempDirectory();
    writeFileSync(directory.file("file"), "");
    const codeOf = async (path: string) => {
      const { database } = await observe(path);
      return database.kind === "unreadable" ? database.code : database.kind;
    };
    expect(await codeOf(directory.file("x".repeat(300)))).toBe("ENAMETOOLONG");
    expect(await codeOf(`/${"x/".repeat(3000)}`)).toBe("ENAMETOOLONG");
    expect(await codeOf(directory.file("file/kv.db"))).toBe("ENOTDIR");
  });

  test.skipIf(process.geteuid?.() === 0)("a file that may not be read: EACCES (not as root)", async () => {
    using directory = makeTempDirectory();
    const path = directory.file("kv.db");
    writeFileSync(path, "secret");
    chmodSync(path, 0);
    const observation = await observe(path);
    expect(observation.database).toEqual({ kind: "unreadable", operation: "open", code: "EACCES" });
    expect(observation.access).toMatchObject({ databaseReadable: false, databaseWritable: false });
  });

  test("text, an encrypted file, an empty one, a truncated one: read as what they are, unchanged", async () => {
    using directory = makeTempDirectory();
    const source = directory.file("source.db");
    await using application = await openDatabase(source);
    await application.close(source);
    const database = readFileSync(source);
    const inputs = {
      notADatabase: Buffer.from("name,value\n".repeat(50)),
      empty: Buffer.alloc(0),
      tooShort: database.subarray(0, 99),
      malformed: Buffer.concat([database.subarray(0, 16), Buffer.alloc(4096, 0xab)]),
    };
    for (const [kind, bytes] of Object.entries(inputs)) {
      const path = directory.file(`${kind}.db`);
      writeFileSync(path, bytes);
      expect((await observe(path)).header?.kind).toBe(kind as "empty");
      expect(readFileSync(path).equals(bytes)).toBe(true);
    }
    expect(readdirSync(directory.path)).toHaveLength(5);
  });
});

describe("beside a database", () => {
  test.each(["-wal", "-shm", "-journal"])("a symbolic link as %s is not followed", async (suffix) => {
    using directory = makeTempDirectory();
    const path = directory.file("kv.db");
    await using application = await openDatabase(path);
    await application.kill();
    rmSync(path + suffix, { force: true });
    symlinkSync("kv.db", path + suffix);
    const { wal: walLook, shm, journal } = await observe(path);
    const looks = { "-wal": walLook, "-shm": shm, "-journal": journal } as Record<string, unknown>;
    expect(looks[suffix]).toEqual({ kind: "other", what: "symbolicLink" });
  });
});

describe("while it is looked at", () => {
  /** The real system, with something done between the look at a path and its opening. */
  const between = (path: string, act: () => void): Os => {
    let done = false;
    return {
      ...realOs,
      open: (opened) => {
        if (opened === path && !done) {
          done = true;
          act();
        }
        return realOs.open(opened);
      },
    };
  };

  test("a FIFO takes the file's place: nothing waits for its other end", async () => {
    using directory = makeTempDirectory();
    const path = directory.file("kv.db");
    await using application = await openDatabase(path);
    const os = between(path, () => {
      rmSync(path);
      execFileSync("mkfifo", [path]);
    });
    expect((await observe(path, os)).database).toEqual({ kind: "other", what: "fifo" });
    await application.kill();
  });

  test("a link takes the file's place: it is not followed", async () => {
    using directory = makeTempDirectory();
    const path = directory.file("kv.db");
    await using application = await openDatabase(path);
    const os = between(path, () => {
      renameSync(path, directory.file("old.db"));
      symlinkSync("old.db", path);
    });
    expect((await observe(path, os)).database).toEqual({ kind: "other", what: "symbolicLink" });
    await application.kill();
  });

  test("the file vanishes, or another takes its place: what is there now is reported", async () => {
    using directory = makeTempDirectory();
    const path = directory.file("kv.db");
    await using application = await openDatabase(path);
    await application.close(path);
    const replaced = await observe(
      path,
      between(path, () => {
        renameSync(path, directory.file("old.db"));
        writeFileSync(path, "");
      }),
    );
    expect(replaced).toMatchObject({
      database: { kind: "regular", sizeBytes: 0 },
      header: { kind: "empty" },
    });
    const vanished = await observe(
      path,
      between(path, () => rmSync(path)),
    );
    expect(vanished).toMatchObject({ resolvedPath: null, database: { kind: "absent" }, header: null });
  });

  test("a file that is exchanged at every look is unreadable, not looked at forever", async () => {
    using directory = makeTempDirectory();
    const path = directory.file("kv.db");
    let count = 0;
    writeFileSync(path, "");
    const os: Os = {
      ...realOs,
      open: (opened) => {
        if (opened === path) {
          count += 1;
          writeFileSync(directory.file(`new${count}`), "");
          renameSync(directory.file(`new${count}`), path);
        }
        return realOs.open(opened);
      },
    };
    expect((await observe(path, os)).database).toMatchObject({ kind: "unreadable", code: "ESTALE" });
  });
});

describe("paths", () => {
  test("links are resolved once; one that leads elsewhere after its file is gone is resolved anew", async () => {
    using directory = makeTempDirectory();
    writeFileSync(directory.file("one.db"), "");
    writeFileSync(directory.file("two.db"), "");
    symlinkSync("one.db", directory.file("kv.db"));
    const real = realpathSync(directory.path);
    const observer = createObserver({ os: realOs, clock: realClock, ownPids: () => new Set() });
    const resolved = async () => (await observer.gatherSweep()).observe(directory.file("kv.db")).resolvedPath;
    expect(await resolved()).toBe(join(real, "one.db"));
    rmSync(directory.file("kv.db"));
    symlinkSync("two.db", directory.file("kv.db"));
    expect(await resolved()).toBe(join(real, "one.db"));
    rmSync(directory.file("one.db"));
    expect(await resolved()).toBe(join(real, "two.db"));
  });

  test.each(["with space.db", 'it\'s "q".db', "what?#%.db", "дані-データ.db", "new\nline.db"])(
    "works: %j",
    async (name) => {
      using directory = makeTempDirectory();
      mkdirSync(directory.file("sub dir"));
      const path = directory.file(`sub dir/${name}`);
      await using application = await openDatabase(path);
      expect(await observe(path)).toMatchObject({
        database: { kind: "regular" },
        header: { kind: "header" },
        walIndex: { kind: "index" },
        mount: { kind: "seen" },
        locks: { connectedWithOwnCount: 1 },
      });
      await application.kill();
    },
  );
});
