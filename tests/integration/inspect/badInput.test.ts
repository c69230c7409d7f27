/**
 * What is no database is refused politely: exit status 65, one line that says what is there and what to do, nothing
 * opened that is not a regular file, and no waiting.
 */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { inspectDatabase } from "../../../src/inspect/databaseInspection.ts";
import { testName } from "../../support/requirements.ts";
import { makeTempDirectory, type TempDirectory } from "../../support/tempDirectory.ts";
import { dataPath, makeDatabase, makeDatabaseWithResidue, testTimeoutMs } from "../daemon/watched.ts";
import { inspect } from "./inspectCommand.ts";
import { slowHost } from "./slowHost.ts";

function writeRandom(path: string, byteCount: number): void {
  writeFileSync(path, crypto.getRandomValues(new Uint8Array(byteCount)));
}

const refused: readonly (readonly [
  what: string,
  make: (path: string, directory: TempDirectory) => void,
  words: string,
])[] = [
  ["nothing", () => undefined, "does not exist"],
  ["a directory", (path) => mkdirSync(path), "is a directory"],
  ["a FIFO", (path) => void Bun.spawnSync(["mkfifo", path]), "is a FIFO"],
  ["a link to a device", (path) => symlinkSync("/dev/zero", path), "is a device"],
  ["a link that leads nowhere", (path) => symlinkSync("nowhere", path), "leads nowhere"],
  ["a link to itself", (path) => symlinkSync(path, path), "leads to itself"],
  [
    "a text file",
    (path) => writeFileSync(path, "SQLite is a format\n".repeat(100)),
    "is not a SQLite database",
  ],
  ["an encrypted file", (path) => writeRandom(path, 8192), "or it is encrypted"],
  ["a file of zeroes", (path) => writeFileSync(path, new Uint8Array(8192)), "begins with zeroes"],
  ["a single byte", (path) => writeFileSync(path, "S"), "is not a SQLite database"],
];

describe("refused with status 65 and a reason", () => {
  test.concurrent.each([...refused])(
    "%s",
    async (_what, make, words) => {
      using directory = makeTempDirectory();
      const path = directory.file("kv.db");
      make(path, directory);
      const { exitCode, stdout, stderr } = await inspect([path]);
      expect({ exitCode, stdout }).toEqual({ exitCode: 65, stdout: "" });
      expect(stderr).toMatch(/^walwarden: [^\n]*\n$/);
      expect(stderr).toContain(path);
      expect(stderr).toContain(words);
      const asJson = await inspect([path, "--json"]);
      expect(asJson.exitCode).toBe(65);
      expect(JSON.parse(asJson.stdout)).toMatchObject({ kind: "refused" });
    },
    testTimeoutMs,
  );

  test.concurrent.each([
    ["-shm", "a WAL-index alone says nothing"],
    ["-journal", "is not a SQLite database"],
    ["-wal", "does not begin like a WAL"],
  ])(
    "a lone file named %s that is none",
    async (suffix, words) => {
      using directory = makeTempDirectory();
      const path = directory.file(`kv.db${suffix}`);
      writeRandom(path, 4096);
      const { exitCode, stderr } = await inspect([path]);
      expect(exitCode).toBe(65);
      expect(stderr).toContain(words);
    },
    testTimeoutMs,
  );
});

test.concurrent(
  "where a database is gone and its WAL stayed, that is said: the WAL may hold what is nowhere else",
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    makeDatabaseWithResidue(path);
    renameSync(path, `${path}.moved`);
    const { exitCode, stderr } = await inspect([path]);
    expect(exitCode).toBe(65);
    expect(stderr).toContain(`${path} does not exist, but ${path}-wal does`);
    expect(stderr).toMatch(/^walwarden: [^\n]*\n$/);
  },
  testTimeoutMs,
);

test.concurrent(
  "pages that a copy left dirty are not put down to a checkpoint",
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    makeDatabase(path);
    writeFileSync(`${path}.copy`, readFileSync(path));
    const { exitCode, stdout } = await inspect([`${path}.copy`]);
    expect(exitCode).toBe(0);
    expect(stdout).not.toContain("a checkpoint wrote pages");
  },
  testTimeoutMs,
);

const asNobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

/** Privileges cannot be installed: without them the test is skipped, in CI too. */
function whyNotAsNobody(): string | null {
  if (process.getuid?.() !== 0) return "only root can become another user";
  if (Bun.which("setpriv") === null) return "setpriv not found in PATH";
  const tried = Bun.spawnSync([...asNobody, process.execPath, "--version"]);
  return tried.exitCode === 0 ? null : `another user cannot run it: ${tried.stderr.toString().trim()}`;
}

const nobodySkip = whyNotAsNobody();

test.concurrent.skipIf(nobodySkip !== null)(
  testName("a database of another user is refused with the call that failed and the advice", nobodySkip),
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    makeDatabase(path);
    Bun.spawnSync(["chmod", "0755", directory.path, directory.file("data")]);
    Bun.spawnSync(["chmod", "0600", path]);
    const { exitCode, stderr } = await inspect([path], { commandPrefix: asNobody, workingDirectory: "/" });
    expect(exitCode).toBe(65);
    expect(stderr).toContain(`${path} cannot be read: open EACCES`);
    expect(stderr).toContain("run this as the user that owns the database");
  },
  testTimeoutMs,
);

