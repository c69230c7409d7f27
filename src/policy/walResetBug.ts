/**
 * Which releases of SQLite carry the WAL-reset bug: a checkpoint that overlaps a commit which resets the WAL
 * can later skip committed pages.
 *
 * Source: sqlite.org/wal.html#walresetbug. Affected: 3.7.0 (the first with WAL) to 3.51.2. Fixed in 3.51.3,
 * and in the maintenance releases 3.44.6 and 3.50.7 and what follows them on those branches. 3.52.0 was
 * withdrawn: what calls itself so need not be what was published, so it is not trusted to have the fix.
 * A version that cannot be read is not trusted either.
 */

/** `version` as sqlite_version() spells it, "3.51.2", or as SQLITE_VERSION_NUMBER, 3051002. */
export function isAffectedByWalResetBug(version: string | number): boolean {
  const parsed = typeof version === "number" ? fromNumber(version) : fromText(version);
  if (parsed === null) return true;
  const [major, minor, patch] = parsed;
  if (major !== 3) return false;
  if (minor < 7) return false;
  if (minor === 44) return patch < 6;
  if (minor === 50) return patch < 7;
  if (minor === 51) return patch < 3;
  if (minor === 52) return patch === 0;
  return minor < 51;
}

/** WAL came with the sources of April 2010, the fix was written on 3 March 2026. */
const walBeganOn = "2010-04-01";
const fixedOn = "2026-03-03";

/**
 * By the date of the source id, "YYYY-MM-DD", which decides for all that was built from older sources; else by the
 * version. Null: not known.
 */
export function isBuildAffectedByWalResetBug(sourceDate: string, version: string | null): boolean | null {
  if (sourceDate < walBeganOn) return false;
  if (sourceDate < fixedOn) return true;
  return version === null ? null : isAffectedByWalResetBug(version);
}

type Parts = readonly [major: number, minor: number, patch: number];

function fromText(version: string): Parts | null {
  const match = /^(\d+)\.(\d+)(?:\.(\d+))?(?:\.\d+)?$/.exec(version);
  return match === null ? null : [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)];
}

function fromNumber(version: number): Parts | null {
  if (!Number.isInteger(version) || version <= 0) return null;
  return [Math.floor(version / 1_000_000), Math.floor(version / 1_000) % 1_000, version % 1_000];
}
