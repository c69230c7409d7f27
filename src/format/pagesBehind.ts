/**
 * Which pages behind the end of a database file the committed frames of a WAL hold, counted in one bit a page: a WAL
 * that makes a database larger holds every page that it adds.
 *
 * Invariant: memory is bounded by `bitCountMax`, and by one number for each new page of the transaction that is read.
 */

export interface PagesBehind {
  /** A valid frame of the page. */
  add(pageNumber: number): void;
  /** What was added so far is committed. */
  commit(): void;
  /** Committed pages up to `lastPage`. Null: some lay too far behind to be counted. */
  countUpTo(lastPage: number): number | null;
}

/** 8 MiB of bits: a database that is larger by 64 Mi pages, 256 GiB with the usual page size. */
const bitCountMax = 2 ** 26;

/** @param filePageCount size of the database file in pages. */
export function createPagesBehind(filePageCount: number): PagesBehind {
  let bits = new Uint8Array(128);
  let uncommitted: number[] = [];
  let isBeyond = false;

  const has = (index: number): boolean => ((bits[index >> 3] ?? 0) & (1 << (index & 7))) !== 0;

  return {
    add(pageNumber) {
      const index = pageNumber - filePageCount - 1;
      if (index < 0) return;
      if (index >= bitCountMax) {
        isBeyond = true;
        return;
      }
      if (has(index)) return;
      if (index >> 3 >= bits.byteLength) {
        const larger = new Uint8Array(Math.max(bits.byteLength * 2, (index >> 3) + 1));
        larger.set(bits);
        bits = larger;
      }
      bits[index >> 3] = (bits[index >> 3] ?? 0) | (1 << (index & 7));
      uncommitted.push(index);
    },
    commit() {
      if (uncommitted.length > 0) uncommitted = [];
    },
    countUpTo(lastPage) {
      if (isBeyond) return null;
      const end = Math.min(lastPage - filePageCount, bits.byteLength * 8);
      let count = 0;
      for (let index = 0; index < end; index += 1) if (has(index)) count += 1;
      for (const index of uncommitted) if (index < end) count -= 1;
      return count;
    },
  };
}
