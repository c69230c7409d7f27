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
 */

/** Sums `byteCount` bytes, a multiple of 8, from the start of `view`. */
export function walChecksum(
  view: DataView,
  byteCount: number,
  littleEndian: boolean,
): readonly [number, number] {
  let s0 = 0;
  let s1 = 0;
  for (let offset = 0; offset < byteCount; offset += 8) {
    s0 = (s0 + view.getUint32(offset, littleEndian) + s1) >>> 0;
    s1 = (s1 + view.getUint32(offset + 4, littleEndian) + s0) >>> 0;
  }
  return [s0, s1];
}
