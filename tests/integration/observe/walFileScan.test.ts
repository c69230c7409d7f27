/** A scan of a -wal file that changes, vanishes, cannot be read, or is written by somebody at that moment. */
import { describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { realClock } from "../../../src/host/clock.ts";
import { type Os, realOs } from "../../../src/host/os.ts";
import { scanWalFile } from "../../../src/observe/walFileScan.ts";
import { scanWal } from "../../support/scanWal.ts";
import { makeTempDirectory, type TempDirectory } from "../../support/tempDirectory.ts";
import { startBunWriter } from "../../support/writers/startBunWriter.ts";
import { writeRealWal } from "../format/realWal.ts";

const host = { os: realOs, clock: realClock };

/** A WAL of several pieces, and what it holds. */
function largeWal(directory: TempDirectory) {
  const { wal } = writeRealWal(directory.file("made.db"), {
    seed: 7,
    pageSizeBytes: 65536,
    startsOver: true,
    endsUncommitted: true,
  });
  const path = directory.file("kv.db-wal");
  writeFileSync(path, wal);
  return { path, wal, identity: identityOf(path) };
}

function identityOf(path: string): string {
  return realOs.stat(path)?.identity ?? "nothing there";
}

/** The real system, with something that happens before the read of that number. */
function beforeRead(readNumber: number, happens: () => void): Os {
  let readCount = 0;
  return {
    ...realOs,
    read(...parameters) {
      readCount += 1;
      if (readCount === readNumber) happens();
      return realOs.read(...parameters);
    },
  };
}

test("a file of many pieces is scanned as one", async () => {
  using directory = makeTempDirectory();
  const { path, wal, identity } = largeWal(directory);
  const databaseHeader = new Uint8Array(100);
  expect(await scanWalFile(host, path, identity, { databaseHeader, markFrame: 20 })).toEqual({
    kind: "scanned",
    scan: scanWal(wal, { databaseHeader, markFrame: 20 }),
    sizeBytes: wal.byteLength,
  });
});

test("reads that give less than they were asked for lose nothing", async () => {
  using directory = makeTempDirectory();
  const { path, wal, identity } = largeWal(directory);
  const os: Os = {
    ...realOs,
    read: (descriptor, buffer, position) =>
      realOs.read(descriptor, buffer.subarray(0, Math.ceil(buffer.byteLength / 3)), position),
  };
  // The first read is of the file's beginning, however little it gives.
  expect(await scanWalFile({ ...host, os }, path, identity)).toMatchObject({ scan: scanWal(wal) });
});

test("an empty file and one that is shorter than a header are said as they are", async () => {
  using directory = makeTempDirectory();
  const path = directory.file("kv.db-wal");
  for (const [sizeBytes, kind] of [
    [0, "empty"],
    [31, "tooShort"],
  ] as const) {
    writeFileSync(path, new Uint8Array(sizeBytes));
    expect(await scanWalFile(host, path, identityOf(path))).toMatchObject({
      kind: "scanned",
      scan: { header: { kind }, stop: { reason: "badHeader" } },
      sizeBytes,
    });
  }
});

test("a file that ends where its first generation does is not read further", async () => {
  using directory = makeTempDirectory();
  const path = directory.file("kv.db-wal");
  writeFileSync(path, "no WAL at all".padEnd(100));
  truncateSync(path, 2 ** 40);
  let readBytes = 0;
  const os: Os = {
    ...realOs,
    read(...parameters) {
      const count = realOs.read(...parameters);
      readBytes += count;
      return count;
    },
  };
  const result = await scanWalFile({ ...host, os }, path, identityOf(path));
  expect(result).toMatchObject({
    kind: "scanned",
    scan: { header: { kind: "badMagic" } },
    sizeBytes: 2 ** 40,
  });
  expect(readBytes).toBeLessThan(2 ** 20);
});

describe("what is no longer the file that was seen is left alone", () => {
  const put: readonly (readonly [string, (path: string, directory: TempDirectory) => void])[] = [
    ["nothing", (path) => rmSync(path)],
    [
      "another file",
      (path, directory) => {
        writeFileSync(directory.file("other"), "other");
        renameSync(directory.file("other"), path);
      },
    ],
    [
      "a FIFO",
      (path) => {
        rmSync(path);
        execFileSync("mkfifo", [path]);
      },
    ],
    [
      "a directory",
      (path) => {
        rmSync(path);
        mkdirSync(path);
      },
    ],
    [
      "a link to it",
      (path) => {
        renameSync(path, `${path}.moved`);
        symlinkSync(`${path}.moved`, path);
      },
    ],
    [
      "a link that leads nowhere",
      (path) => {
        rmSync(path);
        symlinkSync("nowhere", path);
      },
    ],
  ];
  test.each([...put])("%s", async (_name, change) => {
    using directory = makeTempDirectory();
    const { path, identity } = largeWal(directory);
    change(path, directory);
    expect(await scanWalFile(host, path, identity)).toEqual({ kind: "changed" });
  });
});

test("a WAL that is cut or starts over during the scan is not reported as one", async () => {
  using directory = makeTempDirectory();
  const { path, wal, identity } = largeWal(directory);
  const startsOver = () => {
    const header = wal.slice(0, 32);
    header[19] = (header[19] ?? 0) + 1;
    writeFileSync(path, header, { flag: "r+" });
  };
  for (const happens of [() => truncateSync(path, 0), () => truncateSync(path, 300_000), startsOver]) {
    writeFileSync(path, wal);
    const os = beforeRead(3, happens);
    expect(await scanWalFile({ ...host, os }, path, identity)).toEqual({ kind: "changed" });
  }
});

test("frames that are appended during the scan are left for the next one", async () => {
  using directory = makeTempDirectory();
  const { path, wal, identity } = largeWal(directory);
  const os = beforeRead(3, () => writeFileSync(path, new Uint8Array(500_000), { flag: "a" }));
  // What stands behind the end of a file that is being written is not told.
  expect(await scanWalFile({ ...host, os }, path, identity)).toEqual({
    kind: "scanned",
    scan: { ...scanWal(wal), remains: null },
    sizeBytes: wal.byteLength,
  });
});

test("the event loop is not kept, nor memory used, by what stands behind the end of a WAL in a huge file", async () => {
  using directory = makeTempDirectory();
  const { path, identity } = largeWal(directory);
  truncateSync(path, 2 ** 40);
  let readBytes = 0;
  const os: Os = {
    ...realOs,
    read(...parameters) {
      const count = realOs.read(...parameters);
      readBytes += count;
      return count;
    },
  };
  const answer = await scanWalFile({ ...host, os }, path, identity);
  expect(answer).toMatchObject({
    kind: "scanned",
    scan: { stop: { reason: "saltMismatch" } },
    sizeBytes: 2 ** 40,
  });
  expect(readBytes).toBeLessThan(300 * 2 ** 20);
});

test.each(["open", "fstat", "read"] as const)(
  "%s that fails is named, and nothing stays open",
  async (operation) => {
    using directory = makeTempDirectory();
    const { path, identity } = largeWal(directory);
    const failing: Os = {
      ...realOs,
      [operation]: () => {
        throw Object.assign(new Error("EIO"), { code: "EIO", errno: -5 });
      },
    };
    const before = readdirSync("/proc/self/fd").length;
    expect(await scanWalFile({ ...host, os: failing }, path, identity)).toEqual({
      kind: "unreadable",
      operation,
      code: "EIO",
    });
    expect(readdirSync("/proc/self/fd").length).toBe(before);
  },
);

test("everything else has its turn while a large file is scanned", async () => {
  using directory = makeTempDirectory();
  const { path, identity } = largeWal(directory);
  // Each read takes as long as a slice lasts, by this clock.
  let nowMs = 0;
  let turnCount = 0;
  let isDone = false;
  const turn = () => {
    turnCount += 1;
    if (!isDone) setImmediate(turn);
  };
  setImmediate(turn);
  const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
  let readCount = 0;
  const os: Os = {
    ...realOs,
    read(...parameters) {
      readCount += 1;
      nowMs += 4;
      return realOs.read(...parameters);
    },
  };
  expect(await scanWalFile({ os, clock }, path, identity)).toMatchObject({ kind: "scanned" });
  isDone = true;
  expect(readCount).toBeGreaterThan(10);
  expect(turnCount).toBeGreaterThanOrEqual(readCount - 2);
});

test("beside a writer a scan finds at least what was acknowledged before, and the writer no error", async () => {
  using directory = makeTempDirectory();
  const path = directory.file("kv.db");
  await using writer = await startBunWriter({
    path,
    synchronous: "NORMAL",
    autocheckpoint: 0,
    rowBytes: 3000,
    // Else the WAL grows faster than it can be scanned again and again.
    pauseMs: 1,
  });
  let lastCommitCount = 0;
  for (let turn = 0; turn < 20; turn += 1) {
    await writer.waitForMoreRows(5);
    const acknowledgedCount = writer.acknowledged.length;
    const result = await scanWalFile(host, `${path}-wal`, identityOf(`${path}-wal`));
    if (result.kind !== "scanned") throw new Error(JSON.stringify(result));
    expect(result.scan.commitCount).toBeGreaterThanOrEqual(Math.max(acknowledgedCount, lastCommitCount));
    lastCommitCount = result.scan.commitCount;
  }
  await writer.stop();
  expect(writer.errors).toEqual([]);
});

test("the file is left as it was, to the byte", async () => {
  using directory = makeTempDirectory();
  const { path, wal, identity } = largeWal(directory);
  const before = realOs.stat(path);
  await scanWalFile(host, path, identity);
  expect(realOs.stat(path)).toEqual(before);
  expect(Buffer.compare(readFileSync(path), wal)).toBe(0);
});
