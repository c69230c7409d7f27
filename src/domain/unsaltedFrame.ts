/** Committed frames without salts in a WAL that is in use (policy/unsaltedFrames.ts). Types only. */

export interface UnsaltedFrame {
  /** "salt1 salt2" of that WAL. */
  readonly walIdentity: string;
  /** The first of them. */
  readonly frame: number;
  /** When it was first seen. */
  readonly sinceMs: number;
  /** A commit lies before it in the WAL, to which recovery would go back. Not looked for far: true. */
  readonly hasCommitBefore: boolean;
  /** It is in the database, by nBackfill, and the WAL was not reset. */
  readonly isCopied: boolean;
}

/** A recovery has ended before that frame. */
export interface UnsaltedLoss extends UnsaltedFrame {
  /** When that was seen. */
  readonly lostAtMs: number;
}

/** WALs with such frames that came one after the other. */
export interface UnsaltedEpisode {
  /** So many of them were reset, or went. */
  readonly endCount: number;
  /** The last of them. */
  readonly endedAtMs: number;
}
