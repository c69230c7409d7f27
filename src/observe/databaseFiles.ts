/**
 * The files of one database as they are now, with the beginnings of those that can be read.
 *
 * The four names are looked at without following links: SQLite would follow a link at -wal or -shm, and what
 * it led to would not be this database's. A file that is exchanged between the look and the read is looked at
 * again, a few times; then it is reported as unreadable with ESTALE, never as what it was.
 *
 * Whoever looks again and again hands over what was read before: then only that is read which may have changed. Where an
 * act depends on it, all is read anew.
 */
import type { FileLook } from "../domain/observation.ts";
import {
  type DatabaseHeaderResult,
  databaseHeaderBytes,
  parseDatabaseHeader,
} from "../format/databaseHeader.ts";
import { parseWalHeader, type WalHeaderResult, walHeaderBytes } from "../format/walHeader.ts";
import { isIndexOfWal, parseWalIndex, type WalIndexResult, walIndexHeaderBytes } from "../format/walIndex.ts";
import { lookAtFile, type StatLook } from "../host/fileLook.ts";
import type { Os } from "../host/os.ts";
import { readPrefix } from "../host/rawRead.ts";
import type { HeldFile } from "./heldFile.ts";
import { KeptReading } from "./keptReading.ts";

export interface FileReading<Parsed> {
  readonly look: FileLook;
  /** Null: not a regular file, or not readable. */
  readonly parsed: Parsed | null;
}

export interface WalReading {
  readonly wal: FileReading<WalHeaderResult>;
  readonly shm: FileReading<WalIndexResult>;
}

/** What was read of one database before. */
export interface FileMemory {
  readonly header: KeptReading<DatabaseHeaderResult>;
  readonly walHeader: KeptReading<WalHeaderResult>;
  readonly walIndex: KeptReading<WalIndexResult>;
}

export function createFileMemory(): FileMemory {
  return {
    header: new KeptReading(databaseHeaderBytes, parseDatabaseHeader),
    walHeader: new KeptReading(walHeaderBytes, parseWalHeader),
    walIndex: new KeptReading(walIndexHeaderBytes, parseWalIndex),
  };
}

/** How one look is taken. */
export interface LookTerms {
  /** Nothing that was read before is given again. */
  readonly anew: boolean;
  /** Wall clock, when the look began. */
  readonly nowMs: number;
}

export interface WalTerms extends LookTerms {
  /**
   * Wall clock when the gathering of the locks began, which showed the WAL-index with nobody connected to it, and
   * shows all locks there are. Null: not so.
   */
  readonly unconnectedAtMs: number | null;
  /** Somebody is seen connected to the WAL-index. */
  readonly isConnected: boolean;
  /** The WAL-index, held open while somebody is connected. */
  readonly heldShm: HeldFile;
}

const attemptsMax = 3;

export function readDatabaseHeader(
  os: Os,
  path: string,
  kept: KeptReading<DatabaseHeaderResult>,
  { anew, nowMs }: LookTerms,
): FileReading<DatabaseHeaderResult> {
  return readFile(os, path, kept, nowMs, (look) => !anew && kept.isStillSo(look));
}

/**
 * WAL header and WAL-index. Both may be in the middle of a change: the index while a commit writes it, and
 * either of them while the WAL starts over. Such a moment is over at the next look.
 *
 * The index is written through a mapping, so its times say nothing, except while nobody is connected: the first that
 * connects cuts it to three bytes (os_unix.c, unixLockSharedMemory), and that changes them. The header is
 * written once for each pair of salts, and whoever is connected has those in the index.
 *
 * @param firstShmLook the one by which the locks were looked at.
 */
export function readWal(
  os: Os,
  paths: { readonly wal: string; readonly shm: string },
  firstShmLook: StatLook,
  { walHeader, walIndex }: FileMemory,
  { anew, nowMs, unconnectedAtMs, isConnected, heldShm }: WalTerms,
): WalReading {
  const indexKnownAtMs = unconnectedAtMs ?? Number.NEGATIVE_INFINITY;
  if (!isConnected) heldShm.release();
  for (let attempt = 1; ; attempt += 1) {
    const mayKeep = !anew && attempt === 1;
    const shm = readFile(
      os,
      paths.shm,
      walIndex,
      indexKnownAtMs,
      (look) => mayKeep && unconnectedAtMs !== null && walIndex.isStillSo(look),
      attempt === 1 ? firstShmLook : undefined,
      isConnected ? heldShm : undefined,
    );
    const wal = readFile(os, paths.wal, walHeader, nowMs, (look) => {
      if (!mayKeep) return false;
      return walHeader.isStillSo(look) || (isConnected && hasSaltsOf(shm.parsed, walHeader, look));
    });
    if (attempt === attemptsMax || isSettled(wal.parsed, shm.parsed)) return { wal, shm };
  }
}

function hasSaltsOf(
  shm: WalIndexResult | null,
  walHeader: KeptReading<WalHeaderResult>,
  look: StatLook,
): boolean {
  const header = walHeader.parsed;
  if (shm?.kind !== "index" || shm.index.mxFrame === 0 || header?.kind !== "header") return false;
  if (look.kind !== "regular" || look.identity !== walHeader.identity) return false;
  return isIndexOfWal(shm.index, header.header);
}

function isSettled(wal: WalHeaderResult | null, shm: WalIndexResult | null): boolean {
  if (shm === null) return true;
  if (shm.kind === "copiesDiffer" || shm.kind === "checksumMismatch") return false;
  if (shm.kind !== "index" || wal?.kind !== "header") return true;
  return isIndexOfWal(shm.index, wal.header) && shm.index.nBackfill <= shm.index.mxFrame;
}

/** For the bytes of one read, which are copied before the next. */
const scratch = new Uint8Array(walIndexHeaderBytes);

/** @param mayKeep whether what was read before still stands, by what is seen of the file now. */
function readFile<Parsed>(
  os: Os,
  path: string,
  kept: KeptReading<Parsed>,
  knownAtMs: number,
  mayKeep: (look: StatLook) => boolean,
  firstLook?: StatLook,
  held?: HeldFile,
): FileReading<Parsed> {
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    const look = attempt === 1 && firstLook !== undefined ? firstLook : lookAtFile(os, path, noLinks);
    if (look.kind !== "regular") {
      kept.forget();
      held?.release();
      return { look, parsed: null };
    }
    if (mayKeep(look)) return { look, parsed: kept.parsed };
    const { byteCount } = kept;
    const into = scratch.subarray(0, byteCount);
    const read =
      held?.read(path, look.identity, into) ?? readPrefix(os, path, look.identity, byteCount, into);
    if (read.kind === "bytes") return { look, parsed: kept.take(read.bytes, look, knownAtMs) };
    if (read.kind === "unreadable") {
      kept.forget();
      return { look: read, parsed: null };
    }
  }
  kept.forget();
  return { look: { kind: "unreadable", operation: "open", code: "ESTALE" }, parsed: null };
}

const noLinks = { followLinks: false } as const;
