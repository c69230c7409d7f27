/**
 * Puts on disk what another process has written into a file: open, fdatasync, close. Any process that may
 * read the file may do it, and no lock is touched in a process that holds none, so this belongs in the
 * supervisor and nowhere near SQLite (sqlite.org/howtocorrupt.html, section 2.2).
 *
 * A sync that failed is never worth a retry: the kernel has marked the pages clean, and a second call that
 * succeeds proves nothing (fsync(2), EIO).
 */
import type { Failure, Outcome, SyncResult } from "../domain/outcome.ts";
import type { Clock } from "./clock.ts";
import { errnoOf } from "./errno.ts";
import type { Os } from "./os.ts";

export interface SyncHost {
  readonly os: Os;
  readonly clock: Clock;
}

/**
 * The sync runs off the event loop.
 * @param identity "device:inode" that the path must still be; otherwise nothing is synced.
 */
export async function syncFile(host: SyncHost, path: string, identity: string): Promise<Outcome<SyncResult>> {
  const { os, clock } = host;
  const startedAtMs = clock.monotonicMs();
  let descriptor: number;
  try {
    descriptor = os.open(path);
  } catch (error) {
    return systemFailure("open", path, errnoOf(error), true);
  }
  let operation: "fstat" | "fdatasync" = "fstat";
  try {
    const stats = os.fstat(descriptor);
    if (stats.kind !== "regular" || stats.identity !== identity)
      return anotherFile(path, identity, stats.identity);
    operation = "fdatasync";
    await os.fdatasync(descriptor);
    return { ok: true, durationMs: clock.monotonicMs() - startedAtMs };
  } catch (error) {
    return systemFailure(operation, path, errnoOf(error), operation === "fstat");
  } finally {
    os.close(descriptor);
  }
}

function systemFailure(operation: string, path: string, code: string, retryable: boolean): Failure {
  const message = `${operation} of ${path} failed: ${code}`;
  return { ok: false, reason: "system", operation, path, code, message, retryable };
}

function anotherFile(path: string, wanted: string, actual: string): Failure {
  const message = `${path} is now another file: ${actual} instead of ${wanted}`;
  return {
    ok: false,
    reason: "identity",
    operation: "fdatasync",
    path,
    code: null,
    message,
    retryable: true,
  };
}
