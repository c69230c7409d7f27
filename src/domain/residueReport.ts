/**
 * What an earlier life left beside a database, as it was before anything opened it, and what recovery made of it.
 * Kept in the state directory, one report for each database, and shown by status. Types only.
 */
import type { JournalHeaderResult } from "../format/rollbackJournal.ts";
import type { WalScan } from "../format/walScan.ts";
import type { WalCopy } from "./walDamage.ts";

/** Whether a WAL belongs to the database that it lies beside. */
export type WalLineage =
  /** Nothing in it would be recovered. */
  | { readonly kind: "nothing" }
  /** What is seen of both goes together. */
  | { readonly kind: "fits" }
  /** Nothing speaks against it, and nothing proves it. */
  | { readonly kind: "undecided"; readonly reason: string }
  /** The two cannot be of one life. */
  | { readonly kind: "another"; readonly evidence: string };

export interface DatabaseFound {
  readonly identity: string;
  readonly sizeBytes: number;
  readonly pageSizeBytes: number;
  readonly inWalMode: boolean;
  readonly changeCounter: number;
  /** Null: the header does not say. */
  readonly pageCount: number | null;
  readonly sqliteVersionNumber: number;
}

export interface WalFound {
  readonly sizeBytes: number;
  /** "header", or what is wrong with the first 32 bytes. */
  readonly header: string;
  readonly salts: string | null;
  readonly checkpointSequence: number | null;
  readonly pageSizeBytes: number | null;
  /** Null, as all that follows: the file could not be read; `unknownReason` says why. */
  readonly validFrameCount: number | null;
  /** Frames up to the last commit: what recovery brings back. */
  readonly committedFrameCount: number | null;
  readonly commitCount: number | null;
  /** Size of the database in pages after recovery; null: the WAL changes nothing. */
  readonly pageCount: number | null;
  /** Why reading stopped, and at which frame, counted from 1. */
  readonly stopReason: string | null;
  readonly stopFrame: number | null;
  /** Bytes behind the last valid frame: a torn tail, or frames of an earlier round of the same file. */
  readonly trailingBytes: number | null;
  /** The last write did not end. */
  readonly endsTorn: boolean;
  /** Where it is broken, and what stands behind that recovery will drop; empty: nothing that is proven. */
  readonly damage: string;
  /** Of those, at least; null: none, or not known. */
  readonly droppedCommitCountMin: number | null;
  readonly unknownReason: string;
}

export interface JournalFound {
  readonly sizeBytes: number;
  /** "hot": the next open that may write rolls it back. "cold": SQLite will not. "unknown": it could not be read. */
  readonly state: "hot" | "cold" | "unknown";
  /** Why not hot, or why unknown; hot: why it restores nothing, or empty. */
  readonly reason: string;
  /** Null: the header does not say. */
  readonly pageRecordCount: number | null;
  /** Size of the database in pages after it is rolled back. */
  readonly initialPageCount: number | null;
  readonly pageSizeBytes: number | null;
  readonly superJournal: string | null;
  /** A journal whose super-journal is gone is not rolled back: its transaction was committed. */
  readonly superJournalExists: boolean | null;
}

export interface ShmFound {
  readonly sizeBytes: number;
  /** "index", or why it is none. A leftover index is made anew by whoever opens first. */
  readonly header: string;
  readonly mxFrame: number | null;
  readonly backfilledFrameCount: number | null;
  /** Of the WAL that lies beside it; null: cannot be compared. */
  readonly isOfThisWal: boolean | null;
}

export interface ResidueFound {
  readonly database: DatabaseFound | null;
  readonly wal: WalFound | null;
  readonly journal: JournalFound | null;
  readonly shm: ShmFound | null;
  readonly lineage: WalLineage;
  /** In words, for people: what will come of it. */
  readonly expectation: string;
}

/** What was there when recovery had ended, beside what was announced. */
export interface ResidueRecovery {
  readonly endedAtMs: number;
  readonly copiedFrameCount: number;
  readonly databaseBytes: number | null;
  readonly pageCount: number | null;
  readonly verdict: "agrees" | "differs" | "incomparable";
  /** Each difference with both figures, or why nothing can be compared. */
  readonly remarks: readonly string[];
}

export interface ResidueReport {
  readonly database: string;
  readonly path: string;
  readonly foundAtMs: number;
  readonly found: ResidueFound;
  /** What was kept of a damaged WAL before anything opened it; null: it is not damaged. */
  readonly walCopy: WalCopy | null;
  /** Null: nothing was recovered yet. */
  readonly recovery: ResidueRecovery | null;
}

/** What was read of the files of residue, and of which state of theirs it speaks. */
export interface ResidueLook {
  /** As long as it is the same, the look still holds (policy/residueScan.ts). */
  readonly fingerprint: string;
  readonly lookedAtMs: number;
  readonly durationMs: number;
  readonly wal: WalResidueLook;
  readonly journal: JournalResidueLook;
}

export type WalResidueLook =
  | { readonly kind: "none" }
  | {
      readonly kind: "scanned";
      readonly scan: WalScan;
      readonly sizeBytes: number;
      /** Null or absent: nothing could be compared. */
      readonly strayPages?: StrayPages | null;
    }
  | { readonly kind: "unknown"; readonly reason: string };

/** Pages of the database against what the WAL's round before has copied there. */
export interface StrayPages {
  readonly comparedCount: number;
  /** Not as they were copied. */
  readonly strayCount: number;
  readonly firstStrayPage: number | null;
}

export type JournalResidueLook =
  | { readonly kind: "none" }
  | {
      readonly kind: "scanned";
      readonly header: JournalHeaderResult;
      readonly recordCount: number | null;
      readonly superJournal: string | null;
      /** Null: none is named, or it cannot be seen. */
      readonly superJournalExists: boolean | null;
      readonly sizeBytes: number;
    }
  | { readonly kind: "unknown"; readonly reason: string };
