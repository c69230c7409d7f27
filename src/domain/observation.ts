/**
 * What was seen of one database from outside, at one moment: files, raw headers, locks. No SQLite was
 * involved and no lock was taken. Everything that could not be seen says so. Types only.
 */
import type { DatabaseHeaderResult } from "../format/databaseHeader.ts";
import type { WalHeaderResult } from "../format/walHeader.ts";
import type { WalIndexResult } from "../format/walIndex.ts";

export type FileKind = "directory" | "fifo" | "socket" | "device" | "symbolicLink";

/** One look at one path. `identity` is "device:inode", decimal. */
export type FileLook =
  | { readonly kind: "absent" }
  | {
      readonly kind: "regular";
      readonly identity: string;
      readonly sizeBytes: number;
      readonly modifiedAtMs: number;
      /** When contents, owner, mode or names last changed; absent: not asked for. */
      readonly changedAtMs?: number;
      readonly uid: number;
      readonly gid: number;
      /** Permission bits. */
      readonly permissions: number;
      readonly linkCount: number;
    }
  | { readonly kind: "other"; readonly what: FileKind }
  /** `code` as errno names it: EACCES, EIO, ELOOP. */
  | { readonly kind: "unreadable"; readonly operation: string; readonly code: string };

export interface LockHolder {
  readonly pid: number;
  /** As /proc/PID/comm has it; null when it could not be read. Never the argument list: it holds secrets. */
  readonly comm: string | null;
  /** Name of its effective user in /etc/passwd, "uid N" without one; null when it could not be read. */
  readonly user: string | null;
  /** Its effective user id; null when it could not be read, absent where nobody asked. */
  readonly uid?: number | null;
  /** systemd unit, or pod and container, by its control group; null: none, or it could not be read. */
  readonly unit: string | null;
}

/**
 * Locks of processes in other PID namespaces, which /proc/locks does not list, by fcntl(F_GETLK): that they are held,
 * not by whom. The kernel names one holder of each: where it names one that is listed, or one of our own, others may
 * hold the lock too. So true is certain, false is not where somebody else is named.
 */
export interface HiddenLocks {
  /** Byte 128 of -shm. */
  readonly connected: boolean;
  /** Byte 120, 121 and 122 of -shm. */
  readonly writer: boolean;
  readonly checkpointer: boolean;
  readonly recovering: boolean;
  /** The SHARED range of the database, for writing. */
  readonly exclusive: boolean;
  /** Any lock on the database. */
  readonly databaseLocked: boolean;
  /** READ(0) to READ(4) that are held for reading. */
  readonly readerMarks: readonly number[];
  /** A process of this daemon's own was named for one of the marks: who else reads there cannot be told. */
  readonly readersCovered: boolean;
}

/** Locks of other processes than this daemon and its workers, from /proc/locks. */
export type LockLook =
  | {
      readonly kind: "seen";
      /** A WRITE lock on the SHARED range of the database: locking_mode=EXCLUSIVE, or a rollback commit. */
      readonly exclusive: LockHolder | null;
      /** Any lock of theirs on the database file. */
      readonly databaseLockers: readonly LockHolder[];
      /** Byte 128 of -shm held: connected to the WAL-index. */
      readonly connected: readonly LockHolder[];
      /** Byte 120 of -shm. */
      readonly writer: LockHolder | null;
      /** Byte 121 of -shm, held for writing: a checkpoint is at work, or a recovery. */
      readonly checkpointer: LockHolder | null;
      /** Byte 122 of -shm: the WAL-index is being made from the WAL. */
      readonly recovering: LockHolder | null;
      /** Bytes 123 to 127 of -shm: READ(0) to READ(4). */
      readonly readers: readonly { readonly mark: number; readonly holder: LockHolder }[];
      /**
       * True in the initial PID namespace (/proc/self/ns/pid is pid:[4026531836]). In another one, locks of
       * processes outside it are not listed although they hold: an empty list then proves nothing.
       */
      readonly viewIsComplete: boolean;
      /** Null: all locks are listed, or those of other PID namespaces could not be asked for. */
      readonly hidden: HiddenLocks | null;
      /** Connected, this daemon's own workers included; all that are hidden count as one. */
      readonly connectedWithOwnCount: number;
    }
  | { readonly kind: "unobservable"; readonly reason: string };

export interface Opener extends LockHolder {
  readonly files: readonly ("database" | "wal" | "journal")[];
  /** One of the descriptors is open for writing (flags in /proc/PID/fdinfo): a backup that reads is not. */
  readonly writable: boolean;
}

/** Processes that have the database, its WAL or its journal open, from /proc/PID/fd. */
export type OpenerLook =
  | {
      readonly kind: "seen";
      readonly openers: readonly Opener[];
      /** Processes whose descriptors may not be read (other users). */
      readonly hiddenProcessCount: number;
    }
  | { readonly kind: "unobservable"; readonly reason: string };

export type MountLook =
  | {
      readonly kind: "seen";
      readonly fileSystemType: string;
      /** What was mounted, as mountinfo says it: a device, a server, the name of a FUSE program. */
      readonly source?: string;
      readonly mountPoint: string;
      /** "major:minor" in decimal, as mountinfo says (on Btrfs not what stat says). */
      readonly device: string;
      readonly readOnly: boolean;
      /** False: mounted with nobarrier or barrier=0, so that a sync does not reach the medium. */
      readonly writeBarriers: boolean;
    }
  | { readonly kind: "unobservable"; readonly reason: string };

/** What this process may do with the files, by access(2) with its effective ids. */
export interface AccessLook {
  readonly databaseReadable: boolean;
  readonly databaseWritable: boolean;
  readonly walWritable: boolean;
  readonly shmWritable: boolean;
  readonly directoryWritable: boolean;
  /** Effective user id of the daemon. */
  readonly effectiveUid: number;
}

export interface Observation {
  /** Wall clock. Where a glance saw commits: of locks, WAL and WAL-index; the other files were seen some seconds before. */
  readonly observedAtMs: number;
  /** Resolved once through symbolic links; null while nothing is there. */
  readonly resolvedPath: string | null;
  readonly database: FileLook;
  readonly wal: FileLook;
  readonly shm: FileLook;
  readonly journal: FileLook;
  /** Null when the file is not regular, or could not be read (then `database` says why). */
  readonly header: DatabaseHeaderResult | null;
  readonly walHeader: WalHeaderResult | null;
  readonly walIndex: WalIndexResult | null;
  readonly mount: MountLook;
  readonly locks: LockLook;
  readonly access: AccessLook | null;
  /** Bytes that an unprivileged process may still write on the file system; null when statfs failed. */
  readonly freeBytes: number | null;
}
