/**
 * Proves that the daemon changes no byte: the application is stopped in the middle of whatever it does, and
 * the files are compared before and after the daemon has looked at them many times and was pressed to act.
 */
import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import type { Daemon } from "../../support/daemonProcess.ts";
import { waitFor } from "../../support/waitFor.ts";
import type { WatchedFolder } from "./watchedFolder.ts";

const lookedForSeconds = 0.4;

function isStopped(pid: number): boolean {
  // pid (comm) state: comm may hold spaces and parentheses (proc_pid_stat(5)).
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).startsWith("T");
}

export async function expectNoByteChanged(
  folder: WatchedFolder,
  daemon: Daemon,
  writerPid: number,
): Promise<void> {
  process.kill(writerPid, "SIGSTOP");
  try {
    await waitFor("the writer to stand still", () => isStopped(writerPid));
    const before = folder.hashes();
    await lookedFor(daemon, lookedForSeconds);
    expect(folder.hashes()).toEqual(before);
  } finally {
    process.kill(writerPid, "SIGCONT");
  }
}

/** Until the daemon's last look is this much later than the present one. */
export async function lookedFor(daemon: Daemon, seconds: number): Promise<void> {
  const lastLook = async () =>
    (await daemon.metrics()).value("sqlite_last_observation_timestamp_seconds", { database: "kv" }) ?? 0;
  const from = await waitFor("a look at the database", lastLook);
  await waitFor("more looks", async () => (await lastLook()) >= from + seconds);
}
