/** What there is once for a daemon: the address, the socket, the state, the intervals and the workers. Pure. */
import { join } from "node:path";
import type { DaemonValues } from "./config.ts";
import { type Layer, type Merged, mergeLayers } from "./layer.ts";
import { defaultListen, formatListen } from "./parseListen.ts";
import { type ConfigProblem, malformed, placeOf, type ValueSource } from "./problem.ts";

/**
 * RUNTIME_DIRECTORY only moves the default of the socket: systemd sets it whether the operator thought of
 * the socket or not, so it must not overrule a `socket` in the file.
 */
export function buildDaemon(
  runtimeDirectory: string | null,
  layers: readonly Layer<DaemonValues>[],
  workingDirectory: string,
): Merged<DaemonValues> {
  const defaults: DaemonValues = {
    listen: defaultListen,
    socketPath: null,
    tokenFile: null,
    allowedHosts: [],
    stateDirectory: join(workingDirectory, ".walwarden"),
    observeIntervalMs: 1000,
    globIntervalMs: 30_000,
    shortWorkerCount: 2,
    longWorkerCount: 2,
    shutdownTimeoutMs: 20_000,
  };
  const merged = mergeLayers(defaults, layers);
  if (merged.sources.socketPath.kind !== "default") return merged;
  const directory = runtimeDirectory ?? merged.values.stateDirectory;
  const source: ValueSource =
    runtimeDirectory === null
      ? merged.sources.stateDirectory
      : { kind: "environment", variable: "RUNTIME_DIRECTORY" };
  return {
    values: { ...merged.values, socketPath: join(directory, "walwarden.sock") },
    sources: { ...merged.sources, socketPath: source },
  };
}

/** sun_path has 108 bytes, the last of them NUL: unix(7). */
const socketPathBytesMax = 107;

export function socketProblems(daemon: Merged<DaemonValues>): ConfigProblem[] {
  const { socketPath } = daemon.values;
  const pathBytes = Buffer.byteLength(socketPath ?? "");
  if (socketPath === null || pathBytes <= socketPathBytesMax) return [];
  const source = daemon.sources.socketPath;
  const place = source.kind === "default" ? "stateDirectory" : placeOf(source);
  const accepted = `at most ${socketPathBytesMax} bytes for the path of the Unix socket`;
  const remedy =
    "set socket in the file, or RUNTIME_DIRECTORY, to a shorter path; socket: false does without";
  return [malformed(place, socketPath, accepted, `${pathBytes} bytes; ${remedy}`)];
}

/** The file says one thing, a variable that may have been meant for something else another. */
export function overriddenWarnings(
  fromFile: Layer<DaemonValues>,
  fromEnvironment: Layer<DaemonValues>,
  daemon: Merged<DaemonValues>,
): string[] {
  const warnings: string[] = [];
  const listenSource = daemon.sources.listen;
  const byPort = listenSource.kind === "environment" && listenSource.variable === "PORT";
  if (byPort && fromFile.sources.listen !== undefined) {
    const listen = formatListen(daemon.values.listen);
    warnings.push(
      `PORT is set: listening on ${listen} and not as ${placeOf(fromFile.sources.listen)} says; ` +
        "set WALWARDEN_LISTEN if PORT belongs to the application",
    );
  }
  const stateInFile = fromFile.values.stateDirectory;
  const stateInEnvironment = fromEnvironment.values.stateDirectory;
  if (stateInFile !== undefined && stateInEnvironment !== undefined && stateInFile !== stateInEnvironment) {
    warnings.push(
      `STATE_DIRECTORY is set: the state is kept in ${stateInEnvironment} and not in ${stateInFile}`,
    );
  }
  return warnings;
}
