/**
 * The daemon as an operator runs it: `bun --no-env-file src/main.ts run`, in a process of its own, on a free
 * port of the loopback address and with its own state directory. Its environment is what the test gives it,
 * and nothing of the test's own but PATH, HOME and TMPDIR.
 */
import { join } from "node:path";
import { spawnProcess, type TestProcess } from "./childProcess.ts";
import { type MetricsRead, parseMetrics } from "./metricsText.ts";
import { checkoutPath } from "./sourceFiles.ts";
import { waitFor, withDeadline } from "./waitFor.ts";

export const mainPath = join(checkoutPath, "src/main.ts");

export interface DaemonStart {
  readonly stateDirectory: string;
  /** KVDB_SQLITE_*, WALWARDEN_* and whatever else; replaces the defaults given here. */
  readonly environment?: Readonly<Record<string, string>>;
  /** After `run`, for example ["--config", path]. */
  readonly arguments?: readonly string[];
  readonly workingDirectory?: string;
  /** Runs the daemon by another program that becomes it: setpriv, strace -D. */
  readonly commandPrefix?: readonly string[];
  readonly startDeadlineMs?: number;
}

/** One line of the daemon's log; the fields beside `msg` depend on the phrase. */
export interface LogLine {
  readonly msg: string;
  readonly level: string;
  readonly database?: string;
  readonly [field: string]: unknown;
}

export interface Daemon extends AsyncDisposable {
  readonly pid: number;
  readonly process: TestProcess;
  /** "http://127.0.0.1:PORT" */
  readonly url: string;
  readonly socketPath: string;
  readonly log: readonly LogLine[];
  get(path: string, init?: RequestInit): Promise<Response>;
  metrics(): Promise<MetricsRead>;
  /** The first line with that phrase, from `fromIndex` of `log` on; for one database when named. */
  waitForLog(phrase: string, options?: WaitForLogOptions): Promise<LogLine>;
  /** SIGTERM; resolves with the exit code. */
  stop(deadlineMs?: number): Promise<number>;
  /** SIGKILL. */
  kill(): Promise<void>;
}

export interface WaitForLogOptions {
  readonly database?: string;
  readonly fromIndex?: number;
  readonly deadlineMs?: number;
}

/** The environment of a daemon under test, for tests that run another command of it. */
export function daemonEnvironment(start: DaemonStart): Record<string, string> {
  const { PATH = "", HOME = "/", TMPDIR } = process.env;
  return {
    PATH,
    HOME,
    ...(TMPDIR === undefined ? {} : { TMPDIR }),
    STATE_DIRECTORY: start.stateDirectory,
    WALWARDEN_LISTEN: "127.0.0.1:0",
    ...start.environment,
  };
}

/** Starts the process and returns at once, for daemons that are expected not to start. */
export function spawnDaemon(
  start: DaemonStart,
  onLog: (line: LogLine) => void = () => undefined,
): TestProcess {
  return spawnProcess({
    command: [
      ...(start.commandPrefix ?? []),
      process.execPath,
      "--no-env-file",
      mainPath,
      "run",
      ...(start.arguments ?? []),
    ],
    environment: daemonEnvironment(start),
    workingDirectory: start.workingDirectory ?? start.stateDirectory,
    onLine: (line) => {
      if (line.startsWith("{")) onLog(JSON.parse(line));
    },
  });
}

/** Starts the daemon and waits until it listens. */
export async function startDaemon(start: DaemonStart): Promise<Daemon> {
  const log: LogLine[] = [];
  const child = spawnDaemon(start, (line) => log.push(line));

  async function waitForLog(phrase: string, options: WaitForLogOptions = {}): Promise<LogLine> {
    const { database, fromIndex = 0, deadlineMs = 15_000 } = options;
    const matches = (line: LogLine) =>
      line.msg === phrase && (database === undefined || line.database === database);
    return await waitFor(
      `log line "${phrase}"`,
      () => {
        const line = log.slice(fromIndex).find(matches);
        if (line !== undefined || child.exitCode() === null) return line;
        const said = [...child.lines.slice(-5), child.stderr()].join("\n");
        throw new Error(`the daemon ended with ${child.exitCode()} before "${phrase}":\n${said}`);
      },
      { deadlineMs, intervalMs: 5 },
    );
  }

  let started: LogLine;
  try {
    started = await waitForLog("daemon started", { deadlineMs: start.startDeadlineMs ?? 15_000 });
  } catch (error) {
    await child[Symbol.asyncDispose]();
    throw error;
  }
  const url = `http://${String(started.listen)}`;
  const get = (path: string, init: RequestInit = {}) =>
    fetch(`${url}${path}`, { signal: AbortSignal.timeout(10_000), ...init });
  return {
    pid: child.pid,
    process: child,
    url,
    socketPath: String(started.socketPath ?? started.socket),
    log,
    get,
    metrics: async () => parseMetrics(await (await get("/metrics")).text()),
    waitForLog,
    stop: async (deadlineMs = 15_000) => {
      child.signal("SIGTERM");
      return await withDeadline("the daemon to stop", child.exited, deadlineMs);
    },
    kill: async () => {
      await child.kill();
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}
