/**
 * Many databases under one daemon, some of them written to all the time, a checkpoint of each every second: how late one
 * that is due comes to its end, and what it costs in CPU time. A fast writer at one of the active ones, and a reader that
 * holds its snapshot at another, must delay nobody else.
 *
 * When a checkpoint ended is what the daemon's log says. Due is the next one an interval after the one before has ended,
 * so the delay is what is longer than that: waiting for a look, for a worker, and the work itself.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { spawnProcess } from "../support/childProcess.ts";
import { type Daemon, type LogLine, startDaemon } from "../support/daemonProcess.ts";
import { makeTempDirectory, type TempDirectory } from "../support/tempDirectory.ts";
import { waitFor } from "../support/waitFor.ts";
import { makeFleetDatabases } from "./fleetDatabases.ts";
import { childPids, cpuTimeSinceMs, threadTimesMs } from "./processUsage.ts";
import { quantile } from "./statistics.ts";

export interface FleetPlan {
  readonly databaseCount: number;
  readonly activeCount: number;
  readonly intervalMs: number;
  readonly measureMs: number;
}

export interface FleetResult {
  /** Of all checkpoints of the active databases; what is still due at the end counts as ended then. */
  readonly longestDelayMs: number;
  readonly medianDelayMs: number;
  readonly checkpointCount: number;
  /** The daemon and its workers, of one core. */
  readonly cpuPercent: number;
  readonly notes: readonly string[];
}

const commitsPerSecond = 10;
const settleMs = 5_000;

export async function fleetCheckpoint(plan: FleetPlan): Promise<FleetResult> {
  using directory = makeTempDirectory();
  const paths = await makeFleetDatabases(directory, plan.databaseCount);
  const active = paths.slice(0, plan.activeCount);
  await using daemon = await startFleet(directory, plan);
  await using writers = spawnProcess({
    command: [...bun("fleetWriter.ts"), "FULL", String(commitsPerSecond), ...active],
  });
  await writers.waitForLine("ready", { deadlineMs: 60_000 });
  await using reader = spawnProcess({
    command: [...bun("fleetReader.ts"), active[0] ?? ""],
  });
  await reader.waitForLine("reading");
  await Bun.sleep(settleMs);
  const fromLine = daemon.log.length;
  const beganAtMs = Date.now();
  const cpu = new TreeCpu(daemon.pid);
  for (let leftMs = plan.measureMs; leftMs > 0; leftMs -= 500) {
    await Bun.sleep(500);
    cpu.look();
  }
  const endedAtMs = Date.now();
  const lines = daemon.log.slice(fromLine).filter(({ msg }) => msg.startsWith("periodic-checkpoint "));
  const delaysMs = active.flatMap((_, at) => {
    const ofIt = lines.filter(({ database }) => database === `tenant-${at}.db`);
    return delaysOf(ofIt, beganAtMs, endedAtMs, plan.intervalMs);
  });
  const outcomes = new Map<string, number>();
  for (const { outcome } of lines) outcomes.set(String(outcome), (outcomes.get(String(outcome)) ?? 0) + 1);
  const result: FleetResult = {
    longestDelayMs: quantile(delaysMs, 1),
    medianDelayMs: quantile(delaysMs, 0.5),
    checkpointCount: lines.filter(({ database }) => isActive(database, plan.activeCount)).length,
    cpuPercent: (100 * cpu.sumMs) / (endedAtMs - beganAtMs),
    notes: [
      `outcomes: ${[...outcomes].map(([outcome, count]) => `${outcome} ${count}`).join(", ")}; the first database has a reader throughout`,
      `CPU: ${((100 * cpu.supervisorMs) / (endedAtMs - beganAtMs)).toFixed(1)} % are the supervisor's`,
    ],
  };
  await daemon.kill();
  return result;
}

const bun = (name: string) => [process.execPath, "--no-env-file", join(import.meta.dir, name)];

function isActive(database: string | undefined, activeCount: number): boolean {
  return Number(/^tenant-(\d+)\.db$/.exec(database ?? "")?.[1] ?? "Infinity") < activeCount;
}

function delaysOf(
  lines: readonly LogLine[],
  beganAtMs: number,
  endedAtMs: number,
  intervalMs: number,
): readonly number[] {
  const ends = lines.map(({ time }) => Date.parse(String(time)));
  return [...ends, endedAtMs].map((endMs, at) =>
    Math.max(0, endMs - (ends[at - 1] ?? beganAtMs) - intervalMs),
  );
}

async function startFleet(directory: TempDirectory, { intervalMs }: FleetPlan): Promise<Daemon> {
  const configPath = directory.file("walwarden.yml");
  const defaults = {
    busyTimeout: "10s",
    checkpoint: { schedule: `${intervalMs}ms` },
    integrity: { startup: "OFF" },
  };
  // JSON is YAML.
  writeFileSync(
    configPath,
    JSON.stringify({ databases: [{ glob: `${directory.path}/tenant-*.db` }], defaults }),
  );
  const daemon = await startDaemon({
    stateDirectory: directory.path,
    arguments: ["--config", configPath],
    startDeadlineMs: 60_000,
  });
  const ended = async () => (await daemon.get("/health/startup")).status === 200;
  await waitFor("every startup sequence to end", ended, { deadlineMs: 180_000, intervalMs: 250 });
  return daemon;
}

/** CPU time of a daemon and of the workers that it has at each look; what one used since its last look is lost with it. */
class TreeCpu {
  readonly #pid: number;
  #before = new Map<number, ReadonlyMap<string, number>>();
  supervisorMs = 0;
  sumMs = 0;

  constructor(pid: number) {
    this.#pid = pid;
    this.#before = this.#times();
  }

  look(): void {
    const now = this.#times();
    for (const [pid, times] of now) {
      const usedMs = cpuTimeSinceMs(this.#before.get(pid) ?? new Map(), times);
      this.sumMs += usedMs;
      if (pid === this.#pid) this.supervisorMs += usedMs;
    }
    this.#before = now;
  }

  #times(): Map<number, ReadonlyMap<string, number>> {
    const times = new Map<number, ReadonlyMap<string, number>>();
    for (const pid of [this.#pid, ...childPids(this.#pid)]) {
      try {
        times.set(pid, threadTimesMs(pid));
      } catch {
        // It has just ended.
      }
    }
    return times;
  }
}
