/**
 * No false alarm: whatever applications do to one database, and at whatever moment they are cut off, the WAL that lies
 * there is never taken for another database's. Processes of several SQLite versions work at random; they are all
 * stopped at random moments, which is what a crash leaves, and what lies there is judged.
 */
import { expect, test } from "bun:test";
import { readFileSync, rmSync } from "node:fs";
import { parseDatabaseHeader } from "../../src/format/databaseHeader.ts";
import { parseWalHeader } from "../../src/format/walHeader.ts";
import type { WalScan } from "../../src/format/walScan.ts";
import { realClock } from "../../src/host/clock.ts";
import { realOs } from "../../src/host/os.ts";
import { lookForStrayPages } from "../../src/observe/strayPages.ts";
import { noteHeaderHistory } from "../../src/policy/headerHistory.ts";
import { lineageOf, residueFingerprint } from "../../src/policy/residueScan.ts";
import type { DatabaseState } from "../../src/policy/state.ts";
import { noteHeaderBesideWal } from "../../src/policy/strangeWal.ts";
import { freshState, nowMs, observation, regularFile } from "../support/builders.ts";
import { spawnProcess, type TestProcess } from "../support/childProcess.ts";
import { scanWal } from "../support/scanWal.ts";
import { makeTempDirectory } from "../support/tempDirectory.ts";
import { waitFor } from "../support/waitFor.ts";
import { firstStatements, randomScript, reopen } from "./lineageWorkload.ts";
import { type SeededRandom, seededRandom } from "./seededRandom.ts";

const seed = Number(process.env.LINEAGE_SEED ?? 20_261_121);
const stateCountMin = Number(process.env.LINEAGE_STATES ?? 1_500);
const statesPerDatabase = 150;

const pythonWriter = `
import sqlite3, sys
def connect(): return sqlite3.connect(sys.argv[1], timeout=0.2, isolation_level=None)
connection = connect()
for line in sys.stdin:
    try:
        if line.strip() == "${reopen}":
            connection.close()
            connection = connect()
        else: connection.execute(line).fetchall()
    except sqlite3.Error: pass
`;

type Engine = "bun" | "sqlite3" | "python3";
const engines = (["bun", "sqlite3", "python3"] as const).filter(
  (engine) => engine === "bun" || Bun.which(engine) !== null,
);

function startWriter(engine: Engine, path: string, lines: readonly string[]): TestProcess {
  const main = new URL("./lineageWriterMain.ts", import.meta.url).pathname;
  const commands: Record<Engine, readonly string[]> = {
    bun: [process.execPath, "--no-env-file", main, path],
    sqlite3: ["sqlite3", path],
    python3: ["python3", "-c", pythonWriter, path],
  };
  const writer = spawnProcess({ command: commands[engine] });
  const text = (line: string): string => {
    if (engine !== "sqlite3") return line;
    return line === reopen ? `.open ${path}` : `${line};`;
  };
  writer.send(`${lines.map(text).join("\n")}\n`);
  return writer;
}

function bytesOf(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    return Buffer.alloc(0);
  }
}

/** "T" in /proc/PID/stat, or the process is gone. */
function isStopped(pid: number): boolean {
  const stat = bytesOf(`/proc/${pid}/stat`).toString();
  return stat === "" || "TZ".includes(stat.slice(stat.lastIndexOf(")") + 2)[0] ?? "T");
}

async function stopAll(writers: readonly TestProcess[]): Promise<void> {
  for (const writer of writers) writer.signal("SIGSTOP");
  await waitFor("all to be stopped", () => writers.every(({ pid }) => isStopped(pid)), { intervalMs: 1 });
}

interface Found {
  readonly header: Buffer;
  readonly databaseBytes: number;
  readonly wal: Buffer;
  readonly journalBytes: number;
}

function found(path: string): Found {
  const database = bytesOf(path);
  return {
    header: database.subarray(0, 100),
    databaseBytes: database.byteLength,
    wal: bytesOf(`${path}-wal`),
    journalBytes: bytesOf(`${path}-journal`).byteLength,
  };
}

function observationOf({ header, databaseBytes, wal, journalBytes }: Found) {
  return observation({
    database: regularFile({ sizeBytes: databaseBytes }),
    header: parseDatabaseHeader(header),
    wal: regularFile({ identity: "1:11", sizeBytes: wal.byteLength }),
    walHeader: parseWalHeader(wal.subarray(0, 32)),
    journal: journalBytes === 0 ? { kind: "absent" } : regularFile({ sizeBytes: journalBytes }),
  });
}

/** As the daemon looks, whatever goes on meanwhile. */
function look(path: string, state: DatabaseState): DatabaseState {
  return { ...state, headerBesideWal: noteHeaderBesideWal(observationOf(found(path)), state) };
}

