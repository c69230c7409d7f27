/**
 * What the daemon remembers of each database across its own life, and what a restart says by it. The ledger is
 * one file in the state directory; `format/ledgerFile.ts` is its format. Types only.
 */

/** One life of a WAL, from one start over to the next, and how far it had come when it was last noted. */
export interface LedgerWal {
  readonly salt1: number;
  readonly salt2: number;
  readonly checkpointSequence: number;
  readonly pageSizeBytes: number;
  /** Last committed frame that was seen; 0: none. */
  readonly seenFrame: number;
  /** Commits in frames 1 to seenFrame; null: not counted. */
  readonly seenCommitCount: number | null;
  /**
   * Checksum of frame seenFrame, eight bytes in hexadecimal. It is cumulative: the same checksum at the same place
   * means the same frames before it. Null: not known.
   */
  readonly seenFrameChecksum: string | null;
  /** Frames 1 to this one are proven to be on disk. */
  readonly provenFrame: number;
  readonly provenCommitCount: number | null;
  readonly provenFrameChecksum: string | null;
  /** Frames 1 to this one are copied into the database (nBackfill). */
  readonly backfilledFrame: number;
}

/** From the database file's header: as of the last checkpoint. */
export interface LedgerHeader {
  readonly changeCounter: number;
  readonly pageCount: number;
  readonly versionValidFor: number;
  readonly sqliteVersionNumber: number;
  readonly inWalMode: boolean;
  /** The first 100 bytes. */
  readonly bytesHex: string;
}

/** A sync of ours failed: what of that file is on disk is unknown until it was written anew; policy/fsyncError.ts. */
export interface FsyncError {
  readonly file: "wal" | "database";
  /** EIO, ENOSPC; or SQLITE_IOERR_FSYNC, when it was SQLite in a worker of ours that met it. */
  readonly code: string;
  readonly atMs: number;
  /** Salts of the WAL at that time, "salt1 salt2"; null: not known. */
  readonly walIdentity: string | null;
  /** "device:inode" of the database at that time; null: not known. */
  readonly databaseIdentity: string | null;
}

/** A WAL that was refused, for it goes with another file than the one that lies beside it: policy/refusedWal.ts. */
export interface RefusedWal {
  /** "salt1 salt2", as they were seen last. */
  readonly walSalts: string;
  /** By what it was told, in words. */
  readonly evidence: string;
  /** "device:inode" of the file that it goes with; null: not known. */
  readonly ownerIdentity: string | null;
  /** The header that was seen in that file while it was open together with this WAL; null: none was. */
  readonly ownerHeaderHex: string | null;
  /** Inode of the WAL's own file, decimal; null: not known. With another one it was put there since. */
  readonly walInode: string | null;
  /** State of the file that it lay beside, where what is in the two told it; null: that is another file altogether. */
  readonly databaseMark: string | null;
}

export interface LedgerEntry {
  /** Resolved. */
  readonly path: string;
  /** As stat(2) says them, decimal. */
  readonly device: string;
  readonly inode: string;
  readonly databaseBytes: number;
  /** As stat(2) says it, wall-clock milliseconds with fractions. Null: an earlier version has written the ledger. */
  readonly databaseModifiedAtMs: number | null;
  /** Null: it could not be read as a database's. */
  readonly header: LedgerHeader | null;
  /** Null: there was no WAL with frames; everything that was seen is in the database. */
  readonly wal: LedgerWal | null;
  /** State of the WAL's file at the look that saw `header` (policy/putBack.ts); null: none, or not known. */
  readonly walFile: string | null;
  /** Frames that were committed when `header` was seen, at least; null: not known. */
  readonly headerFrame: number | null;
  /** Database pages were written by a checkpoint that did not sync them. Null: that cannot be seen there. */
  readonly databaseExposed: boolean | null;
  /** The WAL was seen to start over and its pages were on disk: whoever checkpoints it syncs. */
  readonly checkpointsSeenToSync: boolean;
  /** Null: it could not be read. */
  readonly bootId: string | null;
  readonly writtenAtMs: number;
  /** A restore was announced: what replaces or changes the database up to then is no loss. Null: none was. */
  readonly restoreWindowEndsAtMs: number | null;
  /** Null also where an earlier version has written the ledger. */
  readonly fsyncError: FsyncError | null;
  /** Null: none; also where an earlier version has written the ledger. */
  readonly refusedWal: RefusedWal | null;
}

/** The answer to one who is about to restore a database. */
export interface RestoreAnnouncement {
  readonly database: string;
  /** What replaces or changes the file up to then is a restore. */
  readonly windowEndsAtMs: number;
}

/** What is on disk at the first look of a start, before anything was opened. */
export interface RestartLook {
  readonly lookedAtMs: number;
  readonly bootId: string | null;
  /** Wall clock time of the boot; null: not known. */
  readonly bootedAtMs: number | null;
  readonly device: string;
  readonly inode: string;
  readonly databaseBytes: number;
  readonly databaseModifiedAtMs: number;
  readonly header: LedgerHeader | null;
  readonly wal: RestartWal;
  /** A rollback journal with bytes in it: the database may go back when it is opened. */
  readonly hasJournal: boolean;
}

export type RestartWal =
  /** None, or one without a whole frame. */
  | { readonly kind: "none" }
  | { readonly kind: "unreadable"; readonly reason: string }
  | {
      readonly kind: "wal";
      readonly salt1: number;
      readonly salt2: number;
      readonly checkpointSequence: number;
      readonly modifiedAtMs: number;
      /** Last committed frame: what recovery takes, or what a trusted WAL-index says. */
      readonly mxFrame: number;
      /** Commits in frames 1 to mxFrame; null: not counted. */
      readonly commitCount: number | null;
      readonly pageSizeBytes: number;
      /** As in LedgerWal; null: nobody looked. */
      readonly lastFrameChecksum: string | null;
      /** Somebody is connected: the WAL is as an application made it after its own recovery. */
      readonly isLive: boolean;
      /** The frame carries the checksum that was noted; null: not noted, or not there. */
      readonly seenFrameMatches: boolean | null;
      readonly provenFrameMatches: boolean | null;
      /** Change counter of the newest page 1 in its committed frames; null: none, or not looked for. */
      readonly pageOneChangeCounter: number | null;
      /**
       * Frames behind those that were noted as copied may have been copied since: by the database's pages, or by what a
       * trusted WAL-index says. Null: not of the life that was noted, or it cannot be told.
       */
      readonly mayHaveBeenCopied: boolean | null;
    };

export type RestartVerdictKind =
  /** No commit that was seen is missing. */
  | "intact"
  /** Commits are missing that were announced as exposed. */
  | "exposed-lost"
  /** Commits are missing that were proven to be on disk: the disk lied, or the file was changed. */
  | "proven-lost"
  /** Another file is there. */
  | "replaced"
  /** The same file with an earlier content. */
  | "rolled-back"
  /** It was replaced or changed, and that was announced. */
  | "restored"
  | "undecidable"
  /** The ledger knows nothing of it. */
  | "first-seen";

export interface RestartVerdict {
  readonly kind: RestartVerdictKind;
  /** What it was concluded from, in words. */
  readonly reason: string;
  /** Lower bounds; null: not known. */
  readonly lostExposedCommitCountMin: number | null;
  readonly lostProvenCommitCountMin: number | null;
  readonly judgedAtMs: number;
}
