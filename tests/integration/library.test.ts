/** The library face on real connections: every value holds, or a typed error says which does not. */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { applyProfile, openDatabase, ProfileError } from "../../src/index.ts";
import type { SqlConnection } from "../../src/profile/sqlConnection.ts";
import { spawnProcess } from "../support/childProcess.ts";
import { makeTempDirectory } from "../support/tempDirectory.ts";
import { startBunWriter } from "../support/writers/startBunWriter.ts";

const crashSafe = [
  { pragma: "busy_timeout", wanted: "10000", actual: "10000", holds: true },
  { pragma: "journal_mode", wanted: "wal", actual: "wal", holds: true },
  { pragma: "synchronous", wanted: "EXTRA", actual: "EXTRA", holds: true },
  { pragma: "foreign_keys", wanted: "on", actual: "on", holds: true },
] as const;

function profileErrorOf(action: () => unknown): ProfileError {
  try {
    action();
  } catch (error) {
    if (error instanceof ProfileError) return error;
    throw error;
  }
  throw new Error("no ProfileError was thrown");
}

/** For another process: opens the database with the library's defaults and writes to it. */
function openProgram(path: string): string {
  const library = join(import.meta.dir, "../../src/index.ts");
  return `import { openDatabase } from ${JSON.stringify(library)};
    openDatabase(${JSON.stringify(path)}).exec("CREATE TABLE IF NOT EXISTS t(x)")`;
}

/** The drivers that can be had under Bun; better-sqlite3 is tested under Node.js in tests/system. */
const drivers: readonly {
  readonly name: string;
  readonly open: (path: string) => SqlConnection & Disposable;
}[] = [
  {
    name: "bun:sqlite",
    open: (path) => {
      const connection = new Database(path);
      return Object.assign(connection, { [Symbol.dispose]: () => connection.close() });
    },
  },
  {
    name: "node:sqlite",
    open: (path) => {
      const connection = new DatabaseSync(path);
      return Object.assign(connection, { [Symbol.dispose]: () => connection.close() });
    },
  },
];

describe.each([...drivers])("applyProfile on $name", ({ open }) => {
  test("applies all four values and returns them as read back", () => {
    using directory = makeTempDirectory();
    using connection = open(directory.file("kv.db"));
    expect(applyProfile(connection)).toEqual([...crashSafe]);
    expect(applyProfile(connection)).toEqual([...crashSafe]);
  });

  test("an in-memory database cannot be WAL, and the error says so", () => {
    using connection = open(":memory:");
    const error = profileErrorOf(() => applyProfile(connection));
    expect(error).toMatchObject({
      reason: "refused",
      pragma: "journal_mode",
      wanted: "wal",
      actual: "memory",
    });
    expect(error.path).toBeNull();
    expect(error.message).toContain("in-memory");
  });

  test("inside a transaction nothing is set", () => {
    using directory = makeTempDirectory();
    using connection = open(directory.file("kv.db"));
    applyProfile(connection, { busyTimeoutMs: 7, foreignKeys: false });
    connection.exec("BEGIN");
    const error = profileErrorOf(() => applyProfile(connection));
    expect(error.message).toContain("transaction");
    connection.exec("ROLLBACK");
    const [timeout] = applyProfile(connection, { busyTimeoutMs: 7, foreignKeys: false });
    expect(timeout?.actual).toBe("7");
  });

  test("a file that is no database is named in a typed error", () => {
    using directory = makeTempDirectory();
    const path = directory.file("notes.txt");
    writeFileSync(path, "not a database, but long enough to be taken for a header".repeat(20));
    using connection = open(path);
    const error = profileErrorOf(() => applyProfile(connection));
    expect(error.pragma).toBe("journal_mode");
    expect(error.cause).toBeInstanceOf(Error);
  });
});

test("a driver that does not say whether a transaction is open is still refused inside one", () => {
  using directory = makeTempDirectory();
  using database = new Database(directory.file("kv.db"));
  const silent: SqlConnection = {
    exec: (sql) => database.exec(sql),
    prepare: (sql) => database.prepare(sql),
  };
  applyProfile(silent, { synchronous: "NORMAL" });
  silent.exec("BEGIN");
  expect(profileErrorOf(() => applyProfile(silent)).pragma).toBe("synchronous");
});

