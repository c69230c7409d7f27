/**
 * The checksum that SQLite uses for the WAL header, its frames and the WAL-index header.
 *
 * Source: sqlite.org/fileformat2.html, "Checksum Algorithm": the content is read as an even number of
 * unsigned 32-bit integers x(0) to x(N), and
 *
 *     for i from 0 to n-1 step 2:
 *       s0 += x(i) + s1;
 *       s1 += x(i+1) + s0;
 *
 * modulo 2^32. The byte order is the caller's matter: the WAL's magic number names it, the WAL-index is
 * in the order of the machine.
 *
 * Sums are kept as signed 32-bit integers, and the byte order is a constant in each loop: that is what makes them
 * machine arithmetic in the compiled code, at some gigabytes a second.
 */

/** s0 and s1 as signed 32-bit integers. A new one is zero, as the sum of nothing. */
export type WalChecksum = Int32Array;

export function newWalChecksum(): WalChecksum {
  return new Int32Array(2);
}

/** Goes on with `byteCount` bytes, a multiple of 8, from `offset` in `view`. */
export function addToWalChecksum(
  sums: WalChecksum,
  view: DataView,
  offset: number,
  byteCount: number,
  littleEndian: boolean,
): void {
  if (littleEndian) addLittleEndian(sums, view, offset, offset + byteCount);
  else addBigEndian(sums, view, offset, offset + byteCount);
}

/** Sums `byteCount` bytes, a multiple of 8, from the start of `view`. */
export function walChecksum(
  view: DataView,
  byteCount: number,
  littleEndian: boolean,
): readonly [number, number] {
  const sums = newWalChecksum();
  addToWalChecksum(sums, view, 0, byteCount, littleEndian);
  const [s0 = 0, s1 = 0] = sums;
  return [s0 >>> 0, s1 >>> 0];
}

function addLittleEndian(sums: WalChecksum, view: DataView, start: number, end: number): void {
  let s0 = sums[0] ?? 0;
  let s1 = sums[1] ?? 0;
  for (let offset = start; offset < end; offset += 8) {
    s0 = (s0 + view.getInt32(offset, true) + s1) | 0;
    s1 = (s1 + view.getInt32(offset + 4, true) + s0) | 0;
  }
  sums[0] = s0;
  sums[1] = s1;
}

function addBigEndian(sums: WalChecksum, view: DataView, start: number, end: number): void {
  let s0 = sums[0] ?? 0;
  let s1 = sums[1] ?? 0;
  for (let offset = start; offset < end; offset += 8) {
    s0 = (s0 + view.getInt32(offset, false) + s1) | 0;
    s1 = (s1 + view.getInt32(offset + 4, false) + s0) | 0;
  }
  sums[0] = s0;
  sums[1] = s1;
}
