/**
 * Who checkpoints: the daemon in its two places, and what people use instead. Each is started beside a database that is
 * there already, and reports what it did where it can.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { spawnProcess, type TestProcess } from "../../support/childProcess.ts";
import { type Daemon, startDaemon } from "../../support/daemonProcess.ts";
import type { TempDirectory } from "../../support/tempDirectory.ts";
import { childPids, cpuTimeMs } from "../processUsage.ts";
import { litestreamPath } from "./litestream.ts";

/** Frames of SQLite's default autocheckpoint. */
const autocheckpoint = 1000;

/** For each the application's own wal_autocheckpoint. */
export const contenders = {
  /** No daemon: SQLite as it is. */
  default: autocheckpoint,
  /** The daemon beside an application that keeps its autocheckpoint. */
  beside: autocheckpoint,
  /** The daemon alone checkpoints. */
  alone: 0,
  /** TRUNCATE every interval with a busy timeout of 10 s from another process. */
  truncate: 0,
  /** A shell loop around the sqlite3 command line tool. */
  cli: 0,
  litestream: 0,
} as const;
export type Contender = keyof typeof contenders;

export interface ContenderStart {
  readonly contender: Contender;
  readonly path: string;
  readonly directory: TempDirectory;
  readonly intervalMs: number;
  /** The application's busy timeout is declared to the daemon. */
  readonly declared: boolean;
  /** Of all processes of the cell: a slow disk. */
  readonly environment: Readonly<Record<string, string>>;
}

/** What the daemon says that it did; of no one else it is asked. */
export interface DaemonReport {
  /** Of each checkpoint that kept writers out. */
  readonly holdsMs: readonly number[];
  /** Those that did not overrun a budget, but crashed: what was measured then is void. */
  readonly failedWorkerCount: number;
  /** By outcome and reason. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Verdicts on the WAL that stood at some moment. */
  readonly verdicts: readonly string[];
  readonly log: readonly string[];
}

export interface Running extends AsyncDisposable {
  /** CPU time of the contender so far; null: it has no process of its own. */
  readonly cpuMs: () => number | null;
  readonly report: () => DaemonReport | null;
}

export async function startContender(start: ContenderStart): Promise<Running> {
  switch (start.contender) {
    case "default":
      return { cpuMs: () => null, report: () => null, [Symbol.asyncDispose]: async () => undefined };
    case "beside":
    case "alone":
      return await startOurs(start);
    case "truncate": {
      const script = join(import.meta.dir, "truncator.ts");
      const command = [process.execPath, "--no-env-file", script, start.path, String(start.intervalMs)];
      const child = spawnProcess({ command, environment: environmentOf(start) });
      await child.waitForLine("ready");
      return foreign(child);
    }
    case "cli": {
      // As it stands in many a crontab; the tool's busy timeout is 0.
      const line = `while sleep ${start.intervalMs / 1000}; do sqlite3 "$1" 'PRAGMA wal_checkpoint(TRUNCATE);' || true; done`;
      const child = spawnProcess({
        command: ["sh", "-c", line, "sh", start.path],
        environment: environmentOf(start),
      });
      return foreign(child);
    }
    case "litestream":
      return await startLitestream(start);
  }
}

function environmentOf({ environment }: ContenderStart): Record<string, string> {
  return { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "/", ...environment };
}

function foreign(child: TestProcess): Running {
  return {
    cpuMs: () => treeCpuMs(child.pid),
    report: () => null,
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}

function treeCpuMs(pid: number): number {
  try {
    return [pid, ...childPids(pid)].reduce((sum, each) => sum + cpuTimeMs(each), 0);
  } catch {
    return Number.NaN;
  }
}

async function startLitestream(start: ContenderStart): Promise<Running> {
  const executable = litestreamPath();
  if (executable === null) throw new Error("Litestream is not installed");
  const configPath = start.directory.file("litestream.yml");
  const config = { dbs: [{ path: start.path, replicas: [{ type: "file", path: `${start.path}.replica` }] }] };
  // JSON is YAML.
  writeFileSync(configPath, JSON.stringify(config));
  const child = spawnProcess({
    command: [executable, "replicate", "-config", configPath],
    environment: environmentOf(start),
  });
  // Before that it only waits for its first second to pass.
  await child.waitForLine("wal segment written", { deadlineMs: 20_000 });
  return foreign(child);
}

const verdictPollMs = 500;

async function startOurs(start: ContenderStart): Promise<Running> {
  const daemon = await startDaemon({
    stateDirectory: start.directory.path,
    environment: {
      ...start.environment,
      KVDB_SQLITE_FILE: start.path,
      KVDB_SQLITE_WAL_CHECKPOINT_INTERVAL_MS: String(start.intervalMs),
      ...(start.declared ? { KVDB_SQLITE_BUSY_TIMEOUT_MS: "10000" } : {}),
    },
  });
  await daemon.waitForLog("startup of every database ended", { deadlineMs: 30_000 });
  const fromLine = daemon.log.length;
  const verdicts = new Set<string>();
  const timer = setInterval(() => void noteVerdict(daemon, verdicts), verdictPollMs);
  return {
    cpuMs: () => treeCpuMs(daemon.pid),
    report: () => reportOf(daemon, fromLine, verdicts),
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await daemon.kill();
    },
  };
}

async function noteVerdict(daemon: Daemon, verdicts: Set<string>): Promise<void> {
  try {
    const answer = await daemon.get("/api/v1/databases");
    const kind: unknown = JSON.parse(await answer.text()).databases?.[0]?.walVerdict?.kind;
    if (typeof kind === "string") verdicts.add(kind);
  } catch {
    // The cell is over.
  }
}

/** Of a worker that was killed because it held the lock for too long: at least so long. */
const keptOutText = /kept writers out for more than ([\d.]+) ms/;

function reportOf(daemon: Daemon, fromLine: number, verdicts: ReadonlySet<string>): DaemonReport {
  const ended = daemon.log.slice(fromLine).filter(({ msg }) => msg.includes("checkpoint "));
  const outcomes: Record<string, number> = {};
  for (const { outcome, reason } of ended) {
    const name = reason === "" ? String(outcome) : `${outcome}: ${reason}`;
    outcomes[name] = (outcomes[name] ?? 0) + 1;
  }
  const failed = daemon.log.slice(fromLine).filter(({ msg }) => msg === "sql worker failed");
  const killedAfterMs = failed.map(({ message }) => Number(keptOutText.exec(String(message))?.[1] ?? 0));
  const holdsMs = [...ended.map(({ heldMs }) => Number(heldMs)), ...killedAfterMs].filter(
    (heldMs) => heldMs > 0,
  );
  const failedWorkerCount = failed.filter(({ reason }) => reason !== "deadline").length;
  const log = daemon.log.slice(fromLine).map((line) => JSON.stringify(line));
  return { holdsMs, failedWorkerCount, outcomes, verdicts: [...verdicts], log };
}
