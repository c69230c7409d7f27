/**
 * Gives the page cache back what a check has filled, and nothing else: pages of the database that lie where nothing was
 * cached before it began. What the application had in the cache stays; what it began to read in just that time, in a part
 * of the file that was cold, has to be read once more.
 *
 * Dropped is what is clean and what nobody has mapped (POSIX_FADV_DONTNEED, mm/fadvise.c). A range with a page that is
 * dirty or being written is left alone: dropping would hasten its writing, and a page that is clean before its time hides
 * from the exposure look who does not sync.
 *
 * Asked in ranges, at most `rangeCountMax` of them, whatever the size of the file: a microsecond or two each.
 */
import { breather } from "../host/breather.ts";
import type { Clock } from "../host/clock.ts";
import { errnoOf } from "../host/errno.ts";
import { openSeen } from "../host/openSeen.ts";
import type { Os } from "../host/os.ts";
import { cachestat, dropCached } from "../host/pageCache.ts";

interface Host {
  readonly os: Os;
  readonly clock: Clock;
}

/** Where nothing of a file was cached. */
export interface ColdRanges {
  readonly path: string;
  readonly identity: string;
  readonly rangeBytes: number;
  readonly offsetsBytes: readonly number[];
}

const rangeBytesMin = 256 * 1024;
const rangeCountMax = 8_192;

/** Null: it cannot be told, and nothing is ever dropped. */
export async function coldRanges(host: Host, path: string, identity: string): Promise<ColdRanges | null> {
  const offsetsBytes: number[] = [];
  const rangeBytes = await eachRange(host, path, identity, null, (descriptor, offsetBytes, lengthBytes) => {
    const stat = cachestat(descriptor, offsetBytes, lengthBytes);
    if (stat.ok && stat.cached === 0) offsetsBytes.push(offsetBytes);
    return stat.ok;
  });
  return rangeBytes === null ? null : { path, identity, rangeBytes, offsetsBytes };
}

/** Drops what has come into the cold ranges since. */
export async function dropInto(host: Host, cold: ColdRanges): Promise<void> {
  await eachRange(host, cold.path, cold.identity, cold, (descriptor, offsetBytes, lengthBytes) => {
    const stat = cachestat(descriptor, offsetBytes, lengthBytes);
    if (!stat.ok) return false;
    if (stat.cached === 0 || stat.dirty > 0 || stat.writeback > 0) return true;
    return dropCached(descriptor, offsetBytes, lengthBytes);
  });
}

/** @returns the length of a range; null: the file is not the one that was seen, or a call failed. */
async function eachRange(
  { os, clock }: Host,
  path: string,
  identity: string,
  cold: ColdRanges | null,
  visit: (descriptor: number, offsetBytes: number, lengthBytes: number) => boolean,
): Promise<number | null> {
  const opened = openSeen(os, path, identity);
  if (opened.kind !== "open") return null;
  const { descriptor, sizeBytes } = opened;
  const rangeBytes =
    cold?.rangeBytes ?? rangeBytesMin * Math.max(1, Math.ceil(sizeBytes / rangeCountMax / rangeBytesMin));
  const offsets =
    cold?.offsetsBytes ??
    Array.from({ length: Math.ceil(sizeBytes / rangeBytes) }, (_, index) => index * rangeBytes);
  const breathe = breather(clock);
  try {
    for (const offsetBytes of offsets) {
      if (!visit(descriptor, offsetBytes, rangeBytes)) return null;
      const pause = breathe();
      if (pause !== null) await pause;
    }
    return rangeBytes;
  } finally {
    close(os, descriptor);
  }
}

function close(os: Os, descriptor: number): void {
  try {
    os.close(descriptor);
  } catch (error) {
    errnoOf(error);
  }
}