test("openDatabase returns a bun:sqlite Database with the profile, on an odd path", () => {
  using directory = makeTempDirectory();
  const path = directory.file("ä b'?mode=ro#%41.db");
  using database = openDatabase(path);
  expect(database).toBeInstanceOf(Database);
  expect(existsSync(path)).toBe(true);
  expect(applyProfile(database)).toEqual([...crashSafe]);
});

test("openDatabase takes the profile that it is given", () => {
  using directory = makeTempDirectory();
  const options = {
    journalMode: "DELETE",
    synchronous: "FULL",
    busyTimeoutMs: 1,
    foreignKeys: false,
  } as const;
  using database = openDatabase(directory.file("kv.db"), options);
  expect(applyProfile(database, options).map((reading) => reading.actual)).toEqual([
    "1",
    "delete",
    "FULL",
    "off",
  ]);
});

test("openDatabase read-only accepts a WAL database and refuses one with a rollback journal", () => {
  using directory = makeTempDirectory();
  const wal = directory.file("wal.db");
  const rollback = directory.file("rollback.db");
  openDatabase(wal).close();
  const options = { journalMode: "DELETE" } as const;
  {
    using database = openDatabase(rollback, options);
    database.exec("CREATE TABLE t(x)");
  }
  using readOnly = openDatabase(wal, { readOnly: true });
  expect(() => readOnly.exec("CREATE TABLE t(x)")).toThrow(/readonly/);
  const error = profileErrorOf(() => openDatabase(rollback, { readOnly: true }));
  expect(error).toMatchObject({ pragma: "journal_mode", actual: "delete", path: rollback });
});

test("a missing file is not created when the caller says so", () => {
  using directory = makeTempDirectory();
  const path = directory.file("missing.db");
  expect(() => openDatabase(path, { create: false })).toThrow(/unable to open/);
  expect(() => openDatabase("")).toThrow(TypeError);
  expect(existsSync(path)).toBe(false);
});

test("a database that another process keeps locked is a typed error after the busy timeout, not before", async () => {
  using directory = makeTempDirectory();
  const path = directory.file("kv.db");
  await using holder = await startBunWriter({ path, mode: "holdWriter", journalMode: "DELETE" });
  const startedAtMs = performance.now();
  const error = profileErrorOf(() => openDatabase(path, { busyTimeoutMs: 80 }));
  expect(performance.now() - startedAtMs).toBeGreaterThanOrEqual(75);
  expect(error).toMatchObject({ pragma: "journal_mode", wanted: "wal", actual: "delete", path });
  expect(error.message).toContain("locked");
  const opener = spawnProcess({ command: [process.execPath, "--no-env-file", "-e", openProgram(path)] });
  await holder.release();
  expect(await opener.exited).toBe(0);
});

test.each([...drivers])(
  "on $name the change to WAL waits for a writer that ends within the busy timeout",
  async ({ open }) => {
    using directory = makeTempDirectory();
    const path = directory.file("kv.db");
    await using writer = await startBunWriter({ path, mode: "holdWriter", journalMode: "DELETE" });
    using connection = open(path);
    // The writer runs on by itself, so it is told to let go before this thread blocks.
    writer.process.send("release\n");
    expect(applyProfile(connection, { busyTimeoutMs: 5_000 })[1]?.actual).toBe("wal");
  },
);

test("ten processes that open a new database at the same time all get it", async () => {
  using directory = makeTempDirectory();
  const path = directory.file("kv.db");
  const openers = Array.from({ length: 10 }, () =>
    spawnProcess({ command: [process.execPath, "--no-env-file", "-e", openProgram(path)] }),
  );
  for (const opener of openers) {
    const code = await opener.exited;
    expect({ code, stderr: opener.stderr() }).toEqual({ code: 0, stderr: "" });
  }
});

test("importing the library under Bun from its own name gives both functions and opens nothing", async () => {
  const program = `const face = await import("walwarden");
    console.log(Object.keys(face).sort().join(" "));`;
  await using child = spawnProcess({
    command: [process.execPath, "--no-env-file", "-e", program],
    workingDirectory: join(import.meta.dir, "../.."),
  });
  await child.exited;
  expect({ lines: child.lines, stderr: child.stderr() }).toEqual({
    lines: ["ProfileError applyProfile openDatabase"],
    stderr: "",
  });
});
