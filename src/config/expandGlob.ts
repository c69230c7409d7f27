/**
 * Patterns to databases. Runs again and again while the daemon runs, on folders that change under it, so
 * nothing here blocks the event loop and whatever cannot be read is named instead of ending the search.
 *
 * A symbolic link is refused where it is the match, and not followed where it is a folder on the way: two
 * names for one database would be two daemons on it, and a link can be turned to another file unseen. Hidden
 * names match only a pattern that starts with a dot, as in a shell.
 */
import type { Dirent } from "node:fs";
import { lstat, readdir, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { Glob } from "bun";
import type { DatabaseConfig } from "../domain/databaseConfig.ts";
import type { GlobConfig } from "./config.ts";

export interface RefusedMatch {
  readonly path: string;
  readonly reason: string;
}

export interface GlobExpansion {
  /** Ordered by name. */
  readonly databases: readonly DatabaseConfig[];
  readonly refused: readonly RefusedMatch[];
}

/**
 * `named`: the databases that have an entry of their own; they keep their names and settings. `known`: what was
 * found before; below a folder that cannot be read now it still counts as found, for not to be seen is not to be gone.
 */
export async function expandGlobs(
  globs: readonly GlobConfig[],
  named: readonly DatabaseConfig[] = [],
  known: readonly Pick<DatabaseConfig, "path" | "glob">[] = [],
): Promise<GlobExpansion> {
  const paths = new Set(named.map((database) => database.path));
  const names = new Set(named.map((database) => database.name));
  const databases: DatabaseConfig[] = [];
  const refused: RefusedMatch[] = [];
  for (const glob of globs) {
    const found = await search(glob);
    refused.push(...found.refused);
    for (const path of [...found.files, ...unseen(glob, found, known)]) {
      if (paths.has(path)) continue;
      const below = relative(glob.directory, path);
      const name = glob.namePrefix === null ? below : `${glob.namePrefix}/${below}`;
      if (names.has(name)) {
        refused.push({ path, reason: `another database is called ${name}: give the pattern another name` });
        continue;
      }
      paths.add(path);
      names.add(name);
      databases.push(Object.freeze({ name, path, glob: glob.pattern, ...glob.template }));
    }
  }
  return { databases: databases.toSorted((a, b) => (a.name < b.name ? -1 : 1)), refused };
}

/** Files of this pattern that may still be where they were. */
function unseen(
  glob: GlobConfig,
  { unread }: Found,
  known: readonly Pick<DatabaseConfig, "path" | "glob">[],
): readonly string[] {
  const isHidden = (path: string): boolean => unread.some((directory) => path.startsWith(`${directory}/`));
  return known
    .filter(({ path, glob: pattern }) => pattern === glob.pattern && isHidden(path))
    .map(({ path }) => path);
}

interface Found {
  readonly files: readonly string[];
  /** Folders that are there and could not be read. */
  readonly unread: readonly string[];
  readonly refused: readonly RefusedMatch[];
}

async function search(glob: GlobConfig): Promise<Found> {
  const files = new Set<string>();
  const refused = new Map<string, string>();
  const unread: string[] = [];
  const walk = async (directory: string, segments: readonly string[]): Promise<void> => {
    const [segment, ...below] = segments;
    if (segment === undefined) return;
    if (segment === "**") await walk(directory, below);
    const entries = await list(directory);
    if (typeof entries === "string") {
      refused.set(directory, `cannot be read: ${entries}`);
      if (entries !== "ENOENT" && entries !== "ENOTDIR") unread.push(directory);
      return;
    }
    const pattern = new Glob(segment);
    for (const entry of entries) {
      // Alone, "**" matches any name, as it does any depth.
      if (!isShown(segment, entry.name) || !pattern.match(entry.name)) continue;
      const path = join(directory, entry.name);
      const kind = await kindOf(entry, path);
      if (kind === "directory" && (segment === "**" || below.length > 0)) {
        await walk(path, segment === "**" ? segments : below);
      } else if (segment !== "**" && below.length === 0 && !isCompanion(entry.name)) {
        if (kind === "file") files.add(path);
        if (kind === "link") refused.set(path, "a symbolic link: name the file itself under path");
      } else if (segment !== "**" && kind === "link" && (await leadsToDirectory(path))) {
        refused.set(path, "a symbolic link on the way is not followed: write it without a wildcard");
      }
    }
  };
  await walk(glob.directory, glob.segments);
  return {
    files: [...files].toSorted(),
    unread,
    refused: [...refused].map(([path, reason]) => ({ path, reason })),
  };
}

function isShown(segment: string, name: string): boolean {
  return !name.startsWith(".") || segment.startsWith(".");
}

/** SQLite's own files beside a database are none. */
function isCompanion(name: string): boolean {
  return /-(wal|shm|journal)$/.test(name);
}

/** The entries of a folder, or the error number's name: why there are none. */
async function list(directory: string): Promise<readonly Dirent[] | string> {
  try {
    return await readdir(directory, { withFileTypes: true });
  } catch (error) {
    return errorCode(error);
  }
}

type Kind = "file" | "directory" | "link" | "other";

/** Some file systems do not tell the kind with the name (DT_UNKNOWN, readdir(3)): then ask. */
async function kindOf(entry: Dirent, path: string): Promise<Kind> {
  const told = kindIn(entry);
  if (told !== "other") return told;
  try {
    return kindIn(await lstat(path));
  } catch (error) {
    // It went away between the two calls, or may not be looked at: then it is no database to watch.
    errorCode(error);
    return "other";
  }
}

async function leadsToDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    errorCode(error);
    return false;
  }
}

function kindIn(look: Pick<Dirent, "isFile" | "isDirectory" | "isSymbolicLink">): Kind {
  if (look.isFile()) return "file";
  if (look.isDirectory()) return "directory";
  return look.isSymbolicLink() ? "link" : "other";
}

/** Anything but an error of the operating system is a mistake in this program, and thrown on. */
function errorCode(error: unknown): string {
  if (error instanceof Error && "code" in error && typeof error.code === "string") {
    return error.code;
  }
  throw error;
}
