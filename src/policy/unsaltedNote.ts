/**
 * What is remembered of committed frames without salts (unsaltedFrames.ts): the one that stands, that WALs with such frames
 * come again and again, and that a recovery has ended before one. Pure.
 *
 * How one that stands comes to its end, by SQLite src/wal.c:
 *
 *   - A WAL that starts over has other salts. RESTART changes those of the WAL-index alone and leaves the file to the
 *     next commit: until then a recovery would still read the old frames, so where there is a commit to go back to it stands.
 *   - walIndexRecover() keeps the salts of the header and goes on behind the last commit that it found. So fewer frames under
 *     the same salts, or salts where there were none, are a recovery that ended before that frame.
 */
import type { Observation } from "../domain/observation.ts";
import type { UnsaltedFrame } from "../domain/unsaltedFrame.ts";
import { doublingMs } from "./backoff.ts";
import type { DatabaseState } from "./state.ts";
import { isWal, walSalts, walStateOf } from "./walState.ts";

export type UnsaltedNotes = Pick<DatabaseState, "unsaltedFrame" | "unsaltedEpisode" | "unsaltedLoss">;

const pauseMinMs = 200;
const pauseMaxMs = 10_000;
/** None for so long, and the pause twice: it is over. */
const episodeQuietMs = 5_000;

/** Doubled with each time; none before the first. */
export function growingPauseMs(count: number): number {
  return count <= 0 ? 0 : doublingMs(count, pauseMinMs, pauseMaxMs);
}

export function noteUnsalted(notes: UnsaltedNotes, observation: Observation): UnsaltedNotes {
  const { unsaltedFrame, unsaltedEpisode, unsaltedLoss } = notes;
  const nowMs = observation.observedAtMs;
  if (unsaltedFrame === null) {
    const isOver =
      unsaltedEpisode !== null &&
      nowMs - unsaltedEpisode.endedAtMs >= episodeQuietMs + 2 * growingPauseMs(unsaltedEpisode.endCount);
    return { unsaltedFrame, unsaltedEpisode: isOver ? null : unsaltedEpisode, unsaltedLoss };
  }
  const now = standingUnsalted(unsaltedFrame, observation);
  if (now === "recovered") return notesOfLoss(unsaltedFrame, nowMs);
  if (now !== null) return { unsaltedFrame: now, unsaltedEpisode, unsaltedLoss };
  const endCount = (unsaltedEpisode?.endCount ?? 0) + 1;
  return { unsaltedFrame: null, unsaltedEpisode: { endCount, endedAtMs: nowMs }, unsaltedLoss };
}

/** A recovery ended before it: what stands in the WAL from there on was written since. */
export function notesOfLoss(unsalted: UnsaltedFrame, nowMs: number): UnsaltedNotes {
  return {
    unsaltedFrame: null,
    unsaltedEpisode: null,
    unsaltedLoss: { ...unsalted, lostAtMs: nowMs },
  };
}

/** What stands after this look; a WAL that cannot be judged now changes nothing. Null: it was reset, or is gone. */
export function standingUnsalted(
  unsalted: UnsaltedFrame,
  observation: Observation,
): UnsaltedFrame | "recovered" | null {
  if (observation.header?.kind === "header" && !isWal(observation)) return null;
  const wal = walStateOf(observation);
  if (wal.kind === "unknown") return unsalted;
  if (wal.kind === "noWal") return null;
  const isRestarted = wal.walIdentity !== unsalted.walIdentity;
  if (isRestarted) {
    const isOldInFile = wal.mxFrame === 0 && walSalts(observation) === unsalted.walIdentity;
    if (!isOldInFile || !unsalted.hasCommitBefore) return null;
  } else if (wal.mxFrame < unsalted.frame) return "recovered";
  const isCopied = unsalted.isCopied || isRestarted || wal.nBackfill >= unsalted.frame;
  return isCopied === unsalted.isCopied ? unsalted : { ...unsalted, isCopied };
}
