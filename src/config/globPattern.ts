/**
 * A pattern taken apart: the folder where the search starts, and one pattern for each level below it. Taken
 * apart on "/" and not handed to Bun.Glob whole, because its scan ends at the first folder that may not be
 * read, and one private folder must not hide all databases beside it (measured, Bun 1.4.5).
 */
import { resolve } from "node:path";
import { accept, type Parsed, refuse } from "./parsed.ts";

const wildcard = /[*?[\]{}\\]/;

export const globAccepted =
  "a pattern with *, ?, [], {} or ** in it, no / within {}, no .. after a wildcard (a plain path goes under path)";

export interface GlobPattern {
  readonly directory: string;
  readonly segments: readonly string[];
}

/** `base`: absolute; where a relative pattern starts. It is taken literally, wildcards in it or not. */
export function parseGlobPattern(text: string, base: string): Parsed<GlobPattern> {
  const parts = text.split("/");
  const first = parts.findIndex((part) => wildcard.test(part));
  if (first === -1) return refuse(globAccepted);
  const segments = parts.slice(first).filter((part) => part !== "" && part !== ".");
  const holds = segments.every(
    (segment) =>
      segment !== ".." && !segment.startsWith("!") && bracesClosed(segment) && isWholeDepth(segment),
  );
  if (!holds || segments.at(-1) === "**" || text.endsWith("/")) return refuse(globAccepted);
  const leading = parts.slice(0, first).join("/");
  return accept({
    directory: resolve(base, leading === "" && text.startsWith("/") ? "/" : leading),
    segments,
  });
}

/** A brace or bracket that is open at a slash means alternatives that span levels. */
function bracesClosed(segment: string): boolean {
  const count = (character: string) => segment.split(character).length;
  return count("{") === count("}") && count("[") === count("]");
}

function isWholeDepth(segment: string): boolean {
  return segment === "**" || !segment.includes("**");
}
