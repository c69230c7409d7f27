/**
 * Moments at which nobody writes to a WAL: a look at the page cache is believed in between two that are the same. Asks
 * for locks, takes none.
 */
import type { ExposureQuestion } from "../domain/exposure.ts";
import { errnoOf } from "../host/errno.ts";
import { probeLock } from "../host/lockProbe.ts";
import type { Os } from "../host/os.ts";
import type { CacheStat } from "../host/pageCache.ts";

export type WalQuestion = Extract<ExposureQuestion, { readonly kind: "wal" }>;

const writeLockByte = 120;

/** Most looks find nothing dirty and ask for no lock; closing a file that others have locked is dear. */
export class OpenedWhenAsked {
  readonly #os: Os;
  readonly #path: string;
  #descriptor: number | null | undefined;

  constructor(os: Os, path: string) {
    this.#os = os;
    this.#path = path;
  }

  /** Null: it is gone, or may not be read. */
  get descriptor(): number | null {
    if (this.#descriptor === undefined) this.#descriptor = openIfThere(this.#os, this.#path);
    return this.#descriptor;
  }

  close(): void {
    if (this.#descriptor != null) this.#os.close(this.#descriptor);
  }
}

/** Null: it is gone, or may not be read. */
function openIfThere(os: Os, path: string): number | null {
  try {
    return os.open(path);
  } catch (error) {
    errnoOf(error);
    return null;
  }
}

export function isClean(cache: Extract<CacheStat, { readonly ok: true }>): boolean {
  return cache.dirty + cache.writeback === 0;
}

const indexHeader = new Uint8Array(48);
/** The same bytes in the byte order of this machine; word 4 is mxFrame (format/walIndex.ts). */
const indexWords = new Uint32Array(indexHeader.buffer);

/**
 * What stays the same while nobody writes: the header of the WAL-index, which counts transactions. Null: a writer is at
 * work, or it cannot be asked.
 */
export function momentOf(os: Os, shm: OpenedWhenAsked, question: WalQuestion): string | null {
  if (question.writers === "none") return "";
  const { descriptor } = shm;
  if (descriptor === null || !isFree(question, shm)) return null;
  os.read(descriptor, indexHeader, 0);
  return indexHeader.join();
}

/** mxFrame of the WAL-index (format/walIndex.ts) at the last moment that was asked for. */
export function lastFrameAtMoment(): number {
  return indexWords[4] ?? 0;
}

/** What cannot be asked is taken for held. */
function isFree({ writers }: WalQuestion, shm: OpenedWhenAsked): boolean {
  if (writers === "none") return true;
  if (writers === "hidden" || shm.descriptor === null) return false;
  return probeLock(shm.descriptor, writeLockByte, 1).kind === "free";
}