async function judge(path: string, seen: Found, state: DatabaseState) {
  const look = observationOf(seen);
  const { header } = look;
  if (header?.kind !== "header") return null;
  const scan = scanWal(seen.wal, {
    databaseHeader: seen.header,
    filePageCount: Math.floor(seen.databaseBytes / header.header.pageSizeBytes),
  });
  const identityOf = (of: string) => realOs.lstat(of)?.identity ?? "";
  const strayPages =
    scan.header.kind === "header"
      ? await lookForStrayPages(
          { os: realOs, clock: realClock },
          {
            databasePath: path,
            databaseIdentity: identityOf(path),
            walIdentity: identityOf(`${path}-wal`),
            walHeader: scan.header.header,
            mxFrame: scan.mxFrame,
          },
        )
      : null;
  const residueLook = {
    fingerprint: residueFingerprint(look),
    lookedAtMs: nowMs,
    durationMs: 0,
    wal: { kind: "scanned", scan, sizeBytes: seen.wal.byteLength, strayPages },
    journal: { kind: "none" },
  } as const;
  return { scan, strayPages, lineage: lineageOf(look, { ...state, residueLook }) };
}

/**
 * Frames that the live WAL-index has and a recovery would not find: older versions leave such a WAL now and then. It is
 * damaged, and whatever is said of it then is no false alarm.
 */
function isDamaged(path: string, mxFrame: number, wal: Buffer): boolean {
  const shm = bytesOf(`${path}-shm`);
  if (shm.byteLength < 136 || !shm.subarray(32, 40).equals(wal.subarray(16, 24))) return false;
  return shm.readUInt32LE(16) > mxFrame;
}

/** What it takes to find out how it came to that. */
function alarmText(
  path: string,
  evidence: string,
  scan: WalScan,
  { headerBesideWal }: DatabaseState,
): string {
  const { mxFrame, pageOne, stop } = scan;
  const header = bytesOf(path).subarray(0, 100).toString("hex");
  return `${path}: ${evidence}; ${JSON.stringify({ mxFrame, pageOne, stop, header, headerBesideWal })}`;
}

interface Tally {
  readonly counts: Map<string, number>;
  readonly alarms: string[];
}

async function workOn(path: string, random: SeededRandom, tally: Tally): Promise<void> {
  const start = { pageSizeBytes: random.choice(512, 1024, 4096, 65_536), autoVacuum: random.choice(0, 1, 2) };
  const lines = () => [...firstStatements(start), ...randomScript(random, 2_000)];
  const engine = () => engines[random.integer(0, engines.length - 1)] ?? "bun";
  const writers = [startWriter(engine(), path, lines())];
  await waitFor("the first commit", () => bytesOf(path).byteLength > 0);
  while (writers.length < random.integer(1, 3)) writers.push(startWriter(engine(), path, lines()));
  let state = freshState();
  const count = (what: string) => tally.counts.set(what, (tally.counts.get(what) ?? 0) + 1);
  try {
    for (let states = 0; states < statesPerDatabase; states += 1) {
      state = look(path, state);
      await stopAll(writers);
      const seen = found(path);
      const judged = seen.journalBytes > 0 ? null : await judge(path, seen, state);
      const wasBack = state.headerHistory?.wentBackSinceMs;
      state = { ...state, headerHistory: noteHeaderHistory(state.headerHistory, observationOf(seen)) };
      if (wasBack === nowMs && state.headerHistory?.wentBackSinceMs === nowMs)
        tally.alarms.push(`${path}: the change counter went back`);
      if (judged === null || judged.lineage === null) count("not judged");
      else if (isDamaged(path, judged.scan.mxFrame, seen.wal)) count("damaged");
      else {
        count(judged.lineage.kind);
        if ((judged.strayPages?.comparedCount ?? 0) > 0) count("pages compared");
        if (state.headerBesideWal !== null && judged.scan.mxFrame > 0) count("remembered");
        if (judged.lineage.kind === "another")
          tally.alarms.push(alarmText(path, judged.lineage.evidence, judged.scan, state));
      }
      const isKilled = random.integer(0, 15) === 0;
      if (isKilled) await writers.shift()?.kill();
      if (writers.length === 0 || isKilled) writers.push(startWriter(engine(), path, lines()));
      for (const writer of writers) writer.signal("SIGCONT");
      const goneOnMs = performance.now() + random.integer(0, 4);
      await waitFor("a moment", () => performance.now() >= goneOnMs, { intervalMs: 1 });
    }
  } finally {
    await Promise.all(writers.map((writer) => writer.kill()));
  }
}

test("no state that applications leave, cut off at any moment, is taken for a WAL of another database", async () => {
  using directory = makeTempDirectory();
  console.log(`LINEAGE_SEED=${seed}`);
  const random = seededRandom(seed);
  const tally: Tally = { counts: new Map(), alarms: [] };
  for (let number = 0; number * statesPerDatabase < stateCountMin; number += 1) {
    const path = directory.file(`${number}.db`);
    await workOn(path, random, tally);
    for (const suffix of ["", "-wal", "-shm", "-journal"]) rmSync(path + suffix, { force: true });
  }
  console.log(Object.fromEntries(tally.counts));
  expect(tally.alarms).toEqual([]);
  // Most of what was looked at says something, and memory had its part in it.
  expect(tally.counts.get("fits") ?? 0).toBeGreaterThan(stateCountMin / 5);
  expect(tally.counts.get("remembered") ?? 0).toBeGreaterThan(stateCountMin / 20);
  expect(tally.counts.get("pages compared") ?? 0).toBeGreaterThan(stateCountMin / 50);
}, 120_000);
