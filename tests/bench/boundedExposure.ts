/**
 * `npm run bench:bounded-exposure [-- --json FILE] [--pairs N]`: what bounded exposure costs the application whose
 * commits are synced for it. A writer with synchronous NORMAL commits without a pause beside a daemon that bounds its
 * exposure to 1 s, and beside one that does not, in turn; the ratio of each pair, their median.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { spawnProcess } from "../support/childProcess.ts";
import { startDaemon } from "../support/daemonProcess.ts";
import { makeTempDirectory, type TempDirectory } from "../support/tempDirectory.ts";
import { withDeadline } from "../support/waitFor.ts";
import { describeMachine, machineContext } from "./machine.ts";
import { median } from "./statistics.ts";

const writerSeconds = 6;

interface Run {
  readonly commitsPerSecond: number;
  readonly syncCount: number;
}

async function runWriter(directory: TempDirectory, name: string, exposureMaxMs: number): Promise<Run> {
  const path = directory.file(`${name}.db`);
  const stateDirectory = directory.file(`${name}.state`);
  await using daemon = await startDaemon({
    stateDirectory,
    workingDirectory: directory.path,
    environment: {
      KVDB_SQLITE_FILE: path,
      NODE_ENV: "development",
      WALWARDEN_EXPOSURE_MAX_MS: String(exposureMaxMs),
    },
  });
  await daemon.waitForLog("startup of every database ended");
  await using writer = spawnProcess({
    command: [
      process.execPath,
      "--no-env-file",
      join(import.meta.dir, "countingWriter.ts"),
      path,
      "NORMAL",
      String(writerSeconds),
    ],
  });
  const code = await withDeadline("the writer", writer.exited, writerSeconds * 10_000);
  if (code !== 0) throw new Error(`the writer ended with ${code}: ${writer.stderr()}`);
  const metrics = await daemon.metrics();
  return {
    commitsPerSecond: Number(writer.lines.at(-1)) / writerSeconds,
    syncCount: metrics.sum("sqlite_wal_syncs_total", { outcome: "ok" }),
  };
}

const { values } = parseArgs({ options: { json: { type: "string" }, pairs: { type: "string" } } });
using directory = makeTempDirectory();
const machine = machineContext(directory.path);
const pairs: { readonly bounded: Run; readonly unbounded: Run }[] = [];
for (let pair = 1; pair <= Number(values.pairs ?? 7); pair += 1) {
  // Which one comes first changes, so that a drift of the machine favours neither.
  const boundedFirst = pair % 2 === 0;
  const first = await runWriter(directory, `first-${pair}`, boundedFirst ? 1_000 : 0);
  const second = await runWriter(directory, `second-${pair}`, boundedFirst ? 0 : 1_000);
  pairs.push(boundedFirst ? { bounded: first, unbounded: second } : { bounded: second, unbounded: first });
}
const ratios = pairs.map(({ bounded, unbounded }) => bounded.commitsPerSecond / unbounded.commitsPerSecond);
const result = {
  machine,
  boundedCommitsPerSecond: Math.round(median(pairs.map(({ bounded }) => bounded.commitsPerSecond))),
  unboundedCommitsPerSecond: Math.round(median(pairs.map(({ unbounded }) => unbounded.commitsPerSecond))),
  ratioMedian: median(ratios),
  ratios,
  syncCounts: pairs.map(({ bounded }) => bounded.syncCount),
};
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
process.stdout.write(
  [
    describeMachine(machine),
    `bounded to 1 s  ${result.boundedCommitsPerSecond} commits a second (${result.syncCounts.join(", ")} syncs)`,
    `not bounded     ${result.unboundedCommitsPerSecond} commits a second`,
    `ratio           ${result.ratioMedian.toFixed(2)} (median of ${ratios.map((ratio) => ratio.toFixed(2)).join(", ")}; bar: at least 0.9)`,
    "",
  ].join("\n"),
);
