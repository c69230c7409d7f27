/** A small supervisor, to be killed: starts workers, leaves one of them busy, says their process ids. */
import { writeSync } from "node:fs";
import { createWorkerPool } from "../../../src/worker/pool.ts";
import { profile, short, targetOf, workerCommand } from "./harness.ts";

const pool = createWorkerPool({
  command: workerCommand,
  environment: process.env,
  shortWorkerCount: 2,
  longWorkerCount: 1,
  idleExitMs: 60_000,
  onFailure: (failure) => writeSync(1, `failure ${JSON.stringify(failure)}\n`),
});
await pool.sqliteVersion();
// Waits in SQLite's busy handler for as long as the test holds the database.
const target = targetOf(process.argv[2] ?? "");
const patient = { ...profile, busyTimeoutMs: 60_000 };
pool.run({ kind: "passiveCheckpoint", profile: patient }, target, {
  ...short,
  lane: "long",
  deadlineMs: 60_000,
});
const announce = setInterval(() => {
  if (pool.runningCount !== 1) return;
  clearInterval(announce);
  writeSync(1, `pids ${[...pool.ownPids()].join(" ")}\n`);
}, 5);
