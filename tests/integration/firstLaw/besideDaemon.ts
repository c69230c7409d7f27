/**
 * The life of an application beside the daemon, in the order in which things go wrong: it writes alone (the
 * control), the daemon starts while it writes, presses it, ends, starts again, and the application closes its
 * database beside the second daemon. Afterwards everything must be as if no daemon had been there.
 */
import { expect } from "bun:test";
import type { DatabaseStatusJson } from "../../../src/report/statusJson.ts";
import type { Daemon, LogLine } from "../../support/daemonProcess.ts";
import { missingRows, verifyRows } from "../../support/verifyRows.ts";
import { waitFor } from "../../support/waitFor.ts";
import type { Writer } from "../../support/writers/writer.ts";
import { pressOnDemand } from "./pressOnDemand.ts";
import type { WatchedFolder, WatchOptions } from "./watchedFolder.ts";

/** Everything in `Writer` but holding: what a life needs. */
export type LivingWriter = Pick<Writer, "pid" | "acknowledged" | "errors" | "waitForMoreRows" | "stop">;

export interface LifeOptions extends WatchOptions {
  /** What the first daemon must have done or said beside the writer, before it is ended. */
  readonly until: (daemon: Daemon) => Promise<unknown>;
  /** While the first daemon runs and the writer still writes. */
  readonly meanwhile?: (daemon: Daemon) => Promise<void>;
}

export interface Life {
  /** Of the first daemon. */
  readonly log: readonly LogLine[];
  /** As the first daemon said it before it ended. */
  readonly status: DatabaseStatusJson;
  readonly pressedCount: number;
  readonly refusals: ReadonlySet<string>;
}

/** For one life, on a machine that has other things to do. */
export const lifeTimeoutMs = 60_000;

const controlRowCount = 5;

export async function liveBesideDaemon(
  folder: WatchedFolder,
  writer: LivingWriter,
  options: LifeOptions,
): Promise<Life> {
  await writer.waitForMoreRows(controlRowCount);
  expect(writer.errors).toEqual([]);
  const daemon = await folder.startDaemon(options);
  await using _ended = daemon;
  const pressing = pressOnDemand(daemon);
  await options.until(daemon);
  await writer.waitForMoreRows(1);
  await options.meanwhile?.(daemon);
  await pressing.stop();
  const status = await readStatus(daemon);
  expect(await daemon.stop()).toBe(0);

  await using second = await folder.startDaemon(options);
  await observedOnce(second);
  const secondPressing = pressOnDemand(second);
  await writer.waitForMoreRows(1);
  await writer.stop();
  await secondPressing.stop();
  expect(await second.stop()).toBe(0);
  return { log: daemon.log, status, pressedCount: pressing.doneCount(), refusals: pressing.refusals };
}

/**
 * How often an application that opens the database for each row may meet our own opening: src/DESIGN.md, "Known
 * limits". Measured at 0.3 to 1.3 % of our openings beside 200 to 330 of its own a second; here are some 50 of ours.
 */
export const firstOpenCollisionsMax = 6;

/** The first law for a database that SQLite may open: no new error, no foreign file, no lost commit. */
export async function expectUnharmed(
  folder: WatchedFolder,
  writer: LivingWriter,
  collisionsMax = 0,
): Promise<void> {
  const { errors } = writer;
  const isCollision = ({ code, message }: { readonly code: string; readonly message: string }) =>
    /SQLITE_BUSY|is locked/.test(`${code} ${message}`);
  const collisions = errors.filter(isCollision);
  expect(errors.filter((error) => !isCollision(error))).toEqual([]);
  expect(collisions.slice(collisionsMax)).toEqual([]);
  expect(folder.foreignFiles()).toEqual([]);
  const found = await verifyRows(folder.path);
  expect(missingRows(writer.acknowledged, found)).toEqual([]);
  expect(found.integrityMessages).toEqual(["ok"]);
}

/** `count` lines in all with one of these phrases. */
export async function logged(daemon: Daemon, phrases: readonly string[], count: number): Promise<void> {
  await waitFor(
    `${count} times ${phrases.join(" or ")}`,
    () => {
      if (daemon.process.exitCode() !== null) throw new Error(`the daemon ended: ${daemon.process.stderr()}`);
      return daemon.log.filter((line) => phrases.includes(line.msg)).length >= count;
    },
    { deadlineMs: 30_000 },
  );
}

/**
 * Started, opened and pressed beside the writer: a scheduled checkpoint, some on demand, and as many full checks. Where the
 * writer's own checkpoints keep up the next scheduled ones are left to it.
 */
export async function pressedHard(daemon: Daemon): Promise<void> {
  const scheduled = ["periodic-checkpoint completed", "periodic-checkpoint incomplete"];
  await logged(daemon, scheduled, 1);
  await logged(daemon, [...scheduled, "demand checkpoint completed", "demand checkpoint incomplete"], 4);
  await logged(daemon, ["demand integrity_check passed"], 4);
}

export async function readStatus(daemon: Daemon): Promise<DatabaseStatusJson> {
  const response = await daemon.get("/api/v1/databases/kv");
  return (await response.json()) as DatabaseStatusJson;
}

async function observedOnce(daemon: Daemon): Promise<void> {
  await waitFor("the first look", async () => (await readStatus(daemon)).observedAt !== null);
}
