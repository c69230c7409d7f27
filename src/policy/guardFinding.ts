/** What a guard says, and what it speaks about. */
import type { DatabaseConfig } from "../domain/databaseConfig.ts";

export type GuardName =
  | "file_kind"
  | "file_access"
  | "not_a_database"
  | "truncated"
  | "sidecar_kind"
  | "wal_page_size"
  | "hard_link"
  | "second_path"
  | "file_system"
  | "read_only"
  | "owner"
  | "wal_of_another_file"
  | "exclusive_lock"
  | "locks_unobservable"
  | "open_without_locks"
  | "fsync_error"
  | "damaged_wal";

export interface GuardFinding {
  readonly guard: GuardName;
  /** `wait` may pass in a moment and is not a verdict yet; nothing is opened meanwhile. */
  readonly verdict: "wait" | "refuse";
  /** What, on which path, why, and what to do. */
  readonly reason: string;
}

export interface GuardContext {
  readonly config: DatabaseConfig;
  /** Another watched database is the same file, under this name; null: none. */
  readonly duplicateOf: string | null;
}

const aboutTheFile: ReadonlySet<GuardName> = new Set([
  "file_kind",
  "not_a_database",
  "truncated",
  "wal_page_size",
]);

/** It says that the file itself cannot be a sound database, whatever the daemon may do with it. */
export function isAboutTheFile(finding: GuardFinding): boolean {
  return aboutTheFile.has(finding.guard);
}
