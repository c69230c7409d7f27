/**
 * Whether somebody else checkpoints a WAL: the application by itself, most often, every 1,000 frames. Pure.
 *
 * A WAL starts over only after all of it was copied (wal.c, walRestartLog and walRestartHdr), and each time salt-1 goes up by
 * one. One that our last round left incomplete and that has started over since was completed by others; one that was left
 * complete has to have done so twice, for the first time may be our doing. Then all that was in it when our round ended is in
 * the database. Synced? That depends on the synchronous of whoever copied it; what is exposed says so (exposure.ts).
 *
 * Whoever was seen to do so is trusted for ten seconds more: with a short interval a round falls between two of his, and at
 * 200 commits a second the sync of a PASSIVE each second is the p99 (1.3 to 2 times that without; measured). What is known to
 * be copied stays as old as it is meanwhile.
 *
 * A PASSIVE beside such an application helps nobody: its own checkpoint finds the lock taken, so its WAL grows past its
 * limit, and each commit tries again until ours has ended (commits per second 0.65 of those without, p99 3.8; measured).
 */
import type { Observation } from "../domain/observation.ts";
import type { WalAtEnd } from "./checkpointHistory.ts";
import { fileBytes, isShort, type View } from "./checkpointView.ts";
import { isRecent } from "./recent.ts";
import { walStateOf } from "./walState.ts";

export const othersKeepUp =
  "checkpoints of others keep up: they have made the WAL start over since the last round, or were seen to have done so less than ten seconds ago";

const trustedMs = 10_000;
/** A round further from the one before costs nothing that could be felt, and who checkpoints may have changed since. */
const roundsApartMaxMs = 30_000;

/** One that was deleted and made anew begins at random. */
const restartCountMax = 1_000_000;

/**
 * Where a round of the schedule is for others to do: the application goes on, and its WAL is short.
 *
 * @returns until when all that was committed is known to be in the database, wall clock; null: our round is needed.
 */
export function copiedByOthersUntilMs(view: View): number | null {
  const { observation, state, config } = view;
  const { atEnd, last, lastSuccessAtMs, othersSeenAtMs } = state.checkpoint;
  if (!isShort(view) || view.idle || atEnd === null || last?.outcome === "failed") return null;
  // Larger than that it was held up once, and is shortened by a round of ours.
  if (fileBytes(observation) > config.checkpoint.sizeTargetBytes) return null;
  if (observation.observedAtMs - atEnd.seenAtMs > roundsApartMaxMs) return null;
  if (haveOthersCopied(atEnd, observation)) return atEnd.seenAtMs;
  const areTrusted = othersSeenAtMs !== null && isRecent(othersSeenAtMs, observation.observedAtMs, trustedMs);
  return areTrusted ? lastSuccessAtMs : null;
}

/** All that was in the WAL when our round ended. */
export function haveOthersCopied(atEnd: WalAtEnd, observation: Observation): boolean {
  return restartCount(atEnd, observation) >= (atEnd.isComplete ? 2 : 1);
}

function restartCount({ salt1 }: WalAtEnd, { walHeader }: Observation): number {
  if (walHeader?.kind !== "header") return 0;
  const count = (walHeader.header.salt1 - salt1) >>> 0;
  return count <= restartCountMax ? count : 0;
}

/** The WAL as an ended round leaves it. Null: there is none, or it cannot be told. */
export function walAtEnd(observation: Observation): WalAtEnd | null {
  const wal = walStateOf(observation);
  const { walHeader, observedAtMs: seenAtMs } = observation;
  if (wal.kind !== "known" || walHeader?.kind !== "header") return null;
  return { seenAtMs, salt1: walHeader.header.salt1, isComplete: wal.mxFrame === wal.nBackfill };
}
