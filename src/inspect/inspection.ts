/**
 * What one inspection tells. This is the shape of `walwarden inspect --json`, times as ISO 8601. Types only.
 *
 * Null means that it is not known or not there, and a `reason` beside it says which.
 */
import type { RestartVerdict } from "../domain/ledger.ts";
import type { AccessLook, HiddenLocks, LockHolder, Opener } from "../domain/observation.ts";
import type { WalLineage } from "../domain/residueReport.ts";
import type { SqliteProcess } from "../domain/sqliteProcess.ts";
import type { ReplicatorStatus, WalPinStatus, WalVerdict } from "../domain/status.ts";

export interface Remark {
  /** wrong: exit status 1. note: to be known, and no fault. */
  readonly severity: "wrong" | "note";
  readonly text: string;
}

export type Inspection = DatabaseInspection | LoneWalInspection;

export interface DatabaseInspection {
  readonly kind: "database";
  /** As it was asked for. */
  readonly path: string;
  readonly resolvedPath: string;
  readonly inspectedAtMs: number;
  /** It was watched for so long. */
  readonly watchedMs: number;
  readonly verdict: "fine" | "wrong";
  readonly remarks: readonly Remark[];
  readonly file: FileInspection;
  /** Null: the file has no header yet (it is empty). */
  readonly header: HeaderInspection | null;
  /** Which sidecars are there and could not be looked at, and why. */
  readonly unreadable: readonly { readonly file: "wal" | "walIndex" | "journal"; readonly reason: string }[];
  /** Null: there is none, or `unreadable` says why not. */
  readonly wal: WalInspection | null;
  readonly walIndex: WalIndexInspection | null;
  readonly journal: JournalInspection | null;
  readonly lineage: WalLineage;
  readonly processes: ProcessInspection;
  /** Null: not in WAL mode. What takes longer than a moment to see is seen with a longer watch only. */
  readonly walVerdict: WalVerdict | null;
  readonly pin: WalPinStatus;
  readonly exposure: ExposureInspection;
  /** Which SQLite the connected processes run, and whether it has the WAL-reset bug. */
  readonly sqlite: readonly SqliteProcess[];
  readonly replicator: ReplicatorStatus | null;
  /** What the daemon would not open it for. */
  readonly guards: readonly { readonly guard: string; readonly verdict: string; readonly reason: string }[];
  /** What an earlier life left; null: nothing, or somebody is connected. */
  readonly residue: ResidueInspection | null;
  /** What a daemon noted of it; null: no state directory was named. */
  readonly ledger: LedgerInspection | null;
}

export interface LedgerInspection {
  readonly path: string;
  /** Why there is no verdict; empty: there is one. */
  readonly reason: string;
  readonly writtenAtMs: number | null;
  readonly seenFrame: number | null;
  readonly provenFrame: number | null;
  /** What a restart of the daemon would say now. */
  readonly verdict: RestartVerdict | null;
}

export interface ResidueInspection {
  readonly left: string;
  /** What the next open will make of it; empty: not known. */
  readonly expectation: string;
}

export interface LoneWalInspection {
  readonly kind: "wal";
  readonly path: string;
  readonly inspectedAtMs: number;
  readonly verdict: "fine" | "wrong";
  readonly remarks: readonly Remark[];
  readonly wal: WalInspection;
}

/** By one look. What was written back without being proven looks clean: only a daemon that watches can tell. */
export type ExposureInspection =
  | { readonly kind: "unobservable"; readonly reason: string }
  /** Nothing is dirty. */
  | { readonly kind: "clean"; readonly reason: string }
  | {
      readonly kind: "exposed";
      readonly reason: string;
      /** In the page cache of -wal, or of the database, and not on disk. */
      readonly dirtyBytes: number | null;
      /** The first frame with a dirty page; null: it is the database that is dirty. */
      readonly fromFrame: number | null;
      /** Commits from that frame on; null: not counted. */
      readonly commitCount: number | null;
    };

