/**
 * Which SQLite a process runs: the builds that are in its executable and in the libraries it has mapped. Nothing tells
 * from outside which of several it opened a database with.
 *
 * Libraries that are named after SQLite, or that bindings name so (libsqlite3.so, better_sqlite3.node, e_sqlite3.so),
 * are searched beside the executable; the others only when none of these has it.
 */
import { type SqliteBuild, sourceOf, sqliteBuildsIn } from "../format/sqliteVersionText.ts";
import type { Os } from "../host/os.ts";
import { type ProcessImage, readProcessImages } from "../host/processImages.ts";
import type { SqliteTextScan } from "../host/sqliteTextScan.ts";

export interface FoundBuild extends SqliteBuild {
  readonly file: string;
}

export interface SqliteBuildLook {
  /** Each source once. */
  readonly builds: readonly FoundBuild[];
  /** Why there may be more, or none; empty: every file that was searched could be read. */
  readonly reason: string;
}

const namedAfterSqlite = /sqlite/i;
const otherLibrariesMax = 128;

export async function lookAtSqliteBuilds(
  os: Os,
  scan: SqliteTextScan,
  pid: number,
): Promise<SqliteBuildLook> {
  if (pid <= 0) return { builds: [], reason: "its process is not known" };
  const images = readProcessImages(os, pid);
  if (images.kind === "hidden") return { builds: [], reason: images.reason };
  const { executable, libraries } = images;
  const isNamed = ({ path }: ProcessImage) => namedAfterSqlite.test(path.slice(path.lastIndexOf("/") + 1));
  const likely = await buildsIn(scan, [executable, ...libraries.filter(isNamed)]);
  if (likely.builds.length > 0) return likely;
  const others = await buildsIn(
    scan,
    libraries.filter((image) => !isNamed(image)).slice(0, otherLibrariesMax),
  );
  if (others.builds.length > 0) return { ...others, reason: likely.reason || others.reason };
  const unread = likely.reason || others.reason;
  return { builds: [], reason: unread || "no SQLite was found in its executable and its libraries" };
}

async function buildsIn(scan: SqliteTextScan, images: readonly ProcessImage[]): Promise<SqliteBuildLook> {
  const builds = new Map<string, FoundBuild>();
  const unread: string[] = [];
  for (const image of images) {
    const read = await scan.textsOf(image);
    if (read.kind === "unreadable") unread.push(`${image.path}: ${read.reason}`);
    else
      for (const build of sqliteBuildsIn(read.texts)) {
        const source = sourceOf(build.sourceId);
        // The command line tool knows its source and not its version: that is in the library.
        if ((builds.get(source)?.version ?? null) === null)
          builds.set(source, { ...build, file: image.path });
      }
  }
  return { builds: [...builds.values()], reason: unread.join("; ") };
}
