/**
 * What is committed and not proven to be on disk: what is asked of the page cache at one look, and what it
 * answers. Types only; `policy/exposure.ts` asks and judges, `observe/exposureLook.ts` looks.
 */

export type ExposureQuestion =
  /** Nothing is asked: exposure cannot be seen here. */
  | { readonly kind: "unobservable"; readonly reason: string }
  /** The files were seen in the middle of a change: nothing is asked this time. */
  | { readonly kind: "changed" }
  /** No WAL with frames. */
  | { readonly kind: "noWal"; readonly database: PagesQuestion | null }
  | {
      readonly kind: "wal";
      /** "device:inode" of the -wal file. */
      readonly fileIdentity: string;
      /** Salts of its header, "salt1 salt2". */
      readonly walIdentity: string;
      readonly pageSizeBytes: number;
      /** Last committed frame by a trusted WAL-index; null: found by following the frames' headers. */
      readonly mxFrame: number | null;
      /** Commits are counted in the frames after this one. */
      readonly countFromFrame: number;
      /** No commit lies between countFromFrame and this one: earlier looks have followed the frames up to here. */
      readonly followFromFrame: number;
      /** The page cache is asked about the frames after this one; null: not at all. */
      readonly cacheFromFrame: number | null;
      /** Frames of this WAL that are copied into the database; null: not known. */
      readonly nBackfill: number | null;
      /**
       * How a writer at work is recognized: by its lock on the WAL-index. `none`: nobody is connected. `hidden`: it
       * keeps its WAL-index in memory (locking_mode=EXCLUSIVE).
       */
      readonly writers: "byLock" | "none" | "hidden";
      readonly database: PagesQuestion | null;
    };

/** Pages of the database that a checkpoint of somebody else should have put on disk. */
export interface PagesQuestion {
  /** "device:inode" of the database file. */
  readonly fileIdentity: string;
  readonly pageSizeBytes: number;
  /** From 1; "all" for a file that is small enough to ask about whole. */
  readonly pageNumbers: readonly number[] | "all";
}

export type PagesLook =
  /** `isWhole`: every page of the database was asked about, not only some that should be there. */
  | { readonly kind: "clean"; readonly isWhole: boolean }
  /** Dirty, or being written back: the checkpoint that wrote them did not sync them. */
  | { readonly kind: "unsynced"; readonly byteCount: number }
  /** A checkpoint is at work, or has written them again since: nothing can be told now. */
  | { readonly kind: "undecided" };

/** What the page cache says about frames that are committed. */
export type FramesLook =
  | { readonly kind: "clean" }
  /** Dirty or being written back while nobody held the write lock: their writer did not sync them. */
  | { readonly kind: "unsynced" }
  /**
   * Dirty, and a writer was at work at every glance: the kernel marks whole folios, which the next commit shares.
   * Frames up to cleanToFrame are clean.
   */
  | {
      readonly kind: "inFlight";
      readonly cleanToFrame: number;
      /** Commits in the frames behind cleanToFrame. */
      readonly commitsBehindCount: number | null;
      /**
       * No writer is at work, but frames that were never committed lie behind (a transaction that was rolled back), and
       * only the page that they share with the last commit is dirty.
       */
      readonly isRolledBackTail: boolean;
    }
  /** Not one page of them is cached. */
  | { readonly kind: "notCached" };

export type ExposureLook =
  | { readonly kind: "unobservable"; readonly reason: string }
  /** The files changed during the look: nothing is concluded, the next look tells. */
  | { readonly kind: "changed" }
  | { readonly kind: "noWal"; readonly database: PagesLook | null }
  | {
      readonly kind: "wal";
      readonly walIdentity: string;
      readonly mxFrame: number;
      /** Commits in the frames from countFromFrame to mxFrame; null: too many to count in one look. */
      readonly newCommitCount: number | null;
      /** Database pages in the last of these frames; empty: there were none. */
      readonly recentPages: readonly number[];
      /** The frames up to this one were followed, and there are more; null: the look has come to the end. */
      readonly followedFrame: number | null;
      /** Null: the page cache was not asked. */
      readonly frames: FramesLook | null;
      readonly database: PagesLook | null;
    };
