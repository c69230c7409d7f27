/**
 * Checkpoints ahead of the schedule: of a WAL that grows fast, and of one whose reader has gone. Pure.
 *
 * A WAL file that grows is slower to write than one that is used again: each sync of it commits the file system's journal
 * (commits per second 0.62 of those beside SQLite's own checkpoints; 0.80 when it starts over once a second, 1.05 at every
 * 100 ms; measured). So it is checkpointed at an eighth of its size target, which also leaves time for a round of
 * copying beside a writer that never pauses. Whoever keeps SQLite's own checkpoints (1,000 frames) does not come near that.
 *
 * A round that came to nothing is repeated when the WAL has grown by as much again, or the reader has gone who was in
 * the way; and the later, the more of them there were. Where there is no schedule there are none.
 */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { Observation } from "../domain/observation.ts";
import type { CheckpointStatus } from "../domain/status.ts";
import { glanceAboveCount } from "./glance.ts";
import type { DatabaseState } from "./state.ts";
import { type WalState, walStateOf } from "./walState.ts";

/** Of the size target. */
const earlyShare = 0.125;
/** However small the target: about a third of what SQLite's own checkpoints let it grow to. */
const earlyMinBytes = 1024 * 1024;
/** After a round that came to nothing, doubled with each more, up to the interval. */
const againMinMs = 200;
const againMaxMs = 10_000;
/** A round is followed by rest for as long as it took, and so long at least, unless the WAL has come to so many times its early size. */
const urgentTimes = 3;
const restMinMs = 150;
/** Of the size target: from here on writers are kept out until readers have gone. One reset in so many MB is plenty. */
export const drainShare = 0.5;
/** A reader that was in the way is looked after in this share of its age. */
const readerLookShare = 0.1;
const readerLookMinMs = 50;
/** The samples of a WAL come at this distance. */
export const sampleEveryMs = 250;
/** Of very many databases only those are sampled more often than this whose WAL grows. */
const fleetSampleEveryMs = 1_000;
/** Of the early size, in a second: what grows slower is seen in time by the heartbeat. */
const growingShare = 0.125;
const sampleMinMs = 10;
/** While a checkpoint of a WAL that grows fast is at work: so that the next sample comes right after it. */
const sampleSoonMs = 25;

export function earlyBytes({ checkpoint }: DatabaseConfig): number {
  return Math.max(earlyMinBytes, checkpoint.sizeTargetBytes * earlyShare);
}

/** What the last rounds make of a WAL of that many frames. */
type KnownWal = Pick<Extract<WalState, { readonly kind: "known" }>, "walIdentity" | "mxFrame" | "frameBytes">;

function wantsEarly(state: DatabaseState, wal: KnownWal, config: DatabaseConfig, nowMs: number): boolean {
  const bytes = wal.mxFrame * wal.frameBytes;
  if (bytes < earlyBytes(config)) return false;
  const { last, left } = state.checkpoint;
  if (last === null) return true;
  const sinceMs = elapsedMs(last, nowMs);
  if (left?.walIdentity !== wal.walIdentity)
    return bytes >= earlyBytes(config) * urgentTimes || sinceMs >= Math.max(restMinMs, last.durationMs);
  if (sinceMs < againAfterMs(roundsInVain(state, bytes, config), last.durationMs, config)) return false;
  return (wal.mxFrame - left.mxFrame) * wal.frameBytes >= earlyBytes(config);
}

/** Readers of a moment are waited for from half of the target on: rounds in vain before that are none of these attempts. */
function roundsInVain(
  { checkpoint: { last, left }, walWatch }: DatabaseState,
  walBytes: number,
  { checkpoint: { sizeTargetBytes } }: DatabaseConfig,
): number {
  const roundCount = left?.roundCount ?? 0;
  const isHeld = walWatch.heldMarks.some((mark) => mark.sinceMs <= (last?.endedAtMs ?? 0));
  return isHeld || walBytes < sizeTargetBytes * drainShare ? roundCount : Math.min(1, roundCount);
}

function againAfterMs(roundCount: number, durationMs: number, { checkpoint }: DatabaseConfig): number {
  const { schedule } = checkpoint;
  const maxMs = schedule.kind === "interval" ? Math.min(againMaxMs, schedule.intervalMs) : againMaxMs;
  return Math.min(maxMs, Math.max(againMinMs * 2 ** Math.min(roundCount - 1, 10), 2 * durationMs));
}

/** One that ended later than now is from before the clock was set back: long ago. */
function elapsedMs({ endedAtMs }: CheckpointStatus, nowMs: number): number {
  return nowMs < endedAtMs ? Number.POSITIVE_INFINITY : nowMs - endedAtMs;
}

/** By a whole look. */
export function isDueEarly(
  state: DatabaseState,
  observation: Observation,
  config: DatabaseConfig,
  nowMs: number,
): boolean {
  if (state.nextCheckpointAtMs === null || state.replicator !== null) return false;
  const wal = walStateOf(observation);
  if (wal.kind !== "known" || wal.mxFrame === 0) return false;
  return hasReaderGone(state, wal, config, nowMs) || wantsEarly(state, wal, config, nowMs);
}

