import { describe, expect, test } from "bun:test";
import type { DatabaseConfig } from "../../../src/domain/databaseConfig.ts";
import type { Observation } from "../../../src/domain/observation.ts";
import { evaluateGuards } from "../../../src/policy/guards.ts";
import { headerDoubtMs } from "../../../src/policy/headerGuards.ts";
import { locklessDoubtMs } from "../../../src/policy/processGuards.ts";
import type { DatabaseState } from "../../../src/policy/state.ts";
import {
  absent,
  config,
  databaseHeader,
  endedState,
  holder,
  locks,
  nowMs,
  observation,
  opener,
  regularFile,
  rollbackHeader,
  walHeader,
  withWal,
} from "../../support/builders.ts";

function findings(
  seen: Partial<Observation>,
  state: Partial<DatabaseState> = {},
  settings: DatabaseConfig = config(),
  duplicateOf: string | null = null,
): readonly string[] {
  const found = evaluateGuards(observation(seen), endedState(state), { config: settings, duplicateOf });
  return found.map(({ guard, verdict }) => `${guard} ${verdict}`);
}

const longAgo = nowMs - 600_000;

test("a sound database that nobody has open may be opened", () => {
  expect(findings({})).toEqual([]);
  expect(findings({ ...withWal(10, 0), locks: locks({ connected: [holder(42)] }) })).toEqual([]);
});

describe("files are refused", () => {
  const access = observation().access;
  const cases: readonly (readonly [string, Partial<Observation>, string])[] = [
    ["a directory", { database: { kind: "other", what: "directory" }, header: null }, "file_kind refuse"],
    [
      "without permission to read",
      { database: { kind: "unreadable", operation: "open", code: "EACCES" }, header: null },
      "file_access refuse",
    ],
    ["with a link at -wal", { wal: { kind: "other", what: "symbolicLink" } }, "sidecar_kind refuse"],
    ["with a second hard link", { database: regularFile({ linkCount: 2 }) }, "hard_link refuse"],
    [
      "on a network file system",
      {
        mount: {
          kind: "seen",
          fileSystemType: "nfs4",
          mountPoint: "/",
          device: "0:1",
          readOnly: false,
          writeBarriers: true,
        },
      },
      "file_system refuse",
    ],
    [
      "on a file system that cannot be told",
      { mount: { kind: "unobservable", reason: "-" } },
      "file_system refuse",
    ],
    [
      "mounted read-only",
      {
        mount: {
          kind: "seen",
          fileSystemType: "ext4",
          mountPoint: "/",
          device: "8:1",
          readOnly: true,
          writeBarriers: true,
        },
      },
      "read_only refuse",
    ],
    [
      "that may not be written",
      { access: access === null ? null : { ...access, databaseWritable: false } },
      "file_access refuse",
    ],
    ["of another user", { access: access === null ? null : { ...access, effectiveUid: 7 } }, "owner refuse"],
  ];
  test.each(cases)("%s", (_name, seen, finding) => {
    expect(findings(seen)).toEqual([finding]);
  });

  test("under a second path", () => {
    expect(findings({}, {}, config(), "other")).toEqual(["second_path refuse"]);
  });

  test("but not for the daemon's own trouble, which proves nothing about them", () => {
    for (const code of ["EMFILE", "ENFILE", "ESTALE"]) {
      const database = { kind: "unreadable", operation: "open", code } as const;
      expect(findings({ database, header: null })).toEqual(["file_access wait"]);
      expect(findings({ wal: database })).toEqual(["sidecar_kind wait"]);
    }
  });

  test("before they are created, where the place is no place for a database", () => {
    const nfs = {
      kind: "seen",
      fileSystemType: "nfs",
      mountPoint: "/",
      device: "0:1",
      readOnly: false,
      writeBarriers: true,
    } as const;
    expect(findings({ ...absent, mount: nfs }, {}, config({ whenMissing: "create" }))).toEqual([
      "file_system refuse",
    ]);
    expect(findings({ ...absent, mount: nfs })).toEqual([]);
  });

  test("a trusted file system is the operator's word", () => {
    const mount = {
      kind: "seen",
      fileSystemType: "fuse",
      mountPoint: "/",
      device: "0:1",
      readOnly: false,
      writeBarriers: true,
    } as const;
    expect(findings({ mount })).toEqual(["file_system refuse"]);
    expect(findings({ mount }, {}, config({ trustFileSystem: true }))).toEqual([]);
  });
});

