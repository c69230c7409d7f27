/**
 * What is said of a connected process by the SQLites that were found in its files. Pure. With several of them the
 * verdict is theirs only where they agree: which one has the database open cannot be seen.
 */
import type { LockHolder } from "../domain/observation.ts";
import type { SqliteProcess } from "../domain/sqliteProcess.ts";
import type { SqliteBuild } from "../format/sqliteVersionText.ts";
import { isBuildAffectedByWalResetBug } from "./walResetBug.ts";

interface Found {
  readonly builds: readonly (SqliteBuild & { readonly file: string })[];
  readonly reason: string;
}

export function sqliteProcessOf(
  { pid, comm, user, unit }: LockHolder,
  { builds, reason }: Found,
  connectionCount: number | null,
): SqliteProcess {
  const process = { pid, comm, user, unit, connectionCount };
  const [first] = builds;
  if (first === undefined) return { ...process, ...nothingKnown, reason };
  const verdicts = new Set(
    builds.map(({ sourceDate, version }) => isBuildAffectedByWalResetBug(sourceDate, version)),
  );
  const affected = verdicts.size === 1 ? isBuildAffectedByWalResetBug(first.sourceDate, first.version) : null;
  if (builds.length > 1) {
    const list = builds.map(({ version, sourceDate, file }) => `${version ?? `of ${sourceDate}`} (${file})`);
    return {
      ...process,
      ...nothingKnown,
      affected,
      reason: `more than one SQLite is loaded: ${list.join(", ")}`,
    };
  }
  const { version, sourceId, file, sourceDate } = first;
  // A library that could not be read may be the one that is used.
  if (reason !== "")
    return { ...process, version, sourceId, file, affected: affected === true ? true : null, reason };
  const doubt = version === null ? `no version in ${file} fits its source of ${sourceDate}` : "";
  return { ...process, version, sourceId, file, affected, reason: doubt };
}

const nothingKnown = { version: null, sourceId: null, file: null, affected: null } as const;

/** A tool that runs anew for every row is another process at each look: it must not be looked at without end. */
const againMinMs = 20;

/** Whose look is missing or older than it may be. A process that is known to be unaffected is not asked again. */
export function needsSqliteLook(
  connected: readonly LockHolder[],
  known: readonly SqliteProcess[] | null,
  ageMs: number,
  ageMaxMs: number,
): boolean {
  if (connected.length === 0 || (ageMs >= 0 && ageMs < againMinMs)) return false;
  const byPid = new Map((known ?? []).map((process) => [process.pid, process]));
  return connected.some(({ pid }) => {
    const process = byPid.get(pid);
    return process === undefined || (process.affected !== false && (ageMs < 0 || ageMs >= ageMaxMs));
  });
}
