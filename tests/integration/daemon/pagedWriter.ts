/** A database under load for tests of who holds its WAL back, and a daemon that checkpoints it often. */
import { startBunWriter } from "../../support/writers/startBunWriter.ts";
import type { Writer } from "../../support/writers/writer.ts";

/** One page a commit, and checkpoints left to others. */
export function startPagedWriter(path: string, pauseMs: number): Promise<Writer> {
  return startBunWriter({ path, autocheckpoint: 0, busyTimeoutMs: 10_000, pauseMs, rowBytes: 3_000 });
}

/** Checkpoints often, and never takes the write lock beside a writer: its busy timeout is not declared. */
export const eagerConfig = (path: string, sizeTarget: string) => ({
  defaults: { checkpoint: { schedule: "200ms", sizeTarget }, integrity: { startup: "OFF" } },
  databases: [{ name: "kv", path }],
});

/** For a verdict to settle, on a machine that has other things to do. */
export const longWait = { deadlineMs: 40_000, intervalMs: 50 };
export const pinTimeoutMs = 90_000;
/** As the processes of the tests are seen. */
export const ownUser = Bun.spawnSync(["id", "-un"]).stdout.toString().trim();