const sidecars: readonly (readonly [what: string, make: (path: string) => void, words: string])[] = [
  ["a FIFO", (path: string) => void Bun.spawnSync(["mkfifo", path]), "is a FIFO"],
  ["a directory", (path: string) => mkdirSync(path), "is a directory"],
  ["a link to a device", (path: string) => symlinkSync("/dev/zero", path), "is a symbolic link"],
];

test.concurrent(
  "what is wrong is wrong on a machine too where one look takes longer than a guard's doubt",
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "cut.db");
    makeDatabase(path, { rowCount: 500 });
    truncateSync(path, 8192);
    const inspected = await inspectDatabase(slowHost, path, path, { stateDirectory: null, watchMs: 0 });
    if (inspected.kind !== "inspected") throw new Error(inspected.reason);
    expect(inspected.inspection.guards).toMatchObject([{ guard: "truncated", verdict: "refuse" }]);
    expect(inspected.inspection.verdict).toBe("wrong");
  },
  testTimeoutMs,
);

test.concurrent.each([...sidecars])(
  "beside a database %s where its WAL, index or journal would be is wrong, and not read",
  async (_what, make, words) => {
    using directory = makeTempDirectory();
    for (const suffix of ["-wal", "-shm", "-journal"]) {
      const path = dataPath(directory, `kv${suffix}.db`);
      makeDatabase(path);
      make(path + suffix);
      const { exitCode, stdout } = await inspect([path]);
      expect(exitCode).toBe(1);
      expect(stdout).toContain(`wrong: sidecar_kind: ${path}${suffix} ${words}`);
    }
  },
  testTimeoutMs,
);

test.concurrent.skipIf(nobodySkip !== null)(
  testName("a WAL that may not be read is wrong, and what is in it is not guessed", nobodySkip),
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    makeDatabaseWithResidue(path);
    Bun.spawnSync(["chmod", "0755", directory.path, directory.file("data")]);
    Bun.spawnSync(["chmod", "0644", path]);
    Bun.spawnSync(["chmod", "0600", `${path}-wal`]);
    const asked = { commandPrefix: asNobody, workingDirectory: "/" };
    const { exitCode, stdout } = await inspect([path], asked);
    expect(exitCode).toBe(1);
    expect(stdout).toContain(`wrong: sidecar_kind: open ${path}-wal: EACCES`);
    expect(stdout).toMatch(/^WAL +not readable: open EACCES$/m);
    // That this user may not write is no fault of the database.
    Bun.spawnSync(["chmod", "0644", `${path}-wal`]);
    const readable = await inspect([path], asked);
    expect(readable.exitCode).toBe(0);
    expect(readable.stdout).toContain("note: a daemon of this user would not open it: file_access: ");
  },
  testTimeoutMs,
);

test.concurrent.skipIf(nobodySkip !== null)(
  testName("what the page cache may not be asked is not put down to a checkpoint at work", nobodySkip),
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv.db");
    makeDatabase(path);
    Bun.spawnSync(["chmod", "0755", directory.path, directory.file("data")]);
    Bun.spawnSync(["chmod", "0644", path]);
    const { stdout } = await inspect([path], { commandPrefix: asNobody, workingDirectory: "/" });
    expect(stdout).toMatch(/^exposure +unobservable: /m);
    expect(stdout).not.toContain("a checkpoint is at work");
  },
  testTimeoutMs,
);

test.concurrent(
  "no path, or two, is a usage error",
  async () => {
    expect((await inspect([])).exitCode).toBe(64);
    expect((await inspect(["a", "b"])).exitCode).toBe(64);
    expect((await inspect(["--frobnicate", "a"])).exitCode).toBe(64);
  },
  testTimeoutMs,
);

test.concurrent(
  "a relative path and a link to a database lead to it, and its name may hold control characters",
  async () => {
    using directory = makeTempDirectory();
    const path = dataPath(directory, "kv\u001b[31m.db");
    makeDatabase(path);
    symlinkSync(path, directory.file("link.db"));
    const { exitCode, stdout } = await inspect(["link.db"], { workingDirectory: directory.path });
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`${directory.file("link.db")} -> `);
    expect(stdout).toContain("kv\\x1b[31m.db");
    expect(stdout).not.toContain("\u001b");
  },
  testTimeoutMs,
);

test.concurrent(
  "a database that was cut off, or is beside a WAL of another page size, is wrong: exit status 1",
  async () => {
    using directory = makeTempDirectory();
    const cut = dataPath(directory, "cut.db");
    makeDatabase(cut, { rowCount: 500 });
    truncateSync(cut, 8192);
    const answer = await inspect([cut]);
    expect(answer.exitCode).toBe(1);
    expect(answer.stdout).toMatch(/^wrong: truncated: .*it was cut off; restore it from a backup$/m);
    const mixed = dataPath(directory, "mixed.db");
    makeDatabaseWithResidue(mixed);
    const small = dataPath(directory, "small.db");
    const database = new Database(small);
    database.exec("PRAGMA page_size = 512; PRAGMA journal_mode = WAL; CREATE TABLE t(a)");
    database.close(true);
    copyFileSync(small, mixed);
    const { exitCode, stdout } = await inspect([mixed]);
    expect(exitCode).toBe(1);
    expect(stdout).toContain("wrong: wal_page_size: ");
  },
  testTimeoutMs,
);
