/**
 * Committed frames without salts in a WAL that is in use (format/walRemains.ts says how SQLite comes to leave them): what
 * is remembered of them, what they do to readiness, and how such a WAL is checkpointed. Pure.
 *
 * By SQLite src/wal.c:
 *
 *   - A checkpoint of them is right. walCheckpoint() takes from the hash tables of the WAL-index which frame holds a page,
 *     and reads its page behind the frame's header; salts and checksums are looked at by walIndexRecover() alone. So what
 *     every connection reads is what is copied, and once the WAL is reset the commits are as durable as any.
 *   - A checkpoint without a reset makes it worse. If all processes die then, recovery takes the frames before the first
 *     without salts, and lays their older pages over the newer ones that were copied: instead of an older database there is
 *     a malformed one (tests/crash/unsaltedFrames.test.ts). Part of the WAL, or all of it, is the same.
 *   - RESTART leaves the old header in the file until the next commit. Only TRUNCATE ends it at once, or a commit that
 *     starts the WAL over. A power cut can bring back a file that was shortened and not synced, so that is synced.
 *
 * So it is copied only where TRUNCATE can follow, or where an application goes on committing: the first commit that
 * finds all copied and no reader starts the WAL over. Otherwise nothing is copied, and a reader's end, a rest or a lock is
 * waited for. What others have copied beyond the first such frame is no reason to wait any more.
 */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { Observation } from "../domain/observation.ts";
import type { UnsaltedFrame } from "../domain/unsaltedFrame.ts";
import { isWorthDraining, type View, worthTruncating } from "./checkpointView.ts";
import { effectiveMode } from "./mode.ts";
import type { CheckVerdict } from "./readiness.ts";
import { whyLeftToReplicator } from "./replicator.ts";
import type { DatabaseState } from "./state.ts";
import { isWal, walStateOf } from "./walState.ts";

/** Longer than any rest is waited for (lockPermission.ts): who has not rested until then commits again and again. */
const restWaitMs = 15_000;

/** @returns what stands after this look; a WAL that cannot be judged now changes nothing. */
export function standingUnsalted(
  unsalted: UnsaltedFrame | null,
  observation: Observation,
): UnsaltedFrame | null {
  if (unsalted === null) return null;
  if (observation.header?.kind === "header" && !isWal(observation)) return null;
  const wal = walStateOf(observation);
  if (wal.kind === "unknown") return unsalted;
  if (wal.kind === "noWal" || wal.walIdentity !== unsalted.walIdentity) return null;
  if (wal.mxFrame < unsalted.frame) return null;
  const isCopied = unsalted.isCopied || wal.nBackfill >= unsalted.frame;
  return isCopied === unsalted.isCopied ? unsalted : { ...unsalted, isCopied };
}

const cause =
  "is committed and has no salts, as SQLite up to some version leaves it after ROLLBACK TO: if all processes that have the database open die, recovery ends before it, and commits since are lost, synced or not";

/** What is the matter, in words; for log and readiness. */
export function describeUnsalted({ frame, isCopied }: UnsaltedFrame): string {
  const mixed =
    "; pages of it are in the database already, and recovery would lay older ones over them: the database would be malformed";
  return `frame ${frame} of the WAL ${cause}${isCopied ? mixed : ""}`;
}

/** What ends it: the daemon where it may, else the operator. */
export function adviseUnsalted(state: DatabaseState, config: DatabaseConfig): string {
  const obstacle = whyNotOurs(state, config);
  const ours =
    obstacle === null
      ? "the daemon truncates the WAL as soon as it may take the write lock and no reader is in the way"
      : `the daemon does not reset the WAL: ${obstacle}`;
  return `${ours}; PRAGMA wal_checkpoint(TRUNCATE) in the application ends it too, and so does closing all its connections in order; upgrade its SQLite`;
}

function whyNotOurs(state: DatabaseState, config: DatabaseConfig): string | null {
  const mode = effectiveMode(config, state);
  if (mode.mode === "observe") return mode.reason === "" ? "its mode is observe" : mode.reason;
  if (config.checkpoint.schedule.kind === "off") return "its checkpoint schedule is off";
  return whyLeftToReplicator(state.replicator);
}

/** The readiness check "wal". */
export function walCheck(state: DatabaseState, config: DatabaseConfig): CheckVerdict {
  const { unsaltedFrame } = state;
  if (unsaltedFrame === null) return { name: "wal", state: "ok", reason: "" };
  const reason = `${describeUnsalted(unsaltedFrame)}. What to do: ${adviseUnsalted(state, config)}`;
  return { name: "wal", state: "degraded", reason };
}

export interface ResetWaits {
  readonly reason: string;
  readonly forReaders: boolean;
}

/** Why a WAL with such a frame is not copied now; null: it may be, or there is none. */
export function whyResetWaits(view: View): ResetWaits | null {
  const { state, wal, permission, observation } = view;
  const { unsaltedFrame } = state;
  if (unsaltedFrame === null || wal.kind !== "known" || unsaltedFrame.isCopied) return null;
  const waits = (why: string, forReaders = false): ResetWaits => {
    const reason = `frame ${unsaltedFrame.frame} of the WAL has no salts: copied and not reset it would do harm, and ${why}`;
    return { reason, forReaders };
  };
  if (isReadFrom(observation) && !isWorthDraining(view))
    return waits("readers are in the way of a reset", true);
  if (worthTruncating(view)) return null;
  const why = permission.kind === "none" ? permission.reason : "its file is not to be shortened now";
  // Nobody commits who would start it over.
  if (view.idle) return waits(why);
  const isWaitedFor = observation.observedAtMs - unsaltedFrame.sinceMs < restWaitMs;
  return permission.kind === "none" && isWaitedFor ? waits(why) : null;
}

/** Beside an SQLite with the WAL-reset bug TRUNCATE is all there is, whatever the others do meanwhile. */
export function whyGuardedResetWaits(view: View): ResetWaits | null {
  const waits = whyResetWaits(view);
  return waits?.forReaders === true ? waits : null;
}

/** Not seen counts as read. */
export function isReadFrom({ locks }: Observation): boolean {
  if (locks.kind !== "seen") return true;
  return locks.readers.length > 0 || (locks.hidden?.readerMarks.length ?? 0) > 0;
}
