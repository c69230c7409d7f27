/**
 * What stands in place of a database, alone and with a WAL beside it: not ready, a reason that names the
 * path, and not one byte changed, by the start, by checkpoints and checks on demand, nor by the end.
 */
import { Database } from "bun:sqlite";
import { describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import {
  copyFileSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { verifyRows } from "../../support/verifyRows.ts";
import { startBunWriter } from "../../support/writers/startBunWriter.ts";
import { fileBytes } from "./fileBytes.ts";
import {
  act,
  dataPath,
  makeDatabase,
  makeDatabaseWithResidue,
  makeKv,
  startWatching,
  statusOf,
  testTimeoutMs,
  waitForCheck,
  waitUntilReady,
} from "./watched.ts";

interface BadInput {
  readonly name: string;
  readonly guard: string;
  readonly make: (path: string) => void;
}

const badInputs: readonly BadInput[] = [
  { name: "directory", guard: "file_kind", make: (path) => mkdirSync(path) },
  { name: "fifo", guard: "file_kind", make: (path) => void Bun.spawnSync(["mkfifo", path]) },
  {
    name: "text",
    guard: "not_a_database",
    make: (path) => writeFileSync(path, "name,amount\n".repeat(400)),
  },
  { name: "encrypted", guard: "not_a_database", make: (path) => writeFileSync(path, randomBytes(8 * 4096)) },
  { name: "headerCut", guard: "truncated", make: (path) => cutTo(path, 60) },
  {
    name: "scrambledHeader",
    guard: "not_a_database",
    make: (path) => {
      makeDatabase(path);
      const bytes = readFileSync(path);
      // Page size 3: no power of two.
      bytes.writeUInt16BE(3, 16);
      writeFileSync(path, bytes);
    },
  },
];

function cutTo(path: string, byteCount: number): void {
  makeDatabase(path, { rowCount: 500 });
  truncateSync(path, byteCount);
}

/** The WAL of a real database, as a crash of its application leaves it. */
function layWalBeside(path: string): void {
  makeDatabaseWithResidue(`${path}.other`);
  renameSync(`${path}.other-wal`, `${path}-wal`);
  rmSync(`${path}.other`);
}

describe("in place of a database", () => {
  test(
    "anything else: refused with path and reason, never opened, no byte changed, others unaffected",
    async () => {
      using directory = makeTempDirectory();
      const inputs = badInputs.flatMap((input) => [
        { ...input, path: dataPath(directory, input.name) },
        { ...input, name: `${input.name}WithWal`, path: dataPath(directory, `${input.name}WithWal`) },
      ]);
      for (const { name, make, path } of inputs) {
        make(path);
        if (name.endsWith("WithWal")) layWalBeside(path);
      }
      const emptyWithWal = dataPath(directory, "empty");
      writeFileSync(emptyWithWal, "");
      layWalBeside(emptyWithWal);
      const refused = [...inputs, { name: "empty", guard: "truncated", path: emptyWithWal }];
      const before = fileBytes(directory.file("data"));
      mkdirSync(directory.file("good"));
      const good = join(directory.file("good"), "good.db");
      makeDatabase(good);

      const every = "1s";
      await using daemon = await startWatching(directory, {
        defaults: { checkpoint: { schedule: every }, integrity: { quickSchedule: every } },
        databases: [...refused, { name: "good", path: good }].map(({ name, path }) => ({ name, path })),
      });
      await daemon.waitForLog("startup of every database ended");
      await Promise.all(
        refused.map(async ({ name, guard, path }) => {
          const reason = await waitForCheck(daemon, name, "guards", "failed");
          expect(reason).toStartWith(`${guard}: `);
          expect(reason).toContain(path);
          const status = await statusOf(daemon, name);
          expect(status).toMatchObject({ mode: "observe", readiness: { ready: false } });
          for (const what of ["checkpoint", "integrity-check"]) {
            const answer = await act(daemon, name, what);
            expect(answer).toMatchObject({ status: 409, body: { message: expect.stringContaining(guard) } });
          }
        }),
      );
      expect((await daemon.get("/health/ready")).status).toBe(503);
      expect((await daemon.get("/health/live")).status).toBe(200);
      await waitUntilReady(daemon, "good");
      await daemon.waitForLog("periodic-checkpoint completed", { database: "good" });
      await daemon.waitForLog("scheduled quick_check passed", { database: "good" });
      expect((await daemon.metrics()).value("sqlite_database_ready", { database: "text" })).toBe(0);
      expect(await daemon.stop()).toBe(0);
      expect(fileBytes(directory.file("data"))).toEqual(before);
    },
    testTimeoutMs,
  );

  test.concurrent(
    "a file that was cut off: refused alone; beside a WAL it is looked at, and neither is changed",
    async () => {
      using directory = makeTempDirectory();
      const alone = dataPath(directory, "alone.db");
      const beside = dataPath(directory, "beside.db");
      for (const [path, make] of [
        [alone, makeDatabase],
        [beside, makeDatabaseWithResidue],
      ] as const) {
        make(path, { rowCount: 2_000 });
        truncateSync(path, 10 * 4096);
      }
      const before = fileBytes(directory.file("data"));
      await using daemon = await startWatching(directory, {
        defaults: { checkpoint: { schedule: "1s" } },
        databases: [
          { name: "alone", path: alone },
          { name: "beside", path: beside },
        ],
      });
      expect(await waitForCheck(daemon, "alone", "guards", "failed")).toContain(
        `${alone} has ${10 * 4096} bytes`,
      );
      expect(await waitForCheck(daemon, "beside", "integrity", "failed")).toContain("structural");
      await daemon.waitForLog("startup of every database ended");
      expect(await daemon.stop()).toBe(0);
      // A reader in WAL mode cannot do without a -shm; it holds nothing that is not in the WAL.
      rmSync(`${beside}-shm`, { force: true });
      expect(fileBytes(directory.file("data"))).toEqual(before);
    },
    testTimeoutMs,
  );

  test.concurrent(
    "a second name, a hard link, a link as WAL: refused with the reason, and fine once it is gone",
    async () => {
      using directory = makeTempDirectory();
      const [named, linked, walLink] = ["named.db", "linked.db", "walLink.db"].map((name) => {
        const path = dataPath(directory, name);
        makeDatabase(path);
        return path;
      }) as [string, string, string];
      symlinkSync(named, dataPath(directory, "second.db"));
      linkSync(linked, `${linked}.hard`);
      symlinkSync(dataPath(directory, "elsewhere"), `${walLink}-wal`);
      const before = fileBytes(directory.file("data"));
      await using daemon = await startWatching(directory, {
        databases: [
          { name: "named", path: named, mode: "observe" },
          { name: "second", path: dataPath(directory, "second.db") },
          { name: "linked", path: linked },
          { name: "walLink", path: walLink },
        ],
      });
      expect(await waitForCheck(daemon, "second", "guards", "failed")).toContain('database "named"');
      expect(await waitForCheck(daemon, "linked", "guards", "failed")).toContain("2 hard links");
      expect(await waitForCheck(daemon, "walLink", "guards", "failed")).toContain(
        `${walLink}-wal is a symbolic link`,
      );
      expect(fileBytes(directory.file("data"))).toEqual(before);
      rmSync(`${linked}.hard`);
      rmSync(`${walLink}-wal`);
      await waitUntilReady(daemon, "linked");
      await waitUntilReady(daemon, "walLink");
    },
    testTimeoutMs,
  );
});

test.concurrent(
  "names with spaces, quotes, ?, #, %, non-ASCII: watched, checkpointed and asked for like any other",
  async () => {
    using directory = makeTempDirectory();
    const names = ["a b", 'it\'s "quoted"', "what?x=1#y", "100%41", "größe-数据库", "back\\slash"];
    const databases = [
      ...names.map((name) => ({ name, path: dataPath(directory, `${name}.db`) })),
      { name: "newline in the path", path: dataPath(directory, "line\nbreak.db") },
    ];
    const writers = await Promise.all(
      databases.map(({ path }) => startBunWriter({ path, autocheckpoint: 0, rowCount: 5 })),
    );
    await using daemon = await startWatching(directory, { databases });
    for (const [index, { name, path }] of databases.entries()) {
      const status = await waitUntilReady(daemon, name);
      expect(status.resolvedPath).toBe(path);
      await writers[index]?.waitForRows(5);
      expect((await act(daemon, name, "checkpoint")).body).toMatchObject({ trigger: "demand" });
      expect((await daemon.metrics()).value("sqlite_database_ready", { database: name })).toBe(1);
    }
    for (const writer of writers) await writer.stop();
    expect(await daemon.stop()).toBe(0);
    for (const { path } of databases) expect((await verifyRows(path)).rows.size).toBe(5);
  },
  testTimeoutMs,
);

test.concurrent(
  "a corrupt page: not ready, checkpoints stop, the daemon reports on; a good file in its place is picked up",
  async () => {
    using directory = makeTempDirectory();
    const path = makeKv(directory, { rowCount: 2_000 });
    copyFileSync(path, directory.file("backup.db"));
    await scrambleTablePage(path);
    const before = fileBytes(directory.file("data"));
    await using daemon = await startWatching(directory, {
      defaults: { checkpoint: { schedule: "200ms" } },
      databases: [{ name: "kv", path }],
    });
    const failed = await daemon.waitForLog("startup quick_check failed");
    expect(failed).toMatchObject({ database: "kv", verdict: "structural" });
    expect(await waitForCheck(daemon, "kv", "integrity", "failed")).toContain("structural");
    expect((await daemon.get("/health/ready")).status).toBe(503);
    expect((await daemon.get("/health/live")).status).toBe(200);
    const status = await statusOf(daemon, "kv");
    expect(status).toMatchObject({ mode: "observe", readiness: { ready: false } });
    expect(status.modeReason).toContain("structurally corrupt");
    const metrics = await daemon.metrics();
    expect(metrics.value("sqlite_integrity_ok", { check: "quick_check" })).toBe(0);
    expect(metrics.sum("sqlite_wal_checkpoints_total")).toBe(0);
    for (const suffix of ["-wal", "-shm"]) rmSync(path + suffix, { force: true });
    expect(fileBytes(directory.file("data"))).toEqual(before);
    renameSync(directory.file("backup.db"), path);
    await daemon.waitForLog("database replaced");
    await waitUntilReady(daemon, "kv");
    expect((await daemon.get("/health/ready")).status).toBe(200);
    expect((await daemon.metrics()).value("sqlite_integrity_ok", { check: "quick_check" })).toBe(1);
  },
  testTimeoutMs,
);

/** Overwrites the root page of the table with bytes that are no b-tree page. */
async function scrambleTablePage(path: string): Promise<void> {
  const database = new Database(path, { readonly: true });
  const row = database
    .query<{ rootpage: number }, []>("SELECT rootpage FROM sqlite_schema WHERE name = 'written'")
    .get();
  database.close(true);
  for (const suffix of ["-wal", "-shm"]) rmSync(path + suffix, { force: true });
  const bytes = readFileSync(path);
  bytes.fill(0xa5, ((row?.rootpage ?? 0) - 1) * 4096, (row?.rootpage ?? 0) * 4096);
  writeFileSync(path, bytes);
}
