/** Sizes: "64MiB", "1GB", or bytes. Binary units are written with an i, as in IEC 80000-13. */
import { accept, type Parsed, refuse } from "./parsed.ts";

const unitBytes: Readonly<Record<string, number>> = Object.freeze({
  "": 1,
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
});

export const sizeAccepted =
  "a size, for example 64MiB, 1GB or 1048576 (bytes); units B, kB, MB, GB, TB, KiB, MiB, GiB, TiB";

export function parseSize(text: string): Parsed<number> {
  const match = /^(0|[1-9][0-9]*)([A-Za-z]*)$/.exec(text);
  const factor = unitBytes[match?.[2] ?? "none"];
  if (match === null || factor === undefined) return refuse(sizeAccepted);
  const sizeBytes = Number(match[1]) * factor;
  return Number.isSafeInteger(sizeBytes) ? accept(sizeBytes) : refuse(sizeAccepted);
}

/** Exact: the largest binary unit that divides it. */
export function formatSize(sizeBytes: number): string {
  for (const unit of ["TiB", "GiB", "MiB", "KiB"]) {
    const factor = unitBytes[unit] ?? 1;
    if (sizeBytes > 0 && sizeBytes % factor === 0) return `${sizeBytes / factor}${unit}`;
  }
  return `${sizeBytes}B`;
}
