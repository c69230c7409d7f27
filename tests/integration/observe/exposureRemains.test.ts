/**
 * What is left of an earlier WAL behind the one that began anew tells whether the checkpoint between them synced. What
 * the writer of the new one has written meanwhile is no part of it.
 */
import { expect, test } from "bun:test";
import { readFileSync, statSync } from "node:fs";
import type { ExposureQuestion } from "../../../src/domain/exposure.ts";
import { realOs as os } from "../../../src/host/os.ts";
import { lookAtExposure } from "../../../src/observe/exposureLook.ts";
import { whyExposureUnmeasured } from "../../support/fileSystem.ts";
import { testName } from "../../support/requirements.ts";
import { makeTempDirectory } from "../../support/tempDirectory.ts";
import { type SqlProcess, startSqlProcess } from "./sqlProcess.ts";

const pageSizeBytes = 4096;
const frameBytes = 24 + pageSizeBytes;
const skip = whyExposureUnmeasured();

/** In a WAL that has begun anew after one of some 40 frames that was checkpointed with a sync: one commit. */
async function startOver(app: SqlProcess, path: string): Promise<void> {
  await app.run(
    path,
    "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = NORMAL; CREATE TABLE t (b)",
  );
  for (let row = 0; row < 20; row += 1) await app.run(path, "INSERT INTO t VALUES (randomblob(6000))");
  await app.run(path, "PRAGMA wal_checkpoint(PASSIVE)");
  await app.run(path, "INSERT INTO t VALUES (1)");
}

/** What a daemon asks that has seen one commit of the new WAL, and page 1 in the earlier one. */
function questionNow(path: string): Extract<ExposureQuestion, { readonly kind: "wal" }> {
  const wal = statSync(`${path}-wal`);
  const database = statSync(path);
  const header = readFileSync(`${path}-wal`).subarray(0, 32);
  const index = readFileSync(`${path}-shm`);
  return {
    kind: "wal",
    fileIdentity: `${wal.dev}:${wal.ino}`,
    walIdentity: `${header.readUInt32BE(16)} ${header.readUInt32BE(20)}`,
    pageSizeBytes,
    mxFrame: index.readUInt32LE(16),
    countFromFrame: 0,
    followFromFrame: 0,
    cacheFromFrame: null,
    nBackfill: 0,
    writers: "byLock",
    database: { fileIdentity: `${database.dev}:${database.ino}`, pageSizeBytes, pageNumbers: [1] },
  };
}

async function scene(
  run: (app: SqlProcess, path: string) => Promise<void>,
): Promise<ReturnType<typeof lookAtExposure>> {
  using directory = makeTempDirectory();
  const path = directory.file("kv.db");
  await using app = startSqlProcess();
  await startOver(app, path);
  const question = questionNow(path);
  expect(statSync(`${path}-wal`).size).toBeGreaterThan(32 + 30 * frameBytes);
  await run(app, path);
  return lookAtExposure(os, path, question);
}

const synced = { kind: "wal", database: { kind: "clean" } } as const;

test.skipIf(skip !== null)(
  testName(
    "a checkpoint that synced is not blamed for what was committed between the observation and the look",
    skip,
  ),
  async () => {
    const look = await scene(async (app, path) => {
      await app.run(path, "INSERT INTO t VALUES (randomblob(20000))");
    });
    expect(look).toMatchObject(synced);
  },
);

test.skipIf(skip !== null)(
  testName("nor for what a transaction has left behind that spilled and was rolled back", skip),
  async () => {
    const look = await scene(async (app, path) => {
      await app.run(
        path,
        "PRAGMA cache_size = 2; BEGIN; INSERT INTO t VALUES (randomblob(30000)); UPDATE t SET b = randomblob(6000); ROLLBACK",
      );
    });
    if (look.kind !== "wal") throw new Error(JSON.stringify(look));
    expect(look.database?.kind).not.toBe("unsynced");
  },
);
