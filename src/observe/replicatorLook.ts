/**
 * Litestream's directory beside a database, seen from outside. Its tables in the database (`_litestream_seq`,
 * `_litestream_lock`) tell as much, but whoever reads them has opened it.
 *
 * Source: Litestream's db.go. NewDB: the directory is "." + file name + "-litestream" beside the database, unless
 * `meta-path` says otherwise. 0.5 puts a file into ltx/0 for every sync that found something new. 0.3 names its
 * generation in the file `generation`, appends to the last file in generations/NAME/wal with every sync, and begins the
 * next one, by a number of eight hexadecimal digits, after a checkpoint. So a directory without ltx/0 and without the
 * generation that it names is nobody's evidence: anybody may have made it.
 *
 * Invariant: nothing is opened but that one regular file, of which 16 bytes are read; links are not followed.
 */
import { basename, dirname, join } from "node:path";
import type { ReplicaDirectoryLook } from "../domain/replicator.ts";
import { errnoOf } from "../host/errno.ts";
import { lookAtFile } from "../host/fileLook.ts";
import type { Os } from "../host/os.ts";
import { readPrefix } from "../host/rawRead.ts";

const generationNameLength = 16;

export function replicaDirectoryOf(databasePath: string): string {
  return join(dirname(databasePath), `.${basename(databasePath)}-litestream`);
}

/** @param databasePath resolved */
export function lookAtReplicaDirectory(os: Os, databasePath: string): ReplicaDirectoryLook {
  const path = replicaDirectoryOf(databasePath);
  try {
    if (directoryChangedAtMs(os, path) === null) return { kind: "absent" };
    const generation = readGeneration(os, join(path, "generation"));
    const changedAtMss = [
      directoryChangedAtMs(os, join(path, "ltx", "0")),
      generation === null ? null : shadowWalChangedAtMs(os, join(path, "generations", generation, "wal")),
    ].filter((changedAtMs) => changedAtMs !== null);
    if (changedAtMss.length === 0) return { kind: "empty", path };
    return { kind: "seen", path, changedAtMs: toTheMinute(Math.max(...changedAtMss)) };
  } catch (error) {
    const code = errnoOf(error);
    // It is being taken away, or a generation with it.
    if (code === "ENOENT") return { kind: "absent" };
    return { kind: "unreadable", operation: "lstat", code };
  }
}

/** Litestream changes them every second, and one look is to be like the next: then there is nothing to report. */
function toTheMinute(timeMs: number): number {
  return Math.floor(timeMs / 60_000) * 60_000;
}

/** Null: no directory of this name. */
function shadowWalChangedAtMs(os: Os, path: string): number | null {
  const changedAtMs = directoryChangedAtMs(os, path);
  if (changedAtMs === null) return null;
  const last = os.readDirectory(path).reduce((latest, name) => (name > latest ? name : latest), "");
  const stats = last === "" ? undefined : os.lstat(join(path, last));
  return Math.max(changedAtMs, stats?.kind === "regular" ? stats.modifiedAtMs : 0);
}

/** Null: no directory of this name. */
function directoryChangedAtMs(os: Os, path: string): number | null {
  const stats = os.lstat(path);
  return stats?.kind === "directory" ? stats.modifiedAtMs : null;
}

/** Null: none, or something else than a generation's name. */
function readGeneration(os: Os, path: string): string | null {
  const look = lookAtFile(os, path, { followLinks: false });
  if (look.kind !== "regular") return null;
  const read = readPrefix(os, path, look.identity, generationNameLength);
  if (read.kind !== "bytes") return null;
  const name = new TextDecoder().decode(read.bytes);
  return /^[0-9a-f]{16}$/.test(name) ? name : null;
}
