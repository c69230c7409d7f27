import { describe, expect, test } from "bun:test";
import { parseProcLocks } from "../../../src/format/procLocks.ts";
import { indexLocks, lookAtLocks } from "../../../src/observe/lockLook.ts";
import { holder } from "../../support/builders.ts";

const database = { device: "254:0", inode: "7" };
const shm = { device: "254:0", inode: "8" };

function look(lines: readonly string[], ownPids: readonly number[] = []) {
  const text = lines.map((line, at) => `${at + 1}: ${line}\n`).join("");
  const sources = {
    index: indexLocks(parseProcLocks(text)),
    ownPids: new Set(ownPids),
    holderOf: (pid: number) => holder(pid, `p${pid}`),
    viewIsComplete: true,
  };
  const found = lookAtLocks(sources, database, shm);
  if (found.kind !== "seen") throw new Error(found.reason);
  return found;
}

describe("lookAtLocks", () => {
  test("locks on the same inode of another file system are not this database's", () => {
    const found = look([
      "POSIX  ADVISORY  WRITE 10 fe:01:8 120 120",
      "POSIX  ADVISORY  WRITE 10 08:00:7 1073741826 1073742335",
    ]);
    expect(found).toMatchObject({ writer: null, exclusive: null, databaseLockers: [] });
  });

  test("the SHARED range begins two bytes after PENDING_BYTE and is 510 bytes long", () => {
    const exclusive = (first: number, last: number) =>
      look([`POSIX  ADVISORY  WRITE 10 fe:00:7 ${first} ${last}`]).exclusive !== null;
    expect(exclusive(1073741824, 1073741825)).toBe(false);
    expect(exclusive(1073741826, 1073741826)).toBe(true);
    expect(exclusive(1073742335, 1073742335)).toBe(true);
    expect(exclusive(1073742336, 1073742400)).toBe(false);
  });

  test("a whole-file flock, as VFS unix-flock takes it, keeps others out as well", () => {
    expect(look(["FLOCK  ADVISORY  WRITE 10 fe:00:7 0 EOF"]).exclusive?.pid).toBe(10);
  });

  test("one lock may cover reader marks and byte 128", () => {
    const found = look(["POSIX  ADVISORY  READ  10 fe:00:8 126 128"]);
    expect(found.readers.map(({ mark }) => mark)).toEqual([3, 4]);
    expect(found.connected).toEqual([holder(10, "p10")]);
  });

  test("a mark that is held exclusively is being set, not read from", () => {
    expect(look(["POSIX  ADVISORY  WRITE 10 fe:00:8 124 127"]).readers).toEqual([]);
  });

  test("own processes count as connected and nowhere else", () => {
    const found = look(
      [
        "POSIX  ADVISORY  READ  10 fe:00:8 123 128",
        "POSIX  ADVISORY  WRITE 10 fe:00:8 120 120",
        "POSIX  ADVISORY  READ  11 fe:00:8 128 128",
        "POSIX  ADVISORY  READ  10 fe:00:7 1073741826 1073742335",
      ],
      [10],
    );
    expect(found).toMatchObject({ databaseLockers: [], writer: null, readers: [], connectedWithOwnCount: 2 });
    expect(found.connected.map(({ pid }) => pid)).toEqual([11]);
  });

  test("a checkpoint and a recovery are told by their locks, held for writing", () => {
    expect(look(["POSIX  ADVISORY  WRITE 10 fe:00:8 121 121"])).toMatchObject({
      checkpointer: holder(10, "p10"),
      recovering: null,
      writer: null,
    });
    expect(look(["POSIX  ADVISORY  WRITE 10 fe:00:8 121 122"]).recovering?.pid).toBe(10);
    // A snapshot that is being opened holds it shared (wal.c, sqlite3WalSnapshotCheck).
    expect(look(["POSIX  ADVISORY  READ  10 fe:00:8 121 121"]).checkpointer).toBeNull();
    expect(look(["POSIX  ADVISORY  WRITE 10 fe:00:8 121 122"], [10]).checkpointer).toBeNull();
  });

  test("flock and leases on -shm are none of SQLite's", () => {
    expect(look(["FLOCK  ADVISORY  WRITE 10 fe:00:8 0 EOF"])).toMatchObject({
      connected: [],
      writer: null,
      connectedWithOwnCount: 0,
    });
  });
});
