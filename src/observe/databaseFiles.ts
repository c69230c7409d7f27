/**
 * The files of one database as they are now, with the beginnings of those that can be read.
 *
 * The four names are looked at without following links: SQLite would follow a link at -wal or -shm, and what
 * it led to would not be this database's. A file that is exchanged between the look and the read is looked at
 * again, a few times; then it is reported as unreadable with ESTALE, never as what it was.
 */
import type { FileLook } from "../domain/observation.ts";
import {
  type DatabaseHeaderResult,
  databaseHeaderBytes,
  parseDatabaseHeader,
} from "../format/databaseHeader.ts";
import { parseWalHeader, type WalHeaderResult, walHeaderBytes } from "../format/walHeader.ts";
import { isIndexOfWal, parseWalIndex, type WalIndexResult, walIndexHeaderBytes } from "../format/walIndex.ts";
import { lookAtFile } from "../host/fileLook.ts";
import type { Os } from "../host/os.ts";
import { readPrefix } from "../host/rawRead.ts";

export interface FileReading<Parsed> {
  readonly look: FileLook;
  /** Null: not a regular file, or not readable. */
  readonly parsed: Parsed | null;
}

export interface WalReading {
  readonly wal: FileReading<WalHeaderResult>;
  readonly shm: FileReading<WalIndexResult>;
}

const attemptsMax = 3;

export function readDatabaseHeader(os: Os, path: string): FileReading<DatabaseHeaderResult> {
  return readFile(os, path, databaseHeaderBytes, parseDatabaseHeader);
}

/**
 * WAL header and WAL-index. Both may be in the middle of a change: the index while a commit writes it, and
 * either of them while the WAL starts over. Such a moment is over at the next look.
 */
export function readWal(os: Os, walPath: string, shmPath: string): WalReading {
  for (let attempt = 1; ; attempt += 1) {
    const wal = readFile(os, walPath, walHeaderBytes, parseWalHeader);
    const shm = readFile(os, shmPath, walIndexHeaderBytes, parseWalIndex);
    if (attempt === attemptsMax || isSettled(wal.parsed, shm.parsed)) return { wal, shm };
  }
}

function isSettled(wal: WalHeaderResult | null, shm: WalIndexResult | null): boolean {
  if (shm === null) return true;
  if (shm.kind === "copiesDiffer" || shm.kind === "checksumMismatch") return false;
  if (shm.kind !== "index" || wal?.kind !== "header") return true;
  return isIndexOfWal(shm.index, wal.header) && shm.index.nBackfill <= shm.index.mxFrame;
}

function readFile<Parsed>(
  os: Os,
  path: string,
  byteCount: number,
  parse: (bytes: Uint8Array) => Parsed,
): FileReading<Parsed> {
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    const look = lookAtFile(os, path, { followLinks: false });
    if (look.kind !== "regular") return { look, parsed: null };
    const read = readPrefix(os, path, look.identity, byteCount);
    if (read.kind === "bytes") return { look, parsed: parse(read.bytes) };
    if (read.kind === "unreadable") return { look: read, parsed: null };
  }
  return { look: { kind: "unreadable", operation: "open", code: "ESTALE" }, parsed: null };
}
