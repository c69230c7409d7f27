/**
 * The checksum of a WAL frame as text. It is cumulative over the WAL header and all frames up to this one (walFrame.ts),
 * so the same checksum at the same place means the same frames before it. Pure.
 */

/** 16 hexadecimal digits, as they stand in the file. */
export function frameChecksumHex(sum: { readonly checksum1: number; readonly checksum2: number }): string {
  return [sum.checksum1, sum.checksum2].map((word) => word.toString(16).padStart(8, "0")).join("");
}