export interface FileInspection {
  readonly identity: string;
  readonly sizeBytes: number;
  readonly modifiedAtMs: number;
  readonly uid: number;
  readonly gid: number;
  /** Four octal digits. */
  readonly permissions: string;
  readonly linkCount: number;
  readonly fileSystemType: string | null;
  readonly mountPoint: string | null;
  readonly mountedReadOnly: boolean | null;
  readonly freeBytes: number | null;
  readonly access: AccessLook | null;
}

export interface HeaderInspection {
  readonly inWalMode: boolean;
  readonly pageSizeBytes: number;
  /** Null: the header does not say; as of the last checkpoint. */
  readonly pageCount: number | null;
  readonly freelistPageCount: number;
  readonly changeCounter: number;
  /** "3.40.1": who last wrote page 1; empty: it does not say. */
  readonly lastWrittenBy: string;
}

/** `WalInspection.header` of a WAL that started over at each look. */
export const changingHeader = "changing";

export interface WalInspection {
  readonly path: string;
  readonly sizeBytes: number;
  readonly modifiedAtMs: number;
  /** "header", or what is wrong with the first 32 bytes; "changing": no two looks found the same. */
  readonly header: string;
  readonly pageSizeBytes: number | null;
  readonly salts: string | null;
  readonly checkpointSequence: number | null;
  /** What the figures below are from; unknown: the reason says why there are none. */
  readonly by: "index" | "scan" | "unknown";
  readonly reason: string;
  /** Frames up to the last commit: what is live. */
  readonly frameCount: number | null;
  readonly commitCount: number | null;
  /** Frames that are in the database already; null: only a trusted WAL-index tells. */
  readonly backfilledFrameCount: number | null;
  /** Size of the database with the WAL applied. */
  readonly pageCount: number | null;
  /** Valid frames behind the last commit: a transaction that was not committed, or is under way. */
  readonly uncommittedFrameCount: number | null;
  /** How the valid part ends, in words. */
  readonly end: string | null;
  readonly endsTorn: boolean;
  /** A frame that does not hold, with commits behind it that recovery will drop; `end` says what is known. */
  readonly damage: {
    readonly frame: number;
    /** At least so many; null: not known. */
    readonly droppedCommitCountMin: number | null;
    readonly causes: string;
  } | null;
  readonly trailingBytes: number | null;
}

export interface WalIndexInspection {
  readonly sizeBytes: number;
  readonly trusted: boolean;
  /** Why it is not trusted; empty when it is. */
  readonly reason: string;
  readonly mxFrame: number | null;
  readonly backfilledFrameCount: number | null;
  readonly readMarks: readonly number[] | null;
}

export interface JournalInspection {
  readonly sizeBytes: number;
  /** live: somebody has the database locked, so it is a transaction under way. hot: the next open rolls it back. */
  readonly state: "live" | "hot" | "cold" | "unknown";
  readonly reason: string;
  /** Pages that a roll back would restore; null: not known. */
  readonly pageRecordCount: number | null;
  readonly initialPageCount: number | null;
  readonly superJournal: string | null;
  readonly superJournalExists: boolean | null;
}

export interface ProcessInspection {
  /** Empty: locks of all processes were seen. */
  readonly reason: string;
  readonly connected: readonly LockHolder[] | null;
  readonly databaseLockers: readonly LockHolder[] | null;
  readonly writer: LockHolder | null;
  readonly checkpointer: LockHolder | null;
  /** Locks of processes in other PID namespaces; null: none are hidden, or they cannot be asked for. */
  readonly hiddenLocks: HiddenLocks | null;
  readonly exclusive: LockHolder | null;
  readonly readers: readonly {
    readonly mark: number;
    readonly frame: number | null;
    readonly holder: LockHolder;
  }[];
  /** Whose read mark keeps frames from being copied at this moment. */
  readonly holdingBack: readonly LockHolder[];
  readonly openers: readonly Opener[] | null;
  /** Processes whose open files may not be seen. */
  readonly hiddenProcessCount: number | null;
}