/** What the last round was kept from copying can be copied now: whoever reads began to do so later. */
function hasReaderGone(
  state: DatabaseState,
  { walIdentity }: KnownWal,
  config: DatabaseConfig,
  nowMs: number,
): boolean {
  const { left, last } = state.checkpoint;
  if (left?.by !== "reader" || left.walIdentity !== walIdentity || last === null) return false;
  if (elapsedMs(last, nowMs) < againAfterMs(left.roundCount, last.durationMs, config)) return false;
  return state.walWatch.heldMarks.every((mark) => mark.sinceMs > last.endedAtMs);
}

/** A WAL-index as the sampler reads it, and what it grew by since the sample before. */
export interface WalSample extends KnownWal {
  readonly nBackfill: number;
  readonly atMs: number;
  readonly bytesPerMs: number;
}

/** @param earlier of the same database; null: the first one. */
export function sampleOf(
  earlier: WalSample | null,
  wal: Omit<WalSample, "atMs" | "bytesPerMs">,
  atMs: number,
): WalSample {
  const elapsedMs = earlier === null ? 0 : atMs - earlier.atMs;
  if (earlier === null || elapsedMs <= 0) return { ...wal, atMs, bytesPerMs: earlier?.bytesPerMs ?? 0 };
  const isSameWal = earlier.walIdentity === wal.walIdentity && wal.mxFrame >= earlier.mxFrame;
  // One that started over has grown at least by what is in it.
  const grownFrames = isSameWal ? wal.mxFrame - earlier.mxFrame : wal.mxFrame;
  const seenPerMs = (grownFrames * wal.frameBytes) / elapsedMs;
  return { ...wal, atMs, bytesPerMs: Math.max(seenPerMs, earlier.bytesPerMs / 2) };
}

/**
 * Until when no whole look is needed for the sake of a checkpoint; `nowMs`: one is needed now.
 *
 * @param sample null: the WAL-index cannot be sampled.
 */
export function lookNeededAtMs(
  state: DatabaseState,
  sample: WalSample | null,
  config: DatabaseConfig,
  nowMs: number,
): number {
  const { nextCheckpointAtMs, stage, run } = state;
  if (nextCheckpointAtMs === null || stage !== "ended" || run !== null) return Number.POSITIVE_INFINITY;
  const readerAtMs = readerLookAtMs(state, config, nowMs);
  if (sample === null) return readerAtMs;
  if (wantsEarly(state, sample, config, nowMs)) return nowMs;
  // What is due is not kept waiting for the next heartbeat; where nothing waits there is time.
  const dueAtMs = sample.mxFrame > sample.nBackfill ? nextCheckpointAtMs : Number.POSITIVE_INFINITY;
  const neededAtMs = Math.min(readerAtMs, dueAtMs);
  const missingBytes = earlyBytes(config) - sample.mxFrame * sample.frameBytes;
  if (missingBytes <= 0 || sample.bytesPerMs === 0) return neededAtMs;
  return Math.min(neededAtMs, nowMs + Math.max(sampleMinMs, missingBytes / sample.bytesPerMs));
}

/** For how long at most the next sample may wait. */
export function sampleWithinMs(
  sample: WalSample | null,
  config: DatabaseConfig,
  databaseCount: number,
): number {
  const isGrowing = sample !== null && sample.bytesPerMs * 1000 >= earlyBytes(config) * growingShare;
  return isGrowing ? sampleEveryMs : sampleRoundMs(databaseCount);
}

/** All have their turn so often. */
export function sampleRoundMs(databaseCount: number): number {
  return databaseCount <= glanceAboveCount ? sampleEveryMs : fleetSampleEveryMs;
}

/** When a WAL that is being checkpointed is to be sampled again. */
export function sampleAfterRunAtMs(sample: WalSample | null, config: DatabaseConfig, nowMs: number): number {
  const isFast = sample !== null && sample.bytesPerMs * 2 * sampleEveryMs >= earlyBytes(config);
  return nowMs + (isFast ? sampleSoonMs : sampleEveryMs);
}

/** A WAL of which only the size of the file is known has come to where it is checkpointed. */
export function hasOutgrown(
  earlierBytes: number | null,
  walFileBytes: number | null,
  config: DatabaseConfig,
): boolean {
  return walFileBytes !== null && walFileBytes > (earlierBytes ?? 0) && walFileBytes >= earlyBytes(config);
}

/** Locks tell when a reader goes: he is looked after the more often the shorter he has been there. */
function readerLookAtMs(state: DatabaseState, config: DatabaseConfig, nowMs: number): number {
  const { left, last } = state.checkpoint;
  if (left?.by !== "reader" || last === null) return Number.POSITIVE_INFINITY;
  const waitMs = againAfterMs(left.roundCount, last.durationMs, config) - elapsedMs(last, nowMs);
  const ageMs = nowMs - Math.min(nowMs, ...state.walWatch.heldMarks.map((mark) => mark.sinceMs));
  return nowMs + Math.max(waitMs, readerLookMinMs, ageMs * readerLookShare);
}
