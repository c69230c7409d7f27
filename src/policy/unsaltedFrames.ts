/**
 * Committed frames without salts in a WAL that is in use (format/walRemains.ts says how SQLite comes to leave them): what
 * is said of them, what they do to readiness, and how such a WAL is checkpointed. Pure.
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
 *   - Where no commit lies before it recovery finds none, and changes nothing: what was copied stays as it is.
 *
 * So it is copied where TRUNCATE can follow. Otherwise a reader's end, a rest or a lock is waited for, but not for ever
 * beside one that goes on committing: a WAL that grows until the disk is full is worse, and the first commit that finds
 * all copied and no reader starts it over. Then it is copied as any other.
 */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { Observation } from "../domain/observation.ts";
import type { UnsaltedFrame, UnsaltedLoss } from "../domain/unsaltedFrame.ts";
import { isWorthDraining, tooLarge, type View, worthTruncating } from "./checkpointView.ts";
import { effectiveMode } from "./mode.ts";
import type { CheckVerdict } from "./readiness.ts";
import { whyLeftToReplicator } from "./replicator.ts";
import type { DatabaseState } from "./state.ts";

/** Longer than any rest is waited for (lockPermission.ts): who has not rested until then commits again and again. */
const waitMaxMs = 15_000;

const cause =
  "is committed and has no salts, as SQLite up to some version leaves it after ROLLBACK TO: if all processes that have the database open die, recovery ends before it";

/** What is the matter, in words; for log and readiness. */
export function describeUnsalted({ frame, hasCommitBefore, isCopied }: UnsaltedFrame): string {
  return `frame ${frame} of the WAL ${cause}, and ${consequence(hasCommitBefore, isCopied)}`;
}

function consequence(hasCommitBefore: boolean, isCopied: boolean): string {
  if (!isCopied) return "commits since may be lost, synced or not";
  return hasCommitBefore
    ? "lays older pages over those that are copied already: commits since may be lost, and the database may be malformed"
    : "commits that are not copied yet may be lost, synced or not";
}

/** What has happened, in words; for log and readiness. */
export function describeLoss({ frame, hasCommitBefore, isCopied }: UnsaltedLoss): string {
  const what = `recovery ended before frame ${frame}`;
  if (!isCopied) return `${what}: commits from there on are lost`;
  return hasCommitBefore
    ? `${what}, over pages that had been copied: commits from there on may be lost, and the database may be malformed`
    : `${what}: commits that had not been copied may be lost`;
}

export const lossAdvice =
  "check the database (PRAGMA integrity_check), compare it with a backup, upgrade the application's SQLite";

/** What ends it: the daemon where it may, else the operator. */
export function adviseUnsalted(state: DatabaseState, config: DatabaseConfig): string {
  const obstacle = whyNotOurs(state, config);
  const ours =
    obstacle === null
      ? "the daemon truncates the WAL as soon as it may take the write lock and no reader is in the way"
      : `the daemon does not reset the WAL: ${obstacle}`;
  return `${ours}; PRAGMA wal_checkpoint(TRUNCATE) in the application ends it too; upgrade its SQLite`;
}

function whyNotOurs(state: DatabaseState, config: DatabaseConfig): string | null {
  const mode = effectiveMode(config, state);
  if (mode.mode === "observe") return mode.reason === "" ? "its mode is observe" : mode.reason;
  if (config.checkpoint.schedule.kind === "off") return "its checkpoint schedule is off";
  return whyLeftToReplicator(state.replicator);
}

/** The readiness check "wal". A loss stays until the file is another one or the daemon starts again (walDamage.ts). */
export function walCheck(state: DatabaseState, config: DatabaseConfig): CheckVerdict {
  const { unsaltedFrame, unsaltedLoss } = state;
  const said = [
    ...(unsaltedLoss === null ? [] : [`${describeLoss(unsaltedLoss)}. What to do: ${lossAdvice}`]),
    ...(unsaltedFrame === null
      ? []
      : [`${describeUnsalted(unsaltedFrame)}. What to do: ${adviseUnsalted(state, config)}`]),
  ];
  return { name: "wal", state: said.length === 0 ? "ok" : "degraded", reason: said.join("; ") };
}

export interface ResetWaits {
  readonly reason: string;
  readonly forReaders: boolean;
}

/** Why a WAL with such a frame is not copied now; null: it may be, or there is none. */
export function whyResetWaits(view: View): ResetWaits | null {
  const { state, wal, permission, observation } = view;
  const { unsaltedFrame } = state;
  if (unsaltedFrame === null || wal.kind !== "known") return null;
  if (unsaltedFrame.isCopied || !unsaltedFrame.hasCommitBefore || tooLarge(view)) return null;
  // Where nobody commits it does not grow, and nobody would start it over.
  if (!view.idle && observation.observedAtMs - unsaltedFrame.sinceMs >= waitMaxMs) return null;
  const waits = (why: string, forReaders = false): ResetWaits => {
    const reason = `frame ${unsaltedFrame.frame} of the WAL has no salts: copied and not reset it would do harm, and ${why}`;
    return { reason, forReaders };
  };
  if (isReadFrom(observation) && !isWorthDraining(view))
    return waits("readers are in the way of a reset", true);
  if (worthTruncating(view)) return null;
  const why = permission.kind === "none" ? permission.reason : "its file is not to be shortened now";
  return view.idle || permission.kind === "none" ? waits(why) : null;
}

/** Not seen counts as read. Who reads the database alone (mark 0) keeps no WAL from being reset. */
export function isReadFrom({ locks }: Observation): boolean {
  if (locks.kind !== "seen") return true;
  const isOfWal = (mark: number): boolean => mark > 0;
  return locks.readers.some(({ mark }) => isOfWal(mark)) || locks.hidden?.readerMarks.some(isOfWal) === true;
}
