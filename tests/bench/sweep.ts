/**
 * `npm run bench:sweep [-- --databases N --active N --seconds N --only PART,PART --json FILE]`: what a sweep over many databases
 * costs, and what a daemon with many databases costs while it idles. Real files, a real daemon, real connections: CPU
 * time of the whole daemon process, all threads, over all that a sweep causes.
 *
 *   sweep    a process holds a connection to each active database open and commits once a second in each: a sweep a
 *            second finds all of them changed. Aim: 15 ms of CPU a sweep.
 *   idle     no process is connected, or the same connections without a commit. Aim: 2 % of one core, 200 MB.
 *   parts    observer alone, in this process: locks gathered, all databases looked at.
 *   follow   one database, 5,000 commits a second with synchronous NORMAL. Aim: 5 % of one core.
 *   scrape   /metrics at that number of databases: how long it takes, and how long the event loop stands still.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { realClock } from "../../src/host/clock.ts";
import { realOs } from "../../src/host/os.ts";
import { createObserver } from "../../src/observe/observer.ts";
import { spawnProcess, type TestProcess } from "../support/childProcess.ts";
import { type Daemon, startDaemon } from "../support/daemonProcess.ts";
import { makeTempDirectory, type TempDirectory } from "../support/tempDirectory.ts";
import { waitFor, withDeadline } from "../support/waitFor.ts";
import { makeFleetDatabases } from "./fleetDatabases.ts";
import { describeMachine, machineContext } from "./machine.ts";
import { childPids, cpuTimeMs, cpuTimeSinceMs, residentBytes, threadTimesMs } from "./processUsage.ts";
import { median, quantile } from "./statistics.ts";

const options = {
  databases: { type: "string", default: "1000" },
  active: { type: "string", default: "200" },
  seconds: { type: "string", default: "20" },
  /** The engine's compiler has its turn in the first minute or two; that is not what months of idling cost. */
  settle: { type: "string", default: "60" },
  only: { type: "string" },
  json: { type: "string" },
  /** Where the daemon leaves a CPU profile of itself at its end. */
  profile: { type: "string" },
} as const;

interface Plan {
  readonly databaseCount: number;
  readonly activeCount: number;
  readonly measureMs: number;
  readonly settleMs: number;
  readonly profileDirectory: string | undefined;
  readonly wants: (part: string) => boolean;
}

interface Usage {
  readonly cpuMsPerSecond: number;
  /** Of single seconds: the lowest tenth is what is left where nothing else has the caches and the cores. */
  readonly lowestTenthMs: number;
  readonly residentBytes: number;
}

async function startConnections(
  synchronous: string,
  commitsPerSecond: number,
  paths: readonly string[],
): Promise<TestProcess> {
  const script = join(import.meta.dir, "fleetWriter.ts");
  const command = [
    process.execPath,
    "--no-env-file",
    script,
    synchronous,
    String(commitsPerSecond),
    ...paths,
  ];
  const connections = spawnProcess({ command });
  await connections.waitForLine("ready");
  return connections;
}

/** @returns what it said last. */
async function end(connections: TestProcess): Promise<string> {
  connections.endInput();
  await withDeadline("the connections to close", connections.exited, 60_000);
  return connections.lines.at(-1) ?? "";
}

