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
  /** From /proc/PID/comm; null when it could not be read. Never the argument list: it holds secrets. */
  readonly comm: string | null;
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
      /** Bytes 123 to 127 of -shm: READ(0) to READ(4). */
      readonly readers: readonly { readonly mark: number; readonly holder: LockHolder }[];
      /**
       * True in the initial PID namespace (/proc/self/ns/pid is pid:[4026531836]). In another one, locks of
       * processes outside it are not listed although they hold: an empty list then proves nothing.
       */
      readonly viewIsComplete: boolean;
      /** Connected, this daemon's own workers included. */
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
      readonly mountPoint: string;
      /** "major:minor" in decimal, as mountinfo says (on Btrfs not what stat says). */
      readonly device: string;
      readonly readOnly: boolean;
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
