/**
 * SIGKILL of writer and daemon at random moments: no acknowledged row is ever lost, what was left is reported
 * and recovered by the next start, and whoever lives on is not disturbed. The moments come from a seed;
 * WALWARDEN_CRASH_SEED repeats a run, as far as the kernel's scheduler lets it.
 */
import { expect, test } from "bun:test";
import { statSync } from "node:fs";
import { makeWatchedFolder, type WatchedFolder } from "../integration/firstLaw/watchedFolder.ts";
import type { Daemon } from "../support/daemonProcess.ts";
import { requireTool } from "../support/requirements.ts";
import { missingRows, verifyRows } from "../support/verifyRows.ts";
import { waitFor } from "../support/waitFor.ts";
import { startBunWriter } from "../support/writers/startBunWriter.ts";
import { startCliWriter } from "../support/writers/startCliWriter.ts";
import type { Writer } from "../support/writers/writer.ts";
import { type SeededRandom, seededRandom } from "./seededRandom.ts";

type Victim = "writer" | "daemon" | "both";

const victims: readonly Victim[] = [
  ...Array<Victim>(6).fill("both"),
  ...Array<Victim>(3).fill("writer"),
  ...Array<Victim>(3).fill("daemon"),
];
const roundsTimeoutMs = 90_000;
/** A WAL of its header and one frame header holds nothing (walformat.html). */
const walWithoutFrameBytes = 32 + 24;

const seed = Number(process.env.WALWARDEN_CRASH_SEED ?? Date.now() % 1_000_000);
const withoutSqlite3 = requireTool("sqlite3");

interface Round {
  readonly folder: WatchedFolder;
  readonly random: SeededRandom;
  readonly daemon: Daemon;
  readonly writer: Writer;
}

function startWriter(path: string, firstRow: number, random: SeededRandom): Promise<Writer> {
  const options = {
    path,
    firstRow,
    busyTimeoutMs: 0,
    synchronous: random.choice("NORMAL", "FULL", "EXTRA"),
    autocheckpoint: random.choice(null, 0),
    pauseMs: random.choice(0, 3),
  } as const;
  const onCommandLine = withoutSqlite3 === null && random.choice(true, false);
  return onCommandLine ? startCliWriter(options) : startBunWriter(options);
}

/** After some rows and some fraction of the daemon's checkpoint interval. */
async function randomMoment(writer: Writer, random: SeededRandom): Promise<void> {
  await writer.waitForMoreRows(random.integer(1, 60));
  const momentMs = performance.now() + random.integer(0, 250);
  await waitFor("the chosen moment", () => performance.now() >= momentMs, { intervalMs: 1 });
}

function walHoldsFrames(path: string): boolean {
  return (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > walWithoutFrameBytes;
}

/** @returns the daemon that goes on. */
async function killWriter({ daemon, writer }: Round): Promise<Daemon> {
  await writer.kill();
  await daemon.waitForLog("periodic-checkpoint completed", { fromIndex: daemon.log.length });
  return daemon;
}

/** The writer must not even notice, whatever the daemon was doing. */
async function killDaemon({ folder, daemon, writer }: Round): Promise<Daemon> {
  await daemon.kill();
  await writer.waitForMoreRows(5);
  expect(writer.errors).toEqual([]);
  const next = await folder.startDaemon();
  await next.waitForLog("startup of every database ended");
  await writer.waitForMoreRows(5);
  await writer.stop();
  expect(writer.errors).toEqual([]);
  expect(next.log.filter((line) => line.msg === "startup detected WAL residue")).toEqual([]);
  return next;
}

async function killBoth({ folder, random, daemon, writer }: Round): Promise<Daemon> {
  await Promise.all(random.shuffled([daemon.kill, writer.kill]).map((kill) => kill()));
  const residue = walHoldsFrames(folder.path);
  const next = await folder.startDaemon();
  await next.waitForLog("startup of every database ended");
  const said = (phrase: string) => next.log.filter((line) => line.msg === phrase).length;
  expect(said("startup detected WAL residue")).toBe(residue ? 1 : 0);
  expect(said("evidence quick_check passed")).toBe(residue ? 1 : 0);
  expect(said("startup-recovery checkpoint completed")).toBe(residue ? 1 : 0);
  const metrics = await next.metrics();
  expect(metrics.value("sqlite_startup_recoveries_total", { database: "kv" })).toBe(residue ? 1 : 0);
  expect(metrics.value("sqlite_database_ready", { database: "kv" })).toBe(1);
  return next;
}

const kills = { writer: killWriter, daemon: killDaemon, both: killBoth };

test(
  `SIGKILL of writer and daemon at ${victims.length} random moments loses no acknowledged row (seed ${seed})`,
  async () => {
    const random = seededRandom(seed);
    using folder = makeWatchedFolder();
    const acknowledged: number[] = [];
    let daemon: Daemon | null = null;
    try {
      for (const [index, victim] of random.shuffled(victims).entries()) {
        await using writer = await startWriter(folder.path, 1 + index * 1_000_000, random);
        daemon ??= await folder.startDaemon();
        await randomMoment(writer, random);
        daemon = await kills[victim]({ folder, random, daemon, writer });
        acknowledged.push(...writer.acknowledged);
        const found = await verifyRows(folder.path);
        expect(missingRows(acknowledged, found)).toEqual([]);
        expect(found.integrityMessages).toEqual(["ok"]);
        expect(folder.foreignFiles()).toEqual([]);
      }
    } finally {
      await daemon?.kill();
    }
  },
  roundsTimeoutMs,
);