describe("headers are refused once the doubt is over", () => {
  const doubted = { headerDoubtSinceMs: nowMs - headerDoubtMs };
  const short = { database: regularFile({ sizeBytes: 4096 }) };
  const cases: readonly (readonly [string, Partial<Observation>, string])[] = [
    ["another magic", { header: { kind: "notADatabase" } }, "not_a_database"],
    [
      "a field out of range",
      { header: { kind: "malformed", field: "x", value: 9, accepted: "1" } },
      "not_a_database",
    ],
    ["less than a header", { header: { kind: "tooShort", byteCount: 20 } }, "truncated"],
    ["empty beside a WAL with frames", { ...withWal(10, 0), header: { kind: "empty" } }, "truncated"],
    ["shorter than it says", short, "truncated"],
    [
      "another page size than its WAL",
      { ...withWal(10, 0), walHeader: walHeader({ pageSizeBytes: 512 }) },
      "wal_page_size",
    ],
  ];
  test.each(cases)("%s", (_name, seen, guard) => {
    expect(findings(seen)).toEqual([`${guard} wait`]);
    expect(findings(seen, doubted)).toEqual([`${guard} refuse`]);
  });

  test("an empty file is a new database", () => {
    expect(findings({ header: { kind: "empty" } }, doubted)).toEqual([]);
  });

  test("a file that is short is not called cut off while its pages may be elsewhere or on their way", () => {
    expect(findings({ ...short, ...withWal(10, 0) }, doubted)).toEqual([]);
    expect(findings({ ...short, journal: regularFile() }, doubted)).toEqual([]);
    const committing = { locks: locks({ exclusive: holder(42) }), header: rollbackHeader };
    expect(findings({ ...short, ...committing }, doubted).join()).not.toContain("truncated");
    expect(findings({ ...short, header: databaseHeader({ pageCountValid: false }) }, doubted)).toEqual([]);
  });
});

describe("processes", () => {
  test("an exclusive lock is waited for, and refused when it stays", () => {
    const seen = { locks: locks({ exclusive: holder(42), databaseLockers: [holder(42)] }) };
    expect(findings(seen, { exclusiveSinceMs: nowMs })).toEqual(["exclusive_lock wait"]);
    expect(findings(seen, { exclusiveSinceMs: longAgo })).toEqual(["exclusive_lock refuse"]);
  });

  test("one that writes the WAL and holds no lock is confirmed, then refused", () => {
    const openers = { kind: "seen", openers: [opener(77)], hiddenProcessCount: 0 } as const;
    expect(findings(withWal(10, 0), { openers, locklessSinceMs: nowMs })).toEqual([
      "open_without_locks wait",
    ]);
    const since = { openers, locklessSinceMs: nowMs - locklessDoubtMs };
    expect(findings(withWal(10, 0), since)).toEqual(["open_without_locks refuse"]);
  });

  test("one that locks, one that only reads and one that has the database alone are no suspects", () => {
    const seen = { ...withWal(10, 0), locks: locks({ connected: [holder(42)] }) };
    const innocent = [opener(42), opener(43, { writable: false }), opener(44, { files: ["database"] })];
    const openers = { kind: "seen", openers: innocent, hiddenProcessCount: 0 } as const;
    expect(findings(seen, { openers, locklessSinceMs: longAgo })).toEqual([]);
  });
});

test("a database is not opened while nobody can see who locks it, and that is no verdict about the file", () => {
  const seen = { locks: { kind: "unobservable", reason: "/proc/locks cannot be read" } } as const;
  expect(findings(seen)).toEqual(["locks_unobservable wait"]);
});

test("of a database that was moved while it was open nobody is said to have it open without a lock", () => {
  const openers = { kind: "seen", openers: [opener(77)], hiddenProcessCount: 0 } as const;
  const seen = observation({ ...withWal(10, 0), ...absent, wal: withWal(10, 0).wal ?? { kind: "absent" } });
  const state = endedState({ openers, locklessSinceMs: nowMs });
  const found = evaluateGuards(seen, state, { config: config(), duplicateOf: null });
  expect(found.map(({ guard }) => guard)).toEqual(["open_without_locks"]);
  expect(found[0]?.reason).toContain("/data/kv.db-wal open for writing");
  expect(found[0]?.reason).toContain("moved or removed while it was open");
  expect(found[0]?.reason).not.toContain("no lock");
});

test("a link that leads nowhere is called one: other links are followed", () => {
  const seen = observation({ database: { kind: "other", what: "symbolicLink" }, header: null });
  const [found] = evaluateGuards(seen, endedState(), { config: config(), duplicateOf: null });
  expect(found?.reason).toStartWith("/data/kv.db is a symbolic link that leads nowhere, not a regular file");
});

test("what refuses comes before what is only waited for", () => {
  const seen = { header: { kind: "notADatabase" }, database: regularFile({ linkCount: 2 }) } as const;
  expect(findings(seen)).toEqual(["hard_link refuse", "not_a_database wait"]);
});
