/** A committed frame without salts in a WAL that is in use (policy/unsaltedFrames.ts). Types only. */

export interface UnsaltedFrame {
  /** "salt1 salt2" of that WAL. */
  readonly walIdentity: string;
  /** The first of them. */
  readonly frame: number;
  /** When it was first seen. */
  readonly sinceMs: number;
  /** It is in the database, by nBackfill, and the WAL was not reset. */
  readonly isCopied: boolean;
}
