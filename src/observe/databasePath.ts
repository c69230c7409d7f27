/**
 * Where a configured path leads. Symbolic links are resolved once and the result is kept while something is
 * there: SQLite names -wal and -shm after the resolved path, so two names of one file must become one.
 *
 * Invariant: nothing is thrown; a link that leads nowhere or to itself is told from a file that is absent.
 */
import { basename, dirname, join } from "node:path";
import type { FileLook } from "../domain/observation.ts";
import { errnoOf } from "../host/errno.ts";
import { lookAtFile } from "../host/fileLook.ts";
import type { Os } from "../host/os.ts";

export type ResolvedPath =
  | { readonly kind: "resolved"; readonly path: string }
  /** Nothing usable is there; `path` is where it would be, its directory resolved as far as that goes. */
  | { readonly kind: "unresolved"; readonly path: string; readonly look: FileLook };

/** The names that SQLite gives to the files of one database. */
export interface DatabasePaths {
  readonly directory: string;
  readonly database: string;
  readonly wal: string;
  readonly shm: string;
  readonly journal: string;
}

/** @param path resolved: SQLite names the others after it. */
export function pathsOf(path: string): DatabasePaths {
  return {
    directory: dirname(path),
    database: path,
    wal: `${path}-wal`,
    shm: `${path}-shm`,
    journal: `${path}-journal`,
  };
}

export interface PathResolver {
  resolve(path: string): ResolvedPath;
  /** Nothing is at the resolved path any more: resolve the configured one anew next time. */
  forget(path: string): void;
}

export function createPathResolver(os: Os): PathResolver {
  const known = new Map<string, ResolvedPath>();
  return {
    resolve(path) {
      const kept = known.get(path);
      if (kept !== undefined) return kept;
      const resolved = resolve(os, path);
      if (resolved.kind === "resolved") known.set(path, resolved);
      return resolved;
    },
    forget: (path) => void known.delete(path),
  };
}

function resolve(os: Os, path: string): ResolvedPath {
  const real = tryRealpath(os, path);
  if (real.ok) return { kind: "resolved", path: real.path };
  const directory = tryRealpath(os, dirname(path));
  return {
    kind: "unresolved",
    path: directory.ok ? join(directory.path, basename(path)) : path,
    look: lookAtUnresolved(os, path, real.code),
  };
}

function lookAtUnresolved(os: Os, path: string, code: string): FileLook {
  if (code !== "ENOENT") return { kind: "unreadable", operation: "realpath", code };
  const look = lookAtFile(os, path, { followLinks: false });
  // A link that leads nowhere is one; a file that has come meanwhile is seen the next time.
  return look.kind === "other" ? look : { kind: "absent" };
}

function tryRealpath(
  os: Os,
  path: string,
): { readonly ok: true; readonly path: string } | { readonly ok: false; readonly code: string } {
  try {
    return { ok: true, path: os.realpath(path) };
  } catch (error) {
    return { ok: false, code: errnoOf(error) };
  }
}
