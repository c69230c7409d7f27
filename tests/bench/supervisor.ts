/**
 * `npm run bench:supervisor [-- --json FILE] [--gigabytes N]`: what the daemon itself costs and how quickly
 * it answers. (a) latency of /health/live while a full integrity check and checkpoints run on a large
 * database; (b) memory and CPU of an idle daemon; (c) start to the first 200 on /health/ready.
 */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { spawnProcess } from "../support/childProcess.ts";
import { type Daemon, startDaemon } from "../support/daemonProcess.ts";
import { makeTempDirectory, type TempDirectory } from "../support/tempDirectory.ts";
import { waitFor, withDeadline } from "../support/waitFor.ts";
import { startBunWriter } from "../support/writers/startBunWriter.ts";
import { describeMachine, machineContext } from "./machine.ts";
import { childPids, cpuTimeMs, residentBytes } from "./processUsage.ts";
import { median, quantile } from "./statistics.ts";

const probeIntervalMs = 5;
/** The engine's compiler has its turn after the start; that is not what months of idling cost. */
const settleMs = 30_000;
const idleMs = 30_000;
const startCount = 11;
const checkDeadlineMs = 240_000;

const bunCommand = [process.execPath, "--no-env-file"];
const script = (name: string) => join(import.meta.dir, name);

interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly probeCount: number;
}

/** Latency of /health/live, seen from another process, for as long as `work` takes. */
async function probeWhile(daemon: Daemon, work: () => Promise<void>): Promise<Latency> {
  const url = `${daemon.url}/health/live`;
  await using probe = spawnProcess({
    command: [...bunCommand, script("probe.ts"), url, String(probeIntervalMs)],
  });
  await probe.waitForLine("probing");
  await work();
  probe.endInput();
  await withDeadline("the probe to end", probe.exited, 10_000);
  const latenciesMs: number[] = JSON.parse(probe.lines.at(-1) ?? "[]");
  return {
    p50Ms: quantile(latenciesMs, 0.5),
    p99Ms: quantile(latenciesMs, 0.99),
    maxMs: quantile(latenciesMs, 1),
    probeCount: latenciesMs.length,
  };
}

async function makeLargeDatabase(path: string, bytes: number): Promise<void> {
  await using maker = spawnProcess({
    command: [...bunCommand, script("makeDatabase.ts"), path, String(bytes)],
  });
  const code = await withDeadline("the large database", maker.exited, 180_000);
  if (code !== 0) throw new Error(`making the database ended with ${code}: ${maker.stderr()}`);
}

async function fullCheckOnDemand(daemon: Daemon, database: string): Promise<void> {
  const path = `/api/v1/databases/${database}/integrity-check?check=full`;
  const answer = await fetch(`http://localhost${path}`, {
    method: "POST",
    unix: daemon.socketPath,
    signal: AbortSignal.timeout(checkDeadlineMs),
  });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  await answer.text();
}

async function benchLatency(
  directory: TempDirectory,
  bytes: number,
): Promise<Record<string, Latency | string>> {
  const path = directory.file("large.db");
  await makeLargeDatabase(path, bytes);
  await using daemon = await startDaemon({
    stateDirectory: directory.path,
    environment: {
      KVDB_SQLITE_FILE: path,
      KVDB_SQLITE_INTEGRITY_CHECK_ON_STARTUP: "FULL",
      KVDB_SQLITE_WAL_CHECKPOINT_INTERVAL_MS: "250",
      KVDB_SQLITE_BUSY_TIMEOUT_MS: "10000",
    },
  });
  const startup = await probeWhile(daemon, async () => {
    await daemon.waitForLog("startup integrity_check passed", { deadlineMs: checkDeadlineMs });
  });
  await waitFor("readiness", async () => (await daemon.get("/health/ready")).status === 200);
  await using writer = await startBunWriter({
    path,
    busyTimeoutMs: 10_000,
    autocheckpoint: 0,
    rowBytes: 4_000,
    pauseMs: 1,
  });
  const before = (await daemon.metrics()).sum("sqlite_wal_checkpoints_total");
  const working = await probeWhile(daemon, () => fullCheckOnDemand(daemon, "large"));
  const checkpointCount = (await daemon.metrics()).sum("sqlite_wal_checkpoints_total") - before;
  await writer.stop();
  await daemon.stop(60_000);
  rmSync(path, { force: true });
  return {
    "startup integrity_check": startup,
    "integrity_check, writer, checkpoints": working,
    beside: `${checkpointCount} checkpoints, ${writer.acknowledged.length} commits, ${writer.errors.length} errors`,
  };
}

