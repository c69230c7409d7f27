/**
 * Database and WAL that were put back together belong together: the WAL holds commits of the backup, and a guard that
 * refused the two would have an operator move these away. The database alone, beside the WAL that stayed, is refused.
 */
import { afterAll, expect, test } from "bun:test";
import { copyFileSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import type { Daemon } from "../../support/daemonProcess.ts";
import { makeTempDirectory, type TempDirectory } from "../../support/tempDirectory.ts";
import { verifyRows } from "../../support/verifyRows.ts";
import { waitFor } from "../../support/waitFor.ts";
import { startSqlProcess } from "../observe/sqlProcess.ts";
import {
  dataPath,
  makeDatabase,
  startWatching,
  statusOf,
  testTimeoutMs,
  waitForCheck,
  waitUntilReady,
} from "./watched.ts";

const directory = makeTempDirectory();
const stateFolders: TempDirectory[] = [];
afterAll(() => {
  for (const made of [directory, ...stateFolders]) made[Symbol.dispose]();
});

const rowCount = 40;
const backedUpRows = 5;

const byCp = (from: string, to: string) => writeFileSync(to, readFileSync(from));
const byMv = (from: string, to: string) => {
  copyFileSync(from, `${to}.new`);
  renameSync(`${to}.new`, to);
};

interface Case {
  /** A database of which a backup of both files was taken, in a WAL that no checkpoint had copied. */
  readonly path: string;
  readonly backup: (suffix: "" | "-wal") => string;
  readonly application: ReturnType<typeof startSqlProcess>;
  readonly ledgerPath: string;
  readonly watch: () => Promise<Daemon>;
}

let caseCount = 0;
async function begin(): Promise<Case> {
  caseCount += 1;
  const name = `k${caseCount}`;
  const path = dataPath(directory, `${name}.db`);
  const stateFolder = makeTempDirectory();
  stateFolders.push(stateFolder);
  makeDatabase(path, { rowCount });
  const application = startSqlProcess();
  await application.run(path, "PRAGMA wal_autocheckpoint = 0");
  const watch = () =>
    startWatching(stateFolder, {
      databases: [{ name: "k", path, checkpoint: { schedule: "1h" }, integrity: { startup: "off" } }],
    });
  const ledgerPath = stateFolder.file("state/ledger.json");
  const backup = (suffix: "" | "-wal") => directory.file(`${name}.backup${suffix}`);
  const made = { path, backup, application, ledgerPath, watch };
  await commit(made, backedUpRows);
  for (const suffix of ["", "-wal"] as const) copyFileSync(path + suffix, backup(suffix));
  return made;
}

async function watchUntilReady({ watch }: Case): Promise<Daemon> {
  const daemon = await watch();
  await waitUntilReady(daemon, "k");
  return daemon;
}

/** The application has committed since the backup, the daemon has seen it, and the application was killed. */
async function commitAndDie(daemon: Daemon, made: Case): Promise<void> {
  await commit(made, 3);
  await seenSince(daemon);
  await made.application.kill();
}

async function commit({ application, path }: Case, count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1)
    await application.run(path, "INSERT INTO written(payload) VALUES (randomblob(3000))");
}

async function seenSince(daemon: Daemon): Promise<void> {
  for (let look = 1; look <= 4; look += 1) {
    const before = (await statusOf(daemon, "k")).observedAt;
    await waitFor("another look", async () => (await statusOf(daemon, "k")).observedAt !== before);
  }
}

function putBack({ path, backup }: Case, put: typeof byCp, order: readonly ("" | "-wal")[]): void {
  for (const suffix of order) put(backup(suffix), path + suffix);
  if (existsSync(`${path}-shm`)) rmSync(`${path}-shm`);
}

async function expectTaken(daemon: Daemon, { path }: Case): Promise<void> {
  await waitUntilReady(daemon, "k");
  expect(await daemon.stop()).toBe(0);
  const found = await verifyRows(path);
  expect(found.integrityMessages).toEqual(["ok"]);
  expect(found.rows.size).toBe(rowCount + backedUpRows);
}

for (const order of [
  ["", "-wal"],
  ["-wal", ""],
] as const)
  test.concurrent(
    `both are put back by mv while the daemon runs, ${order[0] === "" ? "the database" : "the WAL"} first: opened, with the commits of the backup`,
    async () => {
      const made = await begin();
      await using _application = made.application;
      await using daemon = await watchUntilReady(made);
      await commitAndDie(daemon, made);
      await seenSince(daemon);
      putBack(made, byMv, order.slice(0, 1));
      await seenSince(daemon);
      putBack(made, byMv, order.slice(1));
      await expectTaken(daemon, made);
    },
    testTimeoutMs,
  );

test.concurrent(
  "nothing was committed since the backup, and a checkpoint has moved the header on: both put back by cp are opened",
  async () => {
    const made = await begin();
    await using application = made.application;
    {
      await using daemon = await watchUntilReady(made);
      await application.run(made.path, "PRAGMA wal_checkpoint(PASSIVE)");
      const headerHex = readFileSync(made.path).subarray(0, 100).toString("hex");
      expect(headerHex).not.toBe(readFileSync(made.backup("")).subarray(0, 100).toString("hex"));
      await waitFor(
        "the ledger to have the header of after the checkpoint",
        () => existsSync(made.ledgerPath) && readFileSync(made.ledgerPath, "utf8").includes(headerHex),
        { deadlineMs: 15_000 },
      );
      await daemon.kill();
      await application.kill();
    }
    putBack(made, byCp, ["", "-wal"]);
    await using daemon = await made.watch();
    await expectTaken(daemon, made);
  },
  testTimeoutMs,
);

test.concurrent(
  "a refusal does not outlast the WAL's file: both are put back by mv while no daemon runs, and are opened",
  async () => {
    const made = await begin();
    await using _application = made.application;
    {
      await using daemon = await watchUntilReady(made);
      await commitAndDie(daemon, made);
      putBack(made, byMv, [""]);
      const reason = await waitForCheck(daemon, "k", "guards", "failed", "wal_of_another_file");
      expect(reason).toContain("do not move it, for it holds commits");
      await waitFor(
        "the verdict about the file that was put there",
        async () => (await statusOf(daemon, "k")).restartVerdict?.kind === "replaced",
      );
      expect(await daemon.stop()).toBe(0);
    }
    {
      await using still = await made.watch();
      await waitForCheck(still, "k", "guards", "failed", "wal_of_another_file");
      expect(await still.stop()).toBe(0);
    }
    putBack(made, byMv, ["", "-wal"]);
    await using daemon = await made.watch();
    await expectTaken(daemon, made);
  },
  testTimeoutMs,
);
