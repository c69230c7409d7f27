/** Litestream's directory as its versions leave it: how fresh it is told to be, and what is no such directory. */
import { describe, expect, test } from "bun:test";
import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { realOs } from "../../../src/host/os.ts";
import { lookAtReplicaDirectory, replicaDirectoryOf } from "../../../src/observe/replicatorLook.ts";
import { makeTempDirectory, type TempDirectory } from "../../support/tempDirectory.ts";

const old = new Date("2026-01-01T00:00:00Z");
const later = new Date("2026-01-02T00:00:00Z");
const newest = new Date("2026-01-03T00:00:00Z");

function directoryIn(directory: TempDirectory, entries: Readonly<Record<string, Date>>): string {
  const path = directory.file("kv.db");
  const replica = replicaDirectoryOf(path);
  for (const name of Object.keys(entries)) mkdirSync(`${replica}/${name}`, { recursive: true });
  for (const [name, changedAt] of Object.entries(entries))
    utimesSync(`${replica}/${name}`, changedAt, changedAt);
  utimesSync(replica, old, old);
  return path;
}

test("it lies beside the database under Litestream's name", () => {
  expect(replicaDirectoryOf("/data/kv.db")).toBe("/data/.kv.db-litestream");
});

describe("how fresh it is", () => {
  test("0.5 puts a file into ltx/0 for every sync", () => {
    using directory = makeTempDirectory();
    const path = directoryIn(directory, { "ltx/0": newest, ltx: later });
    expect(lookAtReplicaDirectory(realOs, path)).toEqual({
      kind: "seen",
      path: replicaDirectoryOf(path),
      changedAtMs: newest.getTime(),
    });
  });

  test("0.3 makes a file for every checkpoint in the directory of the generation that it names", () => {
    using directory = makeTempDirectory();
    const generation = "0123456789abcdef";
    const path = directoryIn(directory, {
      [`generations/${generation}/wal`]: newest,
      "generations/ffffffffffffffff/wal": later,
    });
    writeFileSync(`${replicaDirectoryOf(path)}/generation`, `${generation}\n`);
    utimesSync(replicaDirectoryOf(path), old, old);
    expect(lookAtReplicaDirectory(realOs, path)).toMatchObject({ changedAtMs: newest.getTime() });
  });

  test("0.3 appends to the last of these files with every sync", () => {
    using directory = makeTempDirectory();
    const generation = "0123456789abcdef";
    const wal = `generations/${generation}/wal`;
    const path = directoryIn(directory, { [wal]: old });
    const replica = replicaDirectoryOf(path);
    writeFileSync(`${replica}/generation`, generation);
    for (const [name, changedAt] of [
      ["0000000a.wal", newest],
      ["00000009.wal", later],
    ] as const) {
      writeFileSync(`${replica}/${wal}/${name}`, "");
      utimesSync(`${replica}/${wal}/${name}`, changedAt, changedAt);
    }
    for (const name of [wal, "."]) utimesSync(`${replica}/${name}`, old, old);
    expect(lookAtReplicaDirectory(realOs, path)).toMatchObject({ changedAtMs: newest.getTime() });
  });

  test("the directory's own time counts for nothing: anybody may have touched it", () => {
    using directory = makeTempDirectory();
    const path = directoryIn(directory, { "ltx/0": old });
    utimesSync(replicaDirectoryOf(path), newest, newest);
    expect(lookAtReplicaDirectory(realOs, path)).toMatchObject({ changedAtMs: old.getTime() });
  });
});

describe("is empty, whatever lies in it that is not Litestream's", () => {
  const lookAt = (entries: readonly string[], generation: string | null) => {
    using directory = makeTempDirectory();
    const path = directory.file("kv.db");
    const replica = replicaDirectoryOf(path);
    for (const name of ["", ...entries]) mkdirSync(`${replica}/${name}`, { recursive: true });
    if (generation !== null) writeFileSync(`${replica}/generation`, generation);
    return lookAtReplicaDirectory(realOs, path).kind;
  };
  for (const [what, entries, generation] of [
    ["nothing", [], null],
    ["other names", ["wal", "ltx"], null],
    ["generations, and none of them named", ["generations/0123456789abcdef/wal"], null],
    ["a generation that is not there", ["generations"], "0123456789abcdef"],
    ["a generation that is no name, and would lead elsewhere", ["wal"], "../../../../x/wal"],
  ] as const)
    test(what, () => expect(lookAt(entries, generation)).toBe("empty"));
});

test("nothing, a file and a link at its name are no directory of Litestream's", () => {
  using directory = makeTempDirectory();
  expect(lookAtReplicaDirectory(realOs, directory.file("a.db"))).toEqual({ kind: "absent" });
  writeFileSync(replicaDirectoryOf(directory.file("b.db")), "");
  expect(lookAtReplicaDirectory(realOs, directory.file("b.db"))).toEqual({ kind: "absent" });
  symlinkSync("/tmp", replicaDirectoryOf(directory.file("c.db")));
  expect(lookAtReplicaDirectory(realOs, directory.file("c.db"))).toEqual({ kind: "absent" });
});

test("a call that fails is a result with its name", () => {
  const error = Object.assign(new Error("EIO"), { errno: -5, code: "EIO" });
  const os = {
    ...realOs,
    lstat: () => {
      throw error;
    },
  };
  expect(lookAtReplicaDirectory(os, "/data/kv.db")).toEqual({
    kind: "unreadable",
    operation: "lstat",
    code: "EIO",
  });
});
