/**
 * The file system and /proc as this daemon uses them: one method for each operation, so that a fault can be
 * put into exactly one of them, and so that reports can name the operation that failed.
 *
 * Methods throw the errors of node:fs; callers turn them into tagged results with `errnoOf`. Only the
 * supervisor reads files through this, never a process that uses SQLite: closing a descriptor of a database
 * or -shm drops all locks that the process holds on it (sqlite.org/howtocorrupt.html, section 2.2).
 * Descriptors are closed on exec: node:fs sets O_CLOEXEC on all of them.
 */
import {
  closeSync,
  constants,
  fdatasync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  realpathSync,
  statfsSync,
} from "node:fs";
import { readFile } from "node:fs/promises";
import { createStatCalls, type FileStats, type StatCalls } from "./fileStats.ts";
import { effectiveAccess } from "./libc.ts";

export interface Os {
  realpath(path: string): string;
  /** Undefined: nothing there. The very value of the look before while the file is as it was then. */
  lstat(path: string): FileStats | undefined;
  /** Undefined: nothing there. */
  stat(path: string): FileStats | undefined;
  /** For reading; never follows a link at the end of the path, never waits for a FIFO's other end. */
  open(path: string): number;
  fstat(descriptor: number): FileStats;
  /** Bytes read at the position; 0 at the end of the file. */
  read(descriptor: number, buffer: Uint8Array, positionBytes: number): number;
  close(descriptor: number): void;
  /** Off the event loop. */
  fdatasync(descriptor: number): Promise<void>;
  /** By effective ids; `mode` of node:fs constants R_OK, W_OK. */
  access(path: string, mode: number): boolean;
  /** Bytes that an unprivileged process may still write. */
  statfsFreeBytes(path: string): number;
  /** Off the event loop: it may take some milliseconds. */
  readProcLocks(): Promise<string>;
  /** A small file under /proc. */
  readProc(path: string): string;
  readProcDirectory(path: string): readonly string[];
  /** Names in a directory that somebody else keeps small. */
  readDirectory(path: string): readonly string[];
  readProcLink(path: string): string;
}

const openFlags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;

let loadedStatCalls: StatCalls | undefined;

/** Loaded at the first look. */
function statCalls(): StatCalls {
  loadedStatCalls ??= createStatCalls();
  return loadedStatCalls;
}

export const realOs: Os = {
  realpath: (path) => realpathSync(path),
  lstat: (path) => statCalls().lstat(path),
  stat: (path) => statCalls().stat(path),
  open: (path) => openSync(path, openFlags),
  fstat: (descriptor) => statCalls().fstat(descriptor),
  read: (descriptor, buffer, positionBytes) =>
    readSync(descriptor, buffer, 0, buffer.byteLength, positionBytes),
  close: (descriptor) => closeSync(descriptor),
  fdatasync: (descriptor) =>
    new Promise((resolve, reject) => {
      fdatasync(descriptor, (error) => (error === null || error === undefined ? resolve() : reject(error)));
    }),
  access: effectiveAccess,
  statfsFreeBytes: (path) => {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  },
  readProcLocks: () => readFile("/proc/locks", "utf8"),
  readProc: (path) => readFileSync(path, "utf8"),
  readProcDirectory: (path) => readdirSync(path),
  readDirectory: (path) => readdirSync(path),
  readProcLink: (path) => readlinkSync(path),
};
