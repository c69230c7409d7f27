/**
 * Which SQLite is compiled into a file, from the texts that every build carries: the source id (SQLITE_SOURCE_ID,
 * "2022-12-28 14:03:47 df5c253c…": check-in time in UTC and its hash, 40 hexadecimal digits before 3.21, 64 since; a
 * changed source ends in "alt1" or "alt2", as Debian's does) and the version (sqlite3_version, "3.40.1", ended by NUL).
 *
 * Other libraries in the same file have versions that begin with 3 too. So a version counts only if the release of
 * that name fits the time of the source id.
 *
 * Sources: sqlite.org/c3ref/c_source_id.html, sqlite.org/chronology.html (dates of releases).
 */

export interface SqliteTexts {
  readonly sourceIds: readonly string[];
  readonly versions: readonly string[];
}

/** Longer than any of the texts: what chunks of a file must overlap by. */
export const sqliteTextMaxBytes = 128;

const sourceId =
  /20[0-9]{2}-[01][0-9]-[0-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-6][0-9] [0-9a-f]{40}(?:[0-9a-f]{20}(?:[0-9a-f]{4}|alt[0-9]))?/g;
const versionBeforeNul = /3\.[0-9]{1,2}\.[0-9]{1,2}(?:\.[0-9]{1,2})?\0/g;

/** @param text bytes as Latin-1 characters. */
export function findSqliteTexts(text: string): SqliteTexts {
  const versions = new Set<string>();
  for (const match of text.matchAll(versionBeforeNul)) {
    const before = text.charAt(match.index - 1);
    if (!/[0-9.]/.test(before)) versions.add(match[0].slice(0, -1));
  }
  return { sourceIds: [...new Set(text.match(sourceId) ?? [])], versions: [...versions] };
}

export interface SqliteBuild {
  readonly sourceId: string;
  /** "YYYY-MM-DD" of the source id. */
  readonly sourceDate: string;
  /** Null: no version in the file fits the source id, or more than one does. */
  readonly version: string | null;
}

/** Each source is a SQLite; none: the file has no SQLite in it, or one that cannot be recognised. */
export function sqliteBuildsIn({ sourceIds, versions }: SqliteTexts): readonly SqliteBuild[] {
  const builds = new Map<string, SqliteBuild>();
  for (const id of sourceIds) {
    const sourceDate = id.slice(0, 10);
    builds.set(sourceOf(id), { sourceId: id, sourceDate, version: versionOf(sourceDate, versions) });
  }
  return [...builds.values()];
}

/**
 * The same for all ids of one source: FTS5 and the command line tool carry an id too, and only the last four digits of
 * the hash tell a changed source from the one that it comes from.
 */
export function sourceOf(id: string): string {
  return id.slice(0, "YYYY-MM-DD HH:MM:SS ".length + 36);
}

const dayMs = 24 * 60 * 60 * 1000;

function versionOf(sourceDate: string, versions: readonly string[]): string | null {
  const releasedThen = versions.filter((version) => isWithinADay(releaseDates.get(version), sourceDate));
  if (releasedThen.length > 0) return onlyOne(releasedThen);
  // Not in the table: newer than it, or older. Then the branch must have been begun, and not long before.
  const possible = versions.filter(
    (version) => !releaseDates.has(version) && fitsBranch(version, sourceDate),
  );
  return onlyOne(possible);
}

function onlyOne(versions: readonly string[]): string | null {
  const [only] = versions;
  return only !== undefined && versions.length === 1 ? only : null;
}

function isWithinADay(date: string | undefined, sourceDate: string): boolean {
  return date !== undefined && Math.abs(Date.parse(date) - Date.parse(sourceDate)) <= dayMs;
}

/** The first release of the branch, where the table has it, is not later; and later branches are not older. */
function fitsBranch(version: string, sourceDate: string): boolean {
  const minor = Number(version.split(".")[1]);
  const began = releaseDates.get(`3.${minor}.0`);
  if (began !== undefined) return Date.parse(began) - dayMs <= Date.parse(sourceDate);
  return minor > lastMinor
    ? Date.parse(sourceDate) >= Date.parse(lastDate)
    : minor < firstMinor && minor >= 7 && sourceDate < firstDate;
}

/** Releases from 3.31.0 to 3.53.1; an earlier SQLite is told by its date alone. */
const releaseDates: ReadonlyMap<string, string> = new Map(
  `3.31.0 2020-01-22, 3.31.1 2020-01-27, 3.32.0 2020-05-22, 3.32.1 2020-05-25, 3.32.2 2020-06-04,
  3.32.3 2020-06-18, 3.33.0 2020-08-14, 3.34.0 2020-12-01, 3.34.1 2021-01-20, 3.35.0 2021-03-12,
  3.35.1 2021-03-15, 3.35.2 2021-03-17, 3.35.3 2021-03-26, 3.35.4 2021-04-02, 3.35.5 2021-04-19,
  3.36.0 2021-06-18, 3.37.0 2021-11-27, 3.37.1 2021-12-30, 3.37.2 2022-01-06, 3.38.0 2022-02-22,
  3.38.1 2022-03-12, 3.38.2 2022-03-26, 3.38.3 2022-04-27, 3.38.4 2022-05-04, 3.38.5 2022-05-06,
  3.39.0 2022-06-25, 3.39.1 2022-07-13, 3.39.2 2022-07-21, 3.39.3 2022-09-05, 3.39.4 2022-09-29,
  3.40.0 2022-11-16, 3.40.1 2022-12-28, 3.41.0 2023-02-21, 3.41.1 2023-03-10, 3.41.2 2023-03-22,
  3.42.0 2023-05-16, 3.43.0 2023-08-24, 3.43.1 2023-09-11, 3.43.2 2023-10-10, 3.44.0 2023-11-01,
  3.44.1 2023-11-22, 3.44.2 2023-11-24, 3.45.0 2024-01-15, 3.45.1 2024-01-30, 3.45.2 2024-03-12,
  3.45.3 2024-04-15, 3.46.0 2024-05-23, 3.46.1 2024-08-13, 3.47.0 2024-10-21, 3.47.1 2024-11-25,
  3.47.2 2024-12-07, 3.48.0 2025-01-14, 3.49.0 2025-02-06, 3.49.1 2025-02-18, 3.49.2 2025-05-07,
  3.50.0 2025-05-29, 3.50.1 2025-06-06, 3.50.2 2025-06-28, 3.50.3 2025-07-17, 3.50.4 2025-07-30,
  3.51.0 2025-11-04, 3.51.1 2025-11-28, 3.51.2 2026-01-09, 3.52.0 2026-03-06, 3.51.3 2026-03-13,
  3.53.1 2026-05-05`
    .split(",")
    .map((entry) => entry.trim().split(" "))
    .map(([version = "", date = ""]) => [version, date]),
);
const firstMinor = 31;
const firstDate = "2020-01-22";
const lastMinor = 53;
const lastDate = "2026-03-13";

/** "3.40.1" for SQLITE_VERSION_NUMBER 3040001, as bytes 96 to 99 of a database have it; null: it is none. */
export function versionOfNumber(versionNumber: number): string | null {
  const major = Math.floor(versionNumber / 1_000_000);
  if (major !== 3) return null;
  return `${major}.${Math.floor(versionNumber / 1_000) % 1_000}.${versionNumber % 1_000}`;
}
