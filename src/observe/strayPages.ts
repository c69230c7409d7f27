/**
 * Pages of a database that are not as the WAL's round before has left them (format/earlierRound.ts): who opens this
 * database with this WAL gets a mixture. Both files are only read, and the event loop breathes meanwhile.
 */
import type { StrayPages } from "../domain/residueReport.ts";
import { createEarlierRound } from "../format/earlierRound.ts";
import { walFrameOffsetBytes } from "../format/walFrame.ts";
import { type WalHeader, walFrameBytes, walFrameHeaderBytes } from "../format/walHeader.ts";
import { readBootedAtMs } from "../host/bootId.ts";
import { bornAtMs } from "../host/bornAt.ts";
import { breather } from "../host/breather.ts";
import type { Clock } from "../host/clock.ts";
import { errnoOf } from "../host/errno.ts";
import { openSeen } from "../host/openSeen.ts";
import type { Os } from "../host/os.ts";
import { readFully } from "../host/rawRead.ts";

export interface StrayPagesQuestion {
  readonly databasePath: string;
  /** "device:inode" of each, as they were seen. */
  readonly databaseIdentity: string;
  readonly walIdentity: string;
  readonly walHeader: WalHeader;
  readonly mxFrame: number;
}

interface Host {
  readonly os: Os;
  readonly clock: Clock;
}

/** Of a larger WAL nothing is said. */
const walBytesMax = 256 * 1024 * 1024;
const comparedCountMax = 1_024;
/** btime of /proc/stat is in whole seconds. */
const bootDoubtMs = 2_000;

/** Null: there is nothing to compare, or it cannot be told. */
export async function lookForStrayPages(
  host: Host,
  question: StrayPagesQuestion,
): Promise<StrayPages | null> {
  const { os } = host;
  const wal = openSeen(os, `${question.databasePath}-wal`, question.walIdentity);
  if (wal.kind !== "open") return null;
  try {
    if (wal.sizeBytes > walBytesMax || !isOfThisBoot(os, wal.descriptor)) return null;
    const frames = await framesToCompare(host, wal.descriptor, wal.sizeBytes, question);
    if (frames.size === 0) return null;
    const database = openSeen(os, question.databasePath, question.databaseIdentity);
    if (database.kind !== "open") return null;
    try {
      return await compare(host, wal.descriptor, database.descriptor, frames, question.walHeader);
    } finally {
      os.close(database.descriptor);
    }
  } catch (error) {
    errnoOf(error);
    return null;
  } finally {
    os.close(wal.descriptor);
  }
}

/** No power cut can have left frames in it that are of no round. */
function isOfThisBoot(os: Os, descriptor: number): boolean {
  const bootedAtMs = readBootedAtMs(os);
  const madeAtMs = bornAtMs(descriptor);
  return bootedAtMs !== null && madeAtMs !== null && madeAtMs > bootedAtMs + bootDoubtMs;
}

async function framesToCompare(
  { os, clock }: Host,
  wal: number,
  walBytes: number,
  { walHeader, mxFrame }: StrayPagesQuestion,
): Promise<ReadonlyMap<number, number>> {
  const { pageSizeBytes } = walHeader;
  const round = createEarlierRound(walHeader, mxFrame);
  const breathe = breather(clock);
  const buffer = new Uint8Array(walFrameBytes(pageSizeBytes));
  let frame = 1;
  for (; walFrameOffsetBytes(frame + 1, pageSizeBytes) <= walBytes; frame += 1) {
    const wanted = frame <= mxFrame ? buffer.subarray(0, walFrameHeaderBytes) : buffer;
    round.add(frame, readFully(os, wal, wanted, walFrameOffsetBytes(frame, pageSizeBytes)));
    const pause = breathe();
    if (pause !== null) await pause;
  }
  return round.result(walBytes - walFrameOffsetBytes(frame, pageSizeBytes));
}

async function compare(
  { os, clock }: Host,
  wal: number,
  database: number,
  frames: ReadonlyMap<number, number>,
  { pageSizeBytes }: WalHeader,
): Promise<StrayPages> {
  const breathe = breather(clock);
  const inWal = new Uint8Array(pageSizeBytes);
  const inDatabase = new Uint8Array(pageSizeBytes);
  let comparedCount = 0;
  let strayCount = 0;
  let firstStrayPage: number | null = null;
  for (const [page, frame] of frames) {
    if (comparedCount === comparedCountMax) break;
    const offset = walFrameOffsetBytes(frame, pageSizeBytes) + walFrameHeaderBytes;
    const asLeft = readFully(os, wal, inWal, offset);
    const asFound = readFully(os, database, inDatabase, (page - 1) * pageSizeBytes);
    comparedCount += 1;
    if (Buffer.compare(asLeft, asFound) !== 0) {
      strayCount += 1;
      firstStrayPage ??= page;
    }
    const pause = breathe();
    if (pause !== null) await pause;
  }
  return { comparedCount, strayCount, firstStrayPage };
}
