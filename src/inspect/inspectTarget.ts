/**
 * What lies at the path that `inspect` was given: a database, the WAL of one, a WAL alone, or something that is
 * neither and is politely refused. Nothing but a regular file is ever opened, and nothing is followed blindly.
 *
 * Sources of the magic numbers: fileformat2.html, "The Database Header", "The Rollback Journal"; walformat.html.
 */
import type { FileKind, FileLook } from "../domain/observation.ts";
import { lookAtFile } from "../host/fileLook.ts";
import type { Os } from "../host/os.ts";
import { readPrefix } from "../host/rawRead.ts";
import { createPathResolver } from "../observe/databasePath.ts";

export type InspectTarget =
  /** `by` is the sidecar that was named, where it was not the database itself. */
  | { readonly kind: "database"; readonly path: string; readonly by: Sidecar | null }
  | { readonly kind: "loneWal"; readonly path: string; readonly identity: string }
  | { readonly kind: "refused"; readonly reason: string };

export type Sidecar = "-wal" | "-shm" | "-journal";

const sidecars = ["-wal", "-shm", "-journal"] as const;

const kindWords: Readonly<Record<FileKind, string>> = {
  directory: "a directory",
  fifo: "a FIFO",
  socket: "a socket",
  device: "a device",
  symbolicLink: "a symbolic link that leads nowhere",
};

type Content = "database" | "wal" | "journal" | "empty" | "zeroes" | "other";

/** @param path absolute */
export function inspectTargetOf(os: Os, path: string): InspectTarget {
  const file = regularFileAt(os, path);
  if (file.kind === "refused") return file;
  if (file.content === "database") return { kind: "database", path, by: null };
  const sidecar = sidecars.find((suffix) => file.path.endsWith(suffix)) ?? null;
  if (sidecar !== null && databaseBeside(os, file.path, sidecar) !== null) {
    return { kind: "database", path: file.path.slice(0, -sidecar.length), by: sidecar };
  }
  if (file.content === "wal" || (sidecar === "-wal" && file.content === "empty")) {
    return { kind: "loneWal", path: file.path, identity: file.identity };
  }
  // An empty file is an empty database, unless its name says that it is something else.
  if (file.content === "empty" && sidecar === null) return { kind: "database", path, by: null };
  return refuse(whyNot(file.path, file.content, sidecar));
}

type RegularFile =
  | { readonly kind: "regular"; readonly path: string; readonly identity: string; readonly content: Content }
  | Extract<InspectTarget, { readonly kind: "refused" }>;

function refuse(reason: string): Extract<InspectTarget, { readonly kind: "refused" }> {
  return { kind: "refused", reason };
}

function regularFileAt(os: Os, path: string): RegularFile {
  const resolved = createPathResolver(os).resolve(path);
  if (resolved.kind === "unresolved")
    return refuse(`${whyNotRegular(path, resolved.look)}${leftBeside(os, path, resolved.look)}`);
  const look = lookAtFile(os, resolved.path, { followLinks: false });
  if (look.kind !== "regular") return refuse(whyNotRegular(path, look));
  const read = readPrefix(os, resolved.path, look.identity, magicBytes);
  if (read.kind === "changed") return refuse(`${path} was exchanged for another file meanwhile: ask again`);
  if (read.kind === "unreadable") return refuse(whyNotRegular(path, read));
  return {
    kind: "regular",
    path: resolved.path,
    identity: look.identity,
    content: look.sizeBytes === 0 ? "empty" : contentOf(read.bytes),
  };
}

/** A database that was moved or removed: what was committed last may be in the WAL alone. */
function leftBeside(os: Os, path: string, { kind }: FileLook): string {
  if (kind !== "absent") return "";
  const left = sidecars.filter((suffix) => {
    const look = lookAtFile(os, `${path}${suffix}`, { followLinks: false });
    return suffix !== "-shm" && look.kind === "regular" && look.sizeBytes > 0;
  });
  const [first] = left;
  return first === undefined
    ? ""
    : `, but ${path}${first} does: it may hold commits that are nowhere else; keep it, and put the database back that it belongs to`;
}

function whyNotRegular(
  path: string,
  look: Exclude<FileLook, { readonly kind: "regular" }> | FileLook,
): string {
  switch (look.kind) {
    case "absent":
      return `${path} does not exist`;
    case "other":
      return `${path} is ${kindWords[look.what]}, not a file that could be a database`;
    case "unreadable": {
      const denied = look.code === "EACCES" || look.code === "EPERM";
      const advice = denied ? "; run this as the user that owns the database, or as root" : "";
      const loops = look.code === "ELOOP" ? " (a symbolic link that leads to itself)" : "";
      return `${path} cannot be read: ${look.operation} ${look.code}${loops}${advice}`;
    }
    case "regular":
      return `${path} changed meanwhile: ask again`;
  }
}

const magicBytes = 16;
const databaseMagic = "SQLite format 3\0";
const walMagic = /^377f068[23]/;
const journalMagic = /^d9d505f920a163d7/;

function contentOf(bytes: Uint8Array): Content {
  if (Buffer.from(bytes).toString("latin1") === databaseMagic) return "database";
  const hex = Buffer.from(bytes).toString("hex");
  if (walMagic.test(hex)) return "wal";
  if (journalMagic.test(hex)) return "journal";
  return /^0*$/.test(hex) ? "zeroes" : "other";
}

/** SQLite names a sidecar after the resolved path of its database, so a link at that name is not its database. */
function databaseBeside(os: Os, path: string, sidecar: Sidecar): string | null {
  const databasePath = path.slice(0, -sidecar.length);
  const look = lookAtFile(os, databasePath, { followLinks: false });
  return look.kind === "regular" ? databasePath : null;
}

function whyNot(path: string, content: Content, sidecar: Sidecar | null): string {
  if (content === "journal")
    return `${path} is a rollback journal, and its database is not beside it: inspect the database`;
  if (sidecar === "-shm")
    return `${path} is by its name a WAL-index, and its database is not beside it: a WAL-index alone says nothing`;
  if (sidecar === "-wal")
    return `${path} does not begin like a WAL, and the database that its name belongs to is not beside it`;
  if (content === "zeroes") return `${path} begins with zeroes: neither a database nor a WAL`;
  return `${path} is not a SQLite database, or it is encrypted: it does not begin with "SQLite format 3"`;
}
