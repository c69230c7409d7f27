/** What is remembered of the checkpoints of a database. Plain values; times are wall clock. Pure. */
import type { CheckpointStatus } from "../domain/status.ts";

export interface CheckpointHistory {
  readonly last: CheckpointStatus | null;
  readonly lastSuccessAtMs: number | null;
  /** The same of what we did ourselves; `lastSuccessAtMs` counts what others have copied too. */
  readonly ownSuccessAtMs: number | null;
  readonly consecutiveFailureCount: number;
  readonly consecutiveIncompleteCount: number;
  /** What the last one left; null: nothing. */
  readonly left: WalLeft | null;
  /** The WAL when the last one ended; null: there was none, or it could not be told. */
  readonly atEnd: WalAtEnd | null;
  /** When it was last seen that others checkpoint it; null: not yet. */
  readonly othersSeenAtMs: number | null;
}

/** A WAL in which a checkpoint left frames. */
export interface WalLeft {
  readonly walIdentity: string;
  readonly mxFrame: number;
  /** How many rounds in a row have come to no reset of this WAL. */
  readonly roundCount: number;
  /** Why: a reader, whose going is looked out for, or anything else. */
  readonly by: "reader" | "other";
}

/** By what has become of it since, it is told whether others checkpoint it (othersCheckpoints.ts). */
export interface WalAtEnd {
  readonly seenAtMs: number;
  /** Goes up by one each time that it starts over. */
  readonly salt1: number;
  readonly isComplete: boolean;
}

export const noCheckpointYet: CheckpointHistory = {
  last: null,
  lastSuccessAtMs: null,
  ownSuccessAtMs: null,
  consecutiveFailureCount: 0,
  consecutiveIncompleteCount: 0,
  left: null,
  atEnd: null,
  othersSeenAtMs: null,
};
