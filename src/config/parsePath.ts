/**
 * Paths as text. Only what can never be meant is refused here; whether something is there, and what it is,
 * is looked at when the daemon runs and looked at again and again.
 */
import { basename, extname } from "node:path";
import { accept, type Parsed, refuse } from "./parsed.ts";

export const pathAccepted = "a path (not empty; ~ is not expanded)";
export const databasePathAccepted =
  "the path of a database file (not empty, not a folder, no file: URI, not :memory:; ~ is not expanded)";

export function parsePath(text: string): Parsed<string> {
  const isShellHome = text === "~" || text.startsWith("~/");
  if (text === "" || text.includes("\0") || isShellHome) return refuse(pathAccepted);
  return accept(text);
}

export function parseDatabasePath(text: string): Parsed<string> {
  const isFolder =
    text.endsWith("/") || text === "." || text === ".." || text.endsWith("/.") || text.endsWith("/..");
  const isNoFile = text.startsWith(":") || text.startsWith("file:");
  if (!parsePath(text).ok || isFolder || isNoFile) return refuse(databasePathAccepted);
  return accept(text);
}

/** The name of a database that has none of its own: its file name without the extension. */
export function databaseNameOf(path: string): string {
  const name = basename(path, extname(path));
  // "..db": a dot alone would vanish from a URL.
  return name === "." || name === ".." ? basename(path) : name;
}
