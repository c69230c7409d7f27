/**
 * `npm run bench:integrity [-- --json FILE] [--runs N] [--directory DIR] [--megabytes N]`: integrity_check and
 * foreign_key_check of one gigabyte, in eight tables and in one, by the daemon's own parts and workers against the sqlite3
 * command line tool. In turn, on a warm page cache; the ratio of each pair, their median; same verdict.
 */
import { Database } from "bun:sqlite";
import { spawnSync } from "node:child_process";
import { rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runCheck } from "../../src/daemon/checkRun.ts";
import { standardSizes } from "../../src/policy/integrityParts.ts";
import { verdictOf } from "../../src/policy/integrityVerdict.ts";
import { makePool, profile, targetOf } from "../integration/worker/harness.ts";
import { makeTempDirectory } from "../support/tempDirectory.ts";
import { describeMachine, machineContext } from "./machine.ts";
import { median } from "./statistics.ts";

export interface IntegrityFigure {
  readonly tableCount: number;
  readonly check: "integrity_check" | "quick_check";
  readonly fileBytes: number;
  readonly commandLineMs: readonly number[];
  readonly ownMs: readonly number[];
  /** Own time / the tool's, of each pair. */
  readonly ratios: readonly number[];
  readonly ratioMedian: number;
  readonly sameVerdict: boolean;
}

export interface IntegrityBenchOptions {
  readonly directory: string;
  readonly megabytes: number;
  readonly runs: number;
  readonly workerCount: number;
}

const rowBytes = 360;
const rowsPerStatement = 20_000;

/** Rows of 300 bytes and an index of random text, the worst order for an index. */
function makeLarge(path: string, tableCount: number, megabytes: number): void {
  const database = new Database(path, { readwrite: true, create: true });
  database.exec("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -400000");
  const rowCount = Math.ceil((megabytes * 2 ** 20) / rowBytes / tableCount);
  for (let table = 0; table < tableCount; table += 1) {
    database.exec(`CREATE TABLE t${table}(id INTEGER PRIMARY KEY, a TEXT, body TEXT, n INTEGER);
      CREATE INDEX i${table} ON t${table}(a)`);
    const insert = database.prepare(
      `WITH RECURSIVE s(v) AS (SELECT ?1 UNION ALL SELECT v + 1 FROM s WHERE v < ?2)
       INSERT INTO t${table} SELECT v, hex(randomblob(16)), hex(randomblob(120)), v FROM s`,
    );
    for (let from = 1; from <= rowCount; from += rowsPerStatement)
      insert.run(from, Math.min(rowCount, from + rowsPerStatement - 1));
    insert.finalize();
  }
  database.exec("PRAGMA journal_mode = WAL");
  database.close(true);
}

function byCommandLine(path: string, check: IntegrityFigure["check"]): { ms: number; ok: boolean } {
  const sql =
    check === "quick_check" ? "PRAGMA quick_check" : "PRAGMA integrity_check; PRAGMA foreign_key_check";
  const beganMs = performance.now();
  const { stdout, error } = spawnSync("sqlite3", [path, sql], { encoding: "utf8" });
  if (error !== undefined) throw error;
  return { ms: performance.now() - beganMs, ok: stdout.trim() === "ok" };
}

async function byOwnWorkers(path: string, check: IntegrityFigure["check"], workerCount: number) {
  await using test = makePool({ longWorkerCount: workerCount });
  const beganMs = performance.now();
  const outcome = await runCheck({
    run: test.pool.run,
    target: targetOf(path),
    profile,
    check,
    findingsMax: 100,
    deadlineMs: 3_600_000,
    lane: "long",
    workerCount,
    sizes: standardSizes,
    fileBytes: statSync(path).size,
    signal: new AbortController().signal,
    nowMs: () => performance.now(),
    onTally: () => {},
    beforePart: () => Promise.resolve(),
  });
  return { ms: performance.now() - beganMs, ok: outcome.ok && verdictOf(outcome) === "ok" };
}

async function measure(
  path: string,
  tableCount: number,
  check: IntegrityFigure["check"],
  { runs, workerCount }: IntegrityBenchOptions,
): Promise<IntegrityFigure> {
  const pairs: { readonly tool: { ms: number; ok: boolean }; readonly own: { ms: number; ok: boolean } }[] =
    [];
  for (let run = 0; run < runs; run += 1) {
    // Which one comes first changes, so that a drift of the machine favours neither.
    if (run % 2 === 0) {
      const tool = byCommandLine(path, check);
      pairs.push({ tool, own: await byOwnWorkers(path, check, workerCount) });
    } else {
      const own = await byOwnWorkers(path, check, workerCount);
      pairs.push({ tool: byCommandLine(path, check), own });
    }
  }
  const ratios = pairs.map(({ tool, own }) => own.ms / tool.ms);
  return {
    tableCount,
    check,
    fileBytes: statSync(path).size,
    commandLineMs: pairs.map(({ tool }) => Math.round(tool.ms)),
    ownMs: pairs.map(({ own }) => Math.round(own.ms)),
    ratios,
    ratioMedian: median(ratios),
    sameVerdict: pairs.every(({ tool, own }) => tool.ok && own.ok),
  };
}

/** Eight tables, then one; each file is removed before the next is made. */
export async function measureIntegrity(options: IntegrityBenchOptions): Promise<readonly IntegrityFigure[]> {
  const figures: IntegrityFigure[] = [];
  for (const tableCount of [8, 1]) {
    const path = join(options.directory, `tables-${tableCount}.db`);
    makeLarge(path, tableCount, options.megabytes);
    // Warms the page cache, as it is beside an application at work.
    await byOwnWorkers(path, "quick_check", 1);
    for (const check of ["integrity_check", "quick_check"] as const)
      figures.push(await measure(path, tableCount, check, options));
    for (const suffix of ["", "-wal", "-shm"]) rmSync(path + suffix, { force: true });
  }
  return figures;
}

function line(figure: IntegrityFigure): string {
  const { tableCount, check, fileBytes, commandLineMs, ownMs, ratioMedian, ratios, sameVerdict } = figure;
  const bar = check === "quick_check" ? "" : `; bar: at most ${tableCount === 1 ? 0.7 : 0.5}`;
  return (
    `${check}, ${(fileBytes / 2 ** 30).toFixed(2)} GiB, ${tableCount} ${tableCount === 1 ? "table" : "tables"}: ` +
    `sqlite3 ${median(commandLineMs)} ms, own ${median(ownMs)} ms, ratio ${ratioMedian.toFixed(2)} ` +
    `(median of ${ratios.map((ratio) => ratio.toFixed(2)).join(", ")}${bar}), ${sameVerdict ? "same verdict" : "VERDICTS DIFFER"}`
  );
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      json: { type: "string" },
      runs: { type: "string" },
      directory: { type: "string" },
      megabytes: { type: "string" },
    },
  });
  using temporary = makeTempDirectory();
  const directory = values.directory ?? temporary.path;
  const machine = machineContext(directory);
  const workerCount = 2;
  const figures = await measureIntegrity({
    directory,
    megabytes: Number(values.megabytes ?? 1024),
    runs: Number(values.runs ?? 3),
    workerCount,
  });
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify({ machine, workerCount, figures }, null, 2)}\n`);
  process.stdout.write(`${[describeMachine(machine), ...figures.map(line)].join("\n")}\n`);
}
