/**
 * A daemon that is killed, with its workers, while it brings a crashed application's database up again loses nothing
 * that was on disk, whatever it was at: also not on Btrfs, which shortens a file piece by piece and stops where it
 * is killed, so that a WAL whose frames are all in the database would come back as its own beginning.
 */
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { parseWalIndex, type WalIndex } from "../../../src/format/walIndex.ts";
import { spawnDaemon } from "../../support/daemonProcess.ts";
import { testName } from "../../support/requirements.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { waitFor } from "../../support/waitFor.ts";
import { seededRandom } from "../seededRandom.ts";
import { cutFileSystems, openLaboratory } from "./laboratory.ts";
import { requireLaboratory } from "./requirements.ts";
import { watchArguments } from "./watchedDatabase.ts";
import { makeDatabase, recover, startWriter } from "./writtenDatabase.ts";

const missing = requireLaboratory();
const seed = Number(process.env.WALWARDEN_CRASH_SEED ?? Date.now() % 1_000_000);
const roundCount = 3;
/** Frames that were synced one by one are pieces of the file of their own. */
const rowCount = 1_500;
const timeoutMs = 60_000;

/** The WAL-index says that the WAL starts over: a TRUNCATE writes that, and then sets the file's size (wal.c). */
const startsOver = (path: string): boolean => readWalIndex(path)?.mxFrame === 0;

/** All frames are in the database, whose sync may be on its way. */
const isCopied = (path: string): boolean => {
  const index = readWalIndex(path);
  return index !== null && index.nBackfill > 0 && index.nBackfill === index.mxFrame;
};

/** Raw: no process that uses SQLite may read it so. */
function readWalIndex(path: string): WalIndex | null {
  const bytes = existsSync(`${path}-shm`) ? readFileSync(`${path}-shm`) : new Uint8Array(0);
  const reading = parseWalIndex(bytes);
  return reading.kind === "index" ? reading.index : null;
}

for (const fileSystem of cutFileSystems) {
  test.skipIf(missing !== null)(
    testName(`${fileSystem}: a recovery that is cut short loses nothing (seed ${seed})`, missing),
    async () => {
      const random = seededRandom(seed);
      await using laboratory = await openLaboratory(fileSystem);
      const path = await makeDatabase(laboratory);
      const acknowledged: number[] = [];
      for (let round = 1; round <= roundCount; round += 1) {
        await using writer = await startWriter(path, {
          synchronous: "EXTRA",
          autocheckpoint: 0,
          firstRow: round * 100_000,
          rowCount,
        });
        await writer.waitForRows(rowCount);
        acknowledged.push(...writer.acknowledged);
        await writer.kill();
        using directory = makeTempDirectory();
        const phrases: string[] = [];
        await using daemon = spawnDaemon(
          { stateDirectory: directory.path, arguments: watchArguments({ path, directory }) },
          ({ msg }) => phrases.push(msg),
        );
        const isOver = () => phrases.includes("startup of every database ended");
        const moment = random.choice(startsOver, startsOver, isCopied);
        await waitFor("the moment to kill", () => isOver() || moment(path), {
          deadlineMs: 30_000,
          intervalMs: 1,
        });
        await daemon.kill();
        const { found, lost } = await recover(path, acknowledged);
        expect(lost.length).toBe(0);
        expect(found.integrityMessages).toEqual(["ok"]);
      }
    },
    timeoutMs,
  );
}