async function makeSmallDatabase(path: string): Promise<void> {
  await using writer = await startBunWriter({ path, rowCount: 100 });
  await writer.waitForRows(100);
  await writer.stop();
}

interface Idle {
  readonly residentBytes: number;
  readonly cpuPercentOfOneCore: number;
}

async function benchIdle(directory: TempDirectory): Promise<Idle> {
  const path = directory.file("idle.db");
  await makeSmallDatabase(path);
  await using daemon = await startDaemon({
    stateDirectory: directory.path,
    environment: { KVDB_SQLITE_FILE: path },
  });
  await waitFor("readiness", async () => (await daemon.get("/health/ready")).status === 200);
  await waitFor("workers to exit", () => childPids(daemon.pid).length === 0, { deadlineMs: 60_000 });
  await Bun.sleep(settleMs);
  const cpuBeforeMs = cpuTimeMs(daemon.pid);
  const startedAtMs = performance.now();
  await Bun.sleep(idleMs);
  const cpuMs = cpuTimeMs(daemon.pid) - cpuBeforeMs;
  const idle = {
    residentBytes: residentBytes(daemon.pid),
    cpuPercentOfOneCore: (100 * cpuMs) / (performance.now() - startedAtMs),
  };
  await daemon.stop();
  return idle;
}

async function benchStart(directory: TempDirectory): Promise<readonly number[]> {
  const path = directory.file("small.db");
  await makeSmallDatabase(path);
  const durationsMs: number[] = [];
  for (let run = 0; run < startCount; run += 1) {
    const startedAtMs = performance.now();
    await using daemon = await startDaemon({
      stateDirectory: directory.path,
      environment: { KVDB_SQLITE_FILE: path },
    });
    const ready = async () => (await daemon.get("/health/ready")).status === 200;
    await waitFor("readiness", ready, { intervalMs: 2, deadlineMs: 10_000 });
    durationsMs.push(performance.now() - startedAtMs);
    await daemon.stop();
  }
  return durationsMs;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { json: { type: "string" }, gigabytes: { type: "string" } } });
  const bytes = Number(values.gigabytes ?? "1") * 1e9;
  if (!(bytes > 0)) throw new Error("--gigabytes accepts a positive number");
  using directory = makeTempDirectory();
  const machine = machineContext(directory.path);
  console.log(describeMachine(machine));

  const startsMs = await benchStart(directory);
  const startMs = median(startsMs);
  console.log(`\nstart to ready: median ${startMs.toFixed(0)} ms of ${startCount} runs (aim: 400 ms)`);

  const idle = await benchIdle(directory);
  console.log(
    `idle, one database, ${idleMs / 1000} s: ${(idle.residentBytes / 1e6).toFixed(1)} MB resident ` +
      `(aim: 80 MB), ${idle.cpuPercentOfOneCore.toFixed(2)} % of one core (aim: 0.3 %)`,
  );

  const latency = await benchLatency(directory, bytes);
  console.log(
    `\n/health/live every ${probeIntervalMs} ms, database of ${bytes / 1e9} GB (aim: 20 ms at p99)`,
  );
  for (const [name, value] of Object.entries(latency)) {
    if (typeof value === "string") console.log(`  beside it: ${value}`);
    else {
      const numbers = [value.p50Ms, value.p99Ms, value.maxMs].map((ms) => ms.toFixed(2)).join(" / ");
      console.log(`  ${name}: ${numbers} ms (p50 / p99 / max of ${value.probeCount} probes)`);
    }
  }
  if (values.json !== undefined) {
    const result = { machine, bytes, startsMs, startMs, idle, latency };
    writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
  }
}

await main();
