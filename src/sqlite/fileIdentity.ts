/**
 * Is the path still the file that was observed? By stat alone: it opens nothing, so no POSIX lock of this
 * process can be lost by it (sqlite.org/howtocorrupt.html, section 2.2).
 *
 * Invariant: a handle is checked after it was opened and before its first statement. Until then SQLite has
 * opened the file but neither read it nor looked at a WAL, so closing a wrong one changes nothing.
 */
import { statSync } from "node:fs";
import type { Target } from "../domain/operation.ts";

/** The path leads to another file, to none, or cannot be looked at. */
export class FileIdentityError extends Error {
  override readonly name = "FileIdentityError";
}

/** "device:inode" in decimal; null when nothing is there. */
export function identityOf(path: string): string | null {
  try {
    const look = statSync(path, { bigint: true, throwIfNoEntry: false });
    return look === undefined ? null : `${look.dev}:${look.ino}`;
  } catch (error) {
    throw new FileIdentityError(
      `cannot look at ${path}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** Throws `FileIdentityError` unless the target's path leads to the file that was observed. */
export function requireIdentity(target: Target): void {
  if (target.identity === null) return;
  const found = identityOf(target.path);
  if (found === target.identity) return;
  const there = found === null ? "nothing is there" : `device:inode is ${found}`;
  throw new FileIdentityError(
    `${target.path} is no longer the file that was observed (${target.identity}): ${there}`,
  );
}
