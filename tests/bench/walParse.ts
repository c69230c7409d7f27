/**
 * `npm run bench:wal-parse [-- --megabytes N] [--json FILE]`: how fast a WAL of 1 GB is scanned, checksums included, and
 * in how much memory. Real SQLite writes the WAL; another process scans it, as the daemon does (observe/walFileScan.ts).
 * Runs of the scan, of reading alone and of the checksum alone are interleaved, so that a slow moment of the machine
 * hits all of them alike.
 */
import { Database } from "bun:sqlite";
import { statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { parseArgs } from "node:util";
import { addToWalChecksum, newWalChecksum } from "../../src/format/walChecksum.ts";
import { realClock } from "../../src/host/clock.ts";
import { type Os, realOs } from "../../src/host/os.ts";
import { scanWalFile } from "../../src/observe/walFileScan.ts";
import { makeTempDirectory } from "../support/tempDirectory.ts";
import { describeMachine, machineContext } from "./machine.ts";
import { residentBytes } from "./processUsage.ts";
import { median } from "./statistics.ts";

const blobBytes = 256 * 1024;
const pieceBytes = 256 * 1024;

/** What the scanning process says. */
interface Runs {
  readonly frameCount: number;
  readonly commitCount: number;
  readonly scanMs: readonly number[];
  readonly readMs: readonly number[];
  readonly checksumMs: readonly number[];
  /** Resident memory at its highest while the file is scanned, over what it was before. */
  readonly grownBytes: number;
  /** The longest time that a scan kept the event loop from everything else. */
  readonly longestSliceMs: number;
}

/** Commits of a quarter megabyte until the WAL has the size; the connection stays open, so that the WAL stays. */
function writeWal(path: string, sizeBytes: number, pageSizeBytes: number): Database {
  const database = new Database(path);
  database.exec(`PRAGMA page_size = ${pageSizeBytes}`);
  database.exec("PRAGMA journal_mode = WAL");
  database.exec("PRAGMA synchronous = OFF");
  database.exec("PRAGMA wal_autocheckpoint = 0");
  database.exec("CREATE TABLE kv(key INTEGER PRIMARY KEY, value BLOB)");
  const insert = database.prepare("INSERT INTO kv(value) VALUES (randomblob(?))");
  while (statSync(`${path}-wal`).size < sizeBytes) insert.run(blobBytes);
  insert.finalize();
  return database;
}

function elapsedMs(work: () => void): number {
  const startedAtMs = performance.now();
  work();
  return performance.now() - startedAtMs;
}

function readAll(path: string, piece: Uint8Array): void {
  const descriptor = realOs.open(path);
  for (let position = 0; ; ) {
    const readBytes = realOs.read(descriptor, piece, position);
    if (readBytes === 0) break;
    position += readBytes;
  }
  realOs.close(descriptor);
}

function sumAll(piece: Uint8Array, byteCount: number): void {
  const sums = newWalChecksum();
  const view = new DataView(piece.buffer);
  for (let done = 0; done < byteCount; done += pieceBytes) addToWalChecksum(sums, view, 0, pieceBytes, true);
}

/** Takes a turn whenever it gets one. `stop` gives the longest time that it had to wait for it. */
function watchEventLoop(): { stop(): number } {
  let longestMs = 0;
  let lastTurnAtMs = performance.now();
  let isStopped = false;
  const turn = () => {
    const nowMs = performance.now();
    longestMs = Math.max(longestMs, nowMs - lastTurnAtMs);
    lastTurnAtMs = nowMs;
    if (!isStopped) setImmediate(turn);
  };
  setImmediate(turn);
  return {
    stop() {
      isStopped = true;
      return longestMs;
    },
  };
}

async function measure(path: string, roundCount: number): Promise<Runs> {
  const identity = realOs.stat(path)?.identity ?? "";
  const sizeBytes = realOs.stat(path)?.sizeBytes ?? 0;
  const piece = crypto.getRandomValues(new Uint8Array(65536));
  const large = new Uint8Array(pieceBytes);
  for (let offset = 0; offset < pieceBytes; offset += piece.byteLength) large.set(piece, offset);

  const restBytes = residentBytes(process.pid);
  let peakBytes = restBytes;
  const os: Os = {
    ...realOs,
    read(descriptor, buffer, positionBytes) {
      if (positionBytes % (16 * 2 ** 20) < pieceBytes)
        peakBytes = Math.max(peakBytes, residentBytes(process.pid));
      return realOs.read(descriptor, buffer, positionBytes);
    },
  };
  const host = { os: realOs, clock: realClock };
  const watch = watchEventLoop();
  const first = await scanWalFile({ os, clock: realClock }, path, identity);
  const longestSliceMs = watch.stop();
  if (first.kind !== "scanned") throw new Error(`not scanned: ${JSON.stringify(first)}`);

  const scanMs: number[] = [];
  const readMs: number[] = [];
  const checksumMs: number[] = [];
  for (let round = 0; round < roundCount; round += 1) {
    const startedAtMs = performance.now();
    await scanWalFile(host, path, identity);
    scanMs.push(performance.now() - startedAtMs);
    checksumMs.push(elapsedMs(() => sumAll(large, sizeBytes)));
    readMs.push(elapsedMs(() => readAll(path, large)));
  }
  return {
    frameCount: first.scan.validFrameCount,
    commitCount: first.scan.commitCount,
    scanMs,
    readMs,
    checksumMs,
    grownBytes: peakBytes - restBytes,
    longestSliceMs,
  };
}

async function measureInChild(path: string, roundCount: number): Promise<Runs> {
  const command = [process.execPath, "--no-env-file", import.meta.path];
  const child = Bun.spawn([...command, "--scan", path, "--rounds", String(roundCount)], {
    stdout: "pipe",
    stderr: "inherit",
  });
  const text = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error("the scanning process failed");
  return JSON.parse(text) as Runs;
}

const { values: options } = parseArgs({
  options: {
    megabytes: { type: "string", default: "1000" },
    rounds: { type: "string", default: "5" },
    scan: { type: "string" },
    json: { type: "string" },
  },
});

async function main(): Promise<void> {
  const roundCount = Number(options.rounds);
  if (options.scan !== undefined) {
    process.stdout.write(JSON.stringify(await measure(options.scan, roundCount)));
    return;
  }
  console.log(describeMachine(machineContext(tmpdir())));
  const rows: unknown[] = [];
  for (const pageSizeBytes of [512, 4096, 65536]) {
    using directory = makeTempDirectory();
    const path = directory.file(`page${pageSizeBytes}.db`);
    const database = writeWal(path, Number(options.megabytes) * 1e6, pageSizeBytes);
    try {
      const sizeBytes = statSync(`${path}-wal`).size;
      const runs = await measureInChild(`${path}-wal`, roundCount);
      const speed = (runsMs: readonly number[]) => (sizeBytes / 1e3 / median(runsMs)).toFixed(0);
      const ratio = median(
        runs.scanMs.map((scanMs, round) => (runs.checksumMs[round] ?? Number.NaN) / scanMs),
      );
      rows.push({ pageSizeBytes, sizeBytes, ...runs });
      console.log(
        `page size ${pageSizeBytes}: ${(sizeBytes / 1e6).toFixed(0)} MB, ${runs.frameCount} frames, ` +
          `${runs.commitCount} commits: scan ${speed(runs.scanMs)} MB/s, reading alone ${speed(runs.readMs)} MB/s, ` +
          `checksum alone ${speed(runs.checksumMs)} MB/s, scan/checksum ${ratio.toFixed(2)}; ` +
          `memory grows by ${(runs.grownBytes / 1e6).toFixed(1)} MB, longest slice ${runs.longestSliceMs.toFixed(1)} ms`,
      );
    } finally {
      database.close();
    }
  }
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(rows, null, 2)}\n`);
}

await main();
