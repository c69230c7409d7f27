/** `walwarden run`: the daemon in the foreground, until a signal ends it. */
import { readFileSync } from "node:fs";
import { loadConfig } from "../config/load.ts";
import { type Daemon, startDaemon } from "../daemon/daemon.ts";
import { exitCodes } from "../domain/exitCodes.ts";
import { realClock } from "../host/clock.ts";
import { realOs } from "../host/os.ts";
import { createLogger, type Logger } from "../report/log.ts";
import { logPhrases } from "../report/logPhrases.ts";
import { formatProblems } from "./checkConfig.ts";
import type { Io } from "./io.ts";
import { version } from "./version.ts";
import { workerCommand } from "./workerCommand.ts";

export interface RunOptions {
  readonly config?: string | undefined;
  readonly listen?: string | undefined;
}

const stdoutDescriptor = 1;
/** The last lines may take this long to leave; a stalled reader does not hold the exit up. */
const flushMs = 500;

/** Resolves with the exit status when the daemon has ended. */
export async function runDaemon(options: RunOptions, io: Io): Promise<number> {
  const load = () =>
    loadConfig({
      flags: { config: options.config, listen: options.listen },
      environment: io.environment,
      readFile: (path) => readFileSync(path, "utf8"),
      workingDirectory: io.workingDirectory,
    });
  const loaded = load();
  if (!loaded.ok) {
    io.stderr(formatProblems(loaded.problems));
    return exitCodes.config;
  }
  const logger = createLogger({ destination: stdoutDescriptor });
  const started = await startDaemon({
    config: loaded.config,
    logger,
    clock: realClock,
    os: realOs,
    environment: io.environment,
    workerCommand: workerCommand(process.execPath, Bun.main),
    version,
  });
  if (!started.ok) {
    io.stderr(`walwarden: ${started.message}\n`);
    await logger.flush(flushMs);
    return started.exitStatus;
  }
  const status = await untilEnd(started.daemon, logger, () => {
    const next = load();
    if (next.ok) return started.daemon.reload(next.config);
    started.daemon.refuseReload(next.problems.map((problem) => problem.message));
    return Promise.resolve();
  });
  await logger.flush(flushMs);
  return status;
}

/** A programmer's error ends the daemon, with its last words; systemd starts it again. */
function logFatalErrors(logger: Logger, fail: (status: number) => void): void {
  const die = (error: unknown) => {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    logger.log("error", logPhrases.internalError, { message });
    fail(exitCodes.internal);
  };
  process.on("uncaughtException", die);
  process.on("unhandledRejection", die);
}

const signalNumbers = { SIGINT: 2, SIGTERM: 15 } as const;

/** The first signal ends the daemon in order, a second one at once. SIGHUP reads the configuration again. */
function untilEnd(daemon: Daemon, logger: Logger, reload: () => Promise<void>): Promise<number> {
  return new Promise((resolve, reject) => {
    logFatalErrors(logger, resolve);
    let stopping = false;
    const stop = (signal: keyof typeof signalNumbers) => {
      if (stopping) return resolve(128 + signalNumbers[signal]);
      stopping = true;
      daemon.stop(signal).then(() => resolve(0), reject);
    };
    process.on("SIGINT", () => stop("SIGINT"));
    process.on("SIGTERM", () => stop("SIGTERM"));
    process.on("SIGHUP", () => {
      if (!stopping) reload().catch(reject);
    });
  });
}
