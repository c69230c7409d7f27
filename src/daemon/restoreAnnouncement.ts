/** An operator announces that a database will be restored: it is on disk before the answer is given. */
import type { RestoreAnnouncement } from "../domain/ledger.ts";
import type { WatchContext } from "./watchContext.ts";

/** Long enough to copy a large backup, short enough that what happens tomorrow is not taken for the restore. */
const restoreWindowMs = 3_600_000;

/** @returns why it could not be noted, as a sentence */
export async function announceRestore(
  context: WatchContext,
  name: string,
  path: string,
): Promise<RestoreAnnouncement | string> {
  const windowEndsAtMs = context.clock.nowMs() + restoreWindowMs;
  const written = await context.ledger.announceRestore(path, windowEndsAtMs);
  if (written === "unknown")
    return `the ledger has no entry for ${path} yet: it gets one when the database has been looked at`;
  if (!written.ok)
    return `the ledger cannot be written: ${written.operation} of ${written.path}: ${written.code}`;
  context.events.restoreAnnounced(name, { windowEndsAtMs });
  return { database: name, windowEndsAtMs };
}
