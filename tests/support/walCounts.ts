/**
 * mxFrame and nBackfill of a live WAL-index, by reading the file: only in a process that has not opened the database with
 * SQLite, whose locks it would drop. Null: it is not there, or was read while it changed.
 */
import { readFileSync, statSync } from "node:fs";
import { lockCoversByte, parseProcLocks } from "../../src/format/procLocks.ts";
import { parseWalIndex } from "../../src/format/walIndex.ts";

export interface WalCounts {
  readonly mxFrame: number;
  readonly nBackfill: number;
  readonly salts: string;
}

export function readWalCounts(databasePath: string): WalCounts | null {
  const result = parseWalIndex(readFileSync(`${databasePath}-shm`));
  if (result.kind !== "index") return null;
  const { mxFrame, nBackfill, salt1, salt2 } = result.index;
  return { mxFrame, nBackfill, salts: `${salt1} ${salt2}` };
}

export function isCompleteWal(counts: WalCounts | null): boolean {
  return counts !== null && counts.mxFrame > 0 && counts.nBackfill >= counts.mxFrame;
}

/** CKPT, and the marks that keep the WAL from starting over. */
const guardingBytes = [121, 124, 125, 126, 127];

/** A complete WAL that no read mark and no checkpoint keeps from starting over, now. */
function isLeftToOthers(databasePath: string, shmInode: string): boolean {
  const before = readWalCounts(databasePath);
  if (!isCompleteWal(before)) return false;
  // One read may leave out a lock that is held (host/procLocks.ts).
  const text = [1, 2, 3].map(() => readFileSync("/proc/locks", "utf8")).join("\n");
  const locks = parseProcLocks(text).filter(({ inode }) => inode === shmInode);
  if (locks.some((lock) => guardingBytes.some((byte) => lockCoversByte(lock, byte)))) return false;
  const after = readWalCounts(databasePath);
  return isCompleteWal(after) && after?.salts === before?.salts && after?.mxFrame === before?.mxFrame;
}

/** Looks as often as it can until its end: the moments that matter last less than a millisecond. */
export function watchForLeftWal(databasePath: string) {
  const shmInode = String(statSync(`${databasePath}-shm`, { bigint: true }).ino);
  const seen = { lookCount: 0, leftCount: 0 };
  let isOver = false;
  const looking = (async () => {
    while (!isOver) {
      for (let look = 1; look <= 20; look += 1)
        if (isLeftToOthers(databasePath, shmInode)) seen.leftCount += 1;
      seen.lookCount += 20;
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  return {
    end: async () => {
      isOver = true;
      await looking;
      return seen;
    },
  };
}