async function startFleet(directory: TempDirectory, plan: Plan): Promise<Daemon> {
  const configPath = directory.file("walwarden.yml");
  // No checkpoint is due while it is measured: what a checkpoint costs is not what a sweep costs.
  writeFileSync(
    configPath,
    `databases:\n  - glob: ${directory.path}/tenant-*.db\ndefaults:\n  checkpoint:\n    schedule: 1h\n`,
  );
  const daemon = await startDaemon({
    stateDirectory: directory.path,
    arguments: ["--config", configPath],
    environment: profiling(plan),
  });
  const ended = async () => (await daemon.get("/health/startup")).status === 200;
  await waitFor("every startup sequence to end", ended, { deadlineMs: 180_000, intervalMs: 250 });
  await waitFor("workers to exit", () => childPids(daemon.pid).length === 0, { deadlineMs: 60_000 });
  await Bun.sleep(plan.settleMs);
  return daemon;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function profiling({ profileDirectory }: Plan): Record<string, string> {
  if (profileDirectory === undefined) return {};
  return { BUN_OPTIONS: `--cpu-prof --cpu-prof-dir=${profileDirectory}` };
}

async function usageOf(daemon: Daemon, measureMs: number): Promise<Usage> {
  const startedAtMs = performance.now();
  const secondsMs: number[] = [];
  let before = threadTimesMs(daemon.pid);
  while (performance.now() - startedAtMs < measureMs) {
    await Bun.sleep(1000);
    const now = threadTimesMs(daemon.pid);
    secondsMs.push(cpuTimeSinceMs(before, now));
    before = now;
  }
  return {
    cpuMsPerSecond: (1000 * sum(secondsMs)) / (performance.now() - startedAtMs),
    lowestTenthMs: quantile(secondsMs, 0.1),
    residentBytes: residentBytes(daemon.pid),
  };
}

function describe({ cpuMsPerSecond, lowestTenthMs, residentBytes: bytes }: Usage): string {
  const percent = (cpuMsPerSecond / 10).toFixed(2);
  const low = lowestTenthMs.toFixed(1);
  const megabytes = (bytes / 1e6).toFixed(0);
  return `${cpuMsPerSecond.toFixed(1)} ms of CPU a second (${percent} % of one core; lowest tenth ${low} ms), ${megabytes} MB resident`;
}

interface Part {
  readonly locksMs: number;
  readonly observeMs: number;
}

/** CPU time of this process; writers commit between the sweeps. */
async function benchParts(paths: readonly string[], measureMs: number): Promise<Part> {
  const observer = createObserver({ os: realOs, clock: realClock, ownPids: () => new Set([process.pid]) });
  const locksMs: number[] = [];
  const observeMs: number[] = [];
  const cpuMs = () => cpuTimeMs(process.pid);
  const endMs = performance.now() + measureMs;
  while (performance.now() < endMs) {
    const beganMs = cpuMs();
    const sweep = await observer.gatherSweep();
    const gatheredMs = cpuMs();
    for (const path of paths) sweep.observe(path);
    observeMs.push(cpuMs() - gatheredMs);
    locksMs.push(gatheredMs - beganMs);
    await Bun.sleep(1000);
  }
  return { locksMs: median(locksMs), observeMs: median(observeMs) };
}

/** Another request that is answered meanwhile shows for how long the event loop stood still. */
async function benchScrape(daemon: Daemon): Promise<string> {
  const durationsMs: number[] = [];
  const standstillsMs: number[] = [];
  let bytes = 0;
  for (let round = 0; round < 5; round += 1) {
    let scraping = true;
    const beganMs = performance.now();
    const scrape = daemon.get("/metrics").then(async (answer) => {
      bytes = (await answer.arrayBuffer()).byteLength;
      scraping = false;
      durationsMs.push(performance.now() - beganMs);
    });
    while (scraping) {
      const askedMs = performance.now();
      await (await daemon.get("/health/live")).text();
      standstillsMs.push(performance.now() - askedMs);
    }
    await scrape;
  }
  return (
    `/metrics: ${(bytes / 1e6).toFixed(1)} MB in ${median(durationsMs).toFixed(0)} ms; beside it /health/live ` +
    `answered in ${quantile(standstillsMs, 1).toFixed(0)} ms at most`
  );
}

async function benchFleet(plan: Plan, result: Record<string, unknown>): Promise<void> {
  using directory = makeTempDirectory();
  const paths = await makeFleetDatabases(directory, plan.databaseCount);
  const active = paths.slice(0, plan.activeCount);
  await using daemon = await startFleet(directory, plan);
  const say = (name: string, usage: Usage, aim: string) => {
    result[name] = usage;
    console.log(`${name}: ${describe(usage)} (aim: ${aim})`);
  };
  const idleAim = "20 ms a second, 200 MB";
  if (plan.wants("idle")) say("idle, none connected", await usageOf(daemon, plan.measureMs), idleAim);
  if (plan.wants("idle")) {
    const connections = await startConnections("FULL", 0, active);
    await Bun.sleep(plan.settleMs / 2);
    say(`idle, ${active.length} connected`, await usageOf(daemon, plan.measureMs), idleAim);
    await end(connections);
  }
  if (plan.wants("sweep") || plan.wants("parts")) {
    const connections = await startConnections("FULL", 1, active);
    await Bun.sleep(plan.settleMs / 2);
    if (plan.wants("sweep"))
      say(
        `sweep, ${active.length} active`,
        await usageOf(daemon, plan.measureMs),
        "15 ms a sweep, one a second",
      );
    if (plan.wants("parts")) {
      const { locksMs, observeMs } = await benchParts(paths, plan.measureMs);
      result.parts = { locksMs, observeMs };
      console.log(
        `  of it, by an observer alone: locks ${locksMs.toFixed(2)} ms, looks ${observeMs.toFixed(2)} ms`,
      );
    }
    console.log(`  ${await end(connections)}`);
  }
  if (plan.wants("scrape")) {
    const scrape = await benchScrape(daemon);
    result.scrape = scrape;
    console.log(scrape);
  }
  await daemon.stop(120_000);
}

async function benchFollow(plan: Plan, result: Record<string, unknown>): Promise<void> {
  using directory = makeTempDirectory();
  const [path = ""] = await makeFleetDatabases(directory, 1);
  await using daemon = await startDaemon({
    stateDirectory: directory.path,
    environment: { KVDB_SQLITE_FILE: path },
  });
  await waitFor("readiness", async () => (await daemon.get("/health/ready")).status === 200);
  const without = await settledUsage(daemon, plan);
  const connections = await startConnections("NORMAL", 5_000, [path]);
  const usage = await settledUsage(daemon, plan);
  const said = await end(connections);
  result.follow = { usage, without, said };
  console.log(`following a NORMAL writer: ${describe(usage)} (aim: 50 ms a second); ${said}`);
  console.log(`  the same daemon before it: ${describe(without)}`);
  await daemon.stop(60_000);
}

async function settledUsage(daemon: Daemon, plan: Plan): Promise<Usage> {
  await Bun.sleep(plan.settleMs / 2);
  return await usageOf(daemon, plan.measureMs);
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options });
  const { only } = values;
  const plan: Plan = {
    databaseCount: Number(values.databases),
    activeCount: Number(values.active),
    measureMs: Number(values.seconds) * 1000,
    settleMs: Number(values.settle) * 1000,
    profileDirectory: values.profile,
    wants: (part) => only === undefined || only.split(",").includes(part),
  };
  using directory = makeTempDirectory();
  const machine = machineContext(directory.path);
  console.log(`${describeMachine(machine)}; ${plan.databaseCount} databases`);
  const result: Record<string, unknown> = { machine, databaseCount: plan.databaseCount };
  if (["sweep", "idle", "parts", "scrape"].some(plan.wants)) await benchFleet(plan, result);
  if (plan.wants("follow")) await benchFollow(plan, result);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
}

await main();
