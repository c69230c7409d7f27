/**
 * A WAL or a rollback journal without its database: the database was moved, removed, or never restored. Pure.
 *
 * SQLite deletes a WAL beside a database that it finds empty, or creates (pager.c, pagerOpenWalIfPresent), and a rollback
 * journal beside one that does not exist. So whoever starts the application first destroys what may be
 * the only copy of its last commits.
 */
import type { FileLook, Observation } from "../domain/observation.ts";

type Left = "-wal" | "-journal";

/** Null: nothing with content. */
export function leftBeside({ wal, journal }: Observation): Left | null {
  if (hasContent(wal)) return "-wal";
  return hasContent(journal) ? "-journal" : null;
}

function hasContent(look: FileLook): boolean {
  return look.kind !== "absent" && !(look.kind === "regular" && look.sizeBytes === 0);
}

/** What it means and what to do, for a database that is not there; null: nothing is left. */
export function describeLeftBehind(observation: Observation, path: string): string | null {
  const left = leftBeside(observation);
  if (left === null) return null;
  const look = left === "-wal" ? observation.wal : observation.journal;
  const size = look.kind === "regular" ? ` with ${look.sizeBytes} bytes` : "";
  const file = `${path}${left}`;
  const [meaning, sidecars] =
    left === "-wal"
      ? ["commits may be in it that are nowhere else", `${file} and ${path}-shm`]
      : ["it may hold the pages that undo a transaction which did not end", file];
  return (
    `${file} is still there${size}: ${meaning}. Do not delete it, and start nothing that opens ${path}: ` +
    "SQLite would make an empty database and delete it. Put the very database back that it belongs to, under this name; " +
    `before a restore from a backup move ${sidecars} away, and keep them`
  );
}
