/**
 * `npm run bench:sqlite-safety [-- --json FILE]`: what crash safety costs. Milliseconds per 1000 writes for
 * five configurations, once with one transaction for all and once with a commit for each write; medians of
 * interleaved runs, so that a slow moment of the machine hits all of them alike; each as a ratio to
 * wal_normal of the same round.
 */
import { Database } from "bun:sqlite";
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { makeTempDirectory } from "../support/tempDirectory.ts";
import { describeMachine, machineContext } from "./machine.ts";
import { median } from "./statistics.ts";

const configurations = [
  { name: "wal_extra", journalMode: "WAL", synchronous: "EXTRA" },
  { name: "wal_full", journalMode: "WAL", synchronous: "FULL" },
  { name: "wal_normal", journalMode: "WAL", synchronous: "NORMAL" },
  { name: "wal_off", journalMode: "WAL", synchronous: "OFF" },
  { name: "delete_extra", journalMode: "DELETE", synchronous: "EXTRA" },
] as const;
type Configuration = (typeof configurations)[number];

const workloads = [
  { name: "one transaction", writesPerCommit: 1000 },
  { name: "a commit each", writesPerCommit: 1 },
] as const;
type Workload = (typeof workloads)[number];

const writeCount = 1000;
const payloadBytes = 200;
const baseline = "wal_normal";

/** Milliseconds for 1000 writes into a new database; opening and closing are not counted. */
function measure(path: string, configuration: Configuration, workload: Workload): number {
  const database = new Database(path);
  database.exec(`PRAGMA journal_mode = ${configuration.journalMode}`);
  database.exec(`PRAGMA synchronous = ${configuration.synchronous}`);
  database.exec("CREATE TABLE kv(key TEXT PRIMARY KEY, value BLOB)");
  const insert = database.prepare("INSERT INTO kv VALUES (?, ?)");
  const payload = new Uint8Array(payloadBytes).fill(7);
  const startedAtMs = performance.now();
  for (let write = 0; write < writeCount; write += 1) {
    if (write % workload.writesPerCommit === 0) database.exec("BEGIN IMMEDIATE");
    insert.run(`key-${write}`, payload);
    if ((write + 1) % workload.writesPerCommit === 0) database.exec("COMMIT");
  }
  const durationMs = performance.now() - startedAtMs;
  insert.finalize();
  database.close(true);
  return durationMs;
}

interface Row {
  readonly workload: string;
  readonly configuration: string;
  readonly msPer1000Writes: number;
  readonly ratioToWalNormal: number;
  readonly runsMs: readonly number[];
}

function measureWorkload(directory: string, workload: Workload, roundCount: number): readonly Row[] {
  const runs = new Map<string, number[]>(configurations.map(({ name }) => [name, []]));
  for (let round = 0; round < roundCount; round += 1) {
    // Each round begins elsewhere, so that no configuration always runs after the same one.
    for (let step = 0; step < configurations.length; step += 1) {
      const configuration = configurations[(round + step) % configurations.length];
      if (configuration === undefined) continue;
      const path = `${directory}/${workload.writesPerCommit}-${configuration.name}-${round}.db`;
      runs.get(configuration.name)?.push(measure(path, configuration, workload));
    }
  }
  const baseRuns = runs.get(baseline) ?? [];
  return configurations.map(({ name }) => {
    const runsMs = runs.get(name) ?? [];
    return {
      workload: workload.name,
      configuration: name,
      msPer1000Writes: median(runsMs),
      ratioToWalNormal: median(runsMs.map((runMs, round) => runMs / (baseRuns[round] ?? Number.NaN))),
      runsMs,
    };
  });
}

function printTable(rows: readonly Row[]): void {
  console.log("workload          configuration   ms per 1000 writes   ratio to wal_normal");
  for (const row of rows) {
    const name = row.workload.padEnd(18) + row.configuration.padEnd(14);
    console.log(
      `${name}${row.msPer1000Writes.toFixed(1).padStart(20)}${row.ratioToWalNormal.toFixed(2).padStart(22)}`,
    );
  }
}

function main(): void {
  const { values } = parseArgs({ options: { json: { type: "string" }, rounds: { type: "string" } } });
  const roundCount = Number(values.rounds ?? "7");
  if (!Number.isInteger(roundCount) || roundCount < 1) throw new Error("--rounds accepts a positive integer");
  using directory = makeTempDirectory();
  const machine = machineContext(directory.path);
  console.log(`${describeMachine(machine)}; medians of ${roundCount} interleaved runs\n`);
  const rows = workloads.flatMap((workload) => [...measureWorkload(directory.path, workload, roundCount)]);
  printTable(rows);
  console.log("\nIn WAL mode EXTRA does what FULL does; their difference is the noise of this machine.");
  if (values.json !== undefined) {
    writeFileSync(values.json, `${JSON.stringify({ machine, writeCount, payloadBytes, rows }, null, 2)}\n`);
  }
}

main();
