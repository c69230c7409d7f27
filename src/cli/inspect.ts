/**
 * `walwarden inspect PATH`: what can be told of a database from outside, live or not, without SQLite, without a lock
 * and without changing a byte. Asks no daemon. Exit status: 0 fine, 1 something is wrong, 65 it is no database or
 * cannot be read.
 */
import { resolve } from "node:path";
import { durationToMs } from "../config/parseDuration.ts";
import { exitCodes } from "../domain/exitCodes.ts";
import { realClock } from "../host/clock.ts";
import { realOs } from "../host/os.ts";
import { type InspectionSettings, inspectDatabase } from "../inspect/databaseInspection.ts";
import type { Inspection } from "../inspect/inspection.ts";
import { inspectTargetOf } from "../inspect/inspectTarget.ts";
import { inspectWalAlone } from "../inspect/loneWalInspection.ts";
import type { InspectHost } from "../inspect/looks.ts";
import { printable } from "../report/printable.ts";
import { withIsoTimes } from "../report/statusJson.ts";
import { renderInspection } from "./inspectText.ts";
import type { Io } from "./io.ts";
import { renderingFor } from "./rendering.ts";

const host: InspectHost = { os: realOs, clock: realClock, pause: (pauseMs) => Bun.sleep(pauseMs) };

export interface InspectOptions {
  readonly json: boolean;
  /** Of a daemon, for its ledger; null: STATE_DIRECTORY, or none. */
  readonly stateDirectory: string | null;
  /** A duration with its unit; null: one look. */
  readonly watch: string | null;
}

const watchMaxMs = 3_600_000;

export async function runInspect(path: string, options: InspectOptions, io: Io): Promise<number> {
  const watchMs = options.watch === null ? 0 : durationToMs(options.watch);
  if (watchMs === null || watchMs > watchMaxMs) {
    io.stderr(`walwarden: --watch: not accepted; a duration with its unit, for example 10s, up to 1h\n`);
    return exitCodes.usage;
  }
  const named = options.stateDirectory ?? io.environment.STATE_DIRECTORY ?? "";
  const stateDirectory = named === "" ? null : resolve(io.workingDirectory, named);
  const inspected = await inspect(resolve(io.workingDirectory, path), { stateDirectory, watchMs });
  if (inspected.kind === "refused") {
    if (options.json) io.stdout(toJson({ kind: "refused", reason: inspected.reason }));
    else io.stderr(`walwarden: ${printable(inspected.reason)}\n`);
    return exitCodes.dataError;
  }
  const inspection = withIsoTimes(inspected.inspection);
  const rendering = renderingFor(io, Date.now());
  io.stdout(options.json ? toJson(inspection) : renderInspection(inspection, rendering));
  return inspection.verdict === "fine" ? exitCodes.ok : exitCodes.no;
}

type Inspected =
  | { readonly kind: "inspected"; readonly inspection: Inspection }
  | { readonly kind: "refused"; readonly reason: string };

function inspect(path: string, settings: InspectionSettings): Inspected | Promise<Inspected> {
  const target = inspectTargetOf(host.os, path);
  switch (target.kind) {
    case "refused":
      return target;
    case "database":
      return inspectDatabase(host, target.path, path, settings);
    case "loneWal":
      return inspectWalAlone(host, target.path);
  }
}

function toJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
