/**
 * `npm run demo [-- --seconds N]`: the daemon with development settings beside a writer of about 50 commits a
 * second, in .walwarden/demo, and every two seconds a line of numbers from /metrics. Ends on Ctrl-C.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Daemon, startDaemon } from "./daemonProcess.ts";
import type { MetricsRead } from "./metricsText.ts";
import { checkoutPath } from "./sourceFiles.ts";
import { withDeadline } from "./waitFor.ts";
import { startBunWriter } from "./writers/startBunWriter.ts";

const writerPauseMs = 20;
const lineIntervalMs = 2_000;
const checkpointIntervalMs = 3_000;
const signalGraceMs = 200;

function numbersLine(metrics: MetricsRead, acknowledgedCount: number): string {
  const number = (name: string) => String(metrics.value(name) ?? "unknown");
  const outcomes = ["reset", "truncated", "complete", "incomplete", "failed", "skipped"]
    .map((outcome) => ({ outcome, count: metrics.sum("sqlite_wal_checkpoints_total", { outcome }) }))
    .filter(({ count }) => count > 0)
    .map(({ outcome, count }) => `${count} ${outcome}`)
    .join(", ");
  return [
    `commits ${acknowledgedCount}`,
    `WAL file ${number("sqlite_wal_file_size_bytes")} bytes`,
    `frames ${number("sqlite_wal_frames")}`,
    `backfilled ${number("sqlite_wal_backfilled_frames")}`,
    `checkpoints ${outcomes === "" ? "none yet" : outcomes}`,
  ].join("   ");
}

/** Resolves after that time, or at once when the demo is being ended. */
function pause(durationMs: number, ending: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (ending.aborted) return resolve();
    const timer = setTimeout(resolve, durationMs);
    ending.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/**
 * A terminal's Ctrl-C reaches the daemon as well, and a second signal would end it at once: so one is sent
 * only if the daemon is not stopping already.
 */
async function endDaemon(daemon: Daemon): Promise<number> {
  const stopping = () => daemon.log.some((line) => line.msg === "daemon stopping");
  const graceEndMs = performance.now() + signalGraceMs;
  while (!stopping() && performance.now() < graceEndMs) await Bun.sleep(10);
  return stopping()
    ? await withDeadline("the daemon to stop", daemon.process.exited, 15_000)
    : await daemon.stop();
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { seconds: { type: "string" } } });
  const seconds = values.seconds === undefined ? Number.POSITIVE_INFINITY : Number(values.seconds);
  if (!(seconds > 0)) throw new Error(`--seconds is ${values.seconds}, accepted: a positive number`);
  const directory = join(checkoutPath, ".walwarden/demo");
  mkdirSync(directory, { recursive: true });
  const path = join(directory, "demo.db");

  const ending = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => ending.abort());
  await using daemon = await startDaemon({
    stateDirectory: directory,
    environment: {
      NODE_ENV: "development",
      KVDB_SQLITE_FILE: path,
      KVDB_SQLITE_WAL_CHECKPOINT_INTERVAL_MS: String(checkpointIntervalMs),
      KVDB_SQLITE_BUSY_TIMEOUT_MS: "10000",
    },
  });
  // A new file each time would hide what a restart does; so the rows go on where the last demo ended.
  await using writer = await startBunWriter({
    path,
    busyTimeoutMs: 10_000,
    autocheckpoint: 0,
    pauseMs: writerPauseMs,
    firstRow: Date.now(),
  });
  console.log(`daemon ${daemon.pid} and writer ${writer.pid} at work on ${path}; Ctrl-C ends both`);
  console.log(`  ${daemon.url}/health/ready?verbose`);
  console.log(`  ${daemon.url}/metrics`);

  const endAtMs = performance.now() + seconds * 1000;
  while (!ending.signal.aborted && performance.now() < endAtMs) {
    await pause(Math.min(lineIntervalMs, endAtMs - performance.now()), ending.signal);
    // Ctrl-C reaches the whole process group, so the daemon may already be on its way out.
    if (!ending.signal.aborted) console.log(numbersLine(await daemon.metrics(), writer.acknowledged.length));
  }
  await writer.stop();
  const code = await endDaemon(daemon);
  console.log(`ended: ${writer.acknowledged.length} commits, daemon exit status ${code}`);
}

await main();
