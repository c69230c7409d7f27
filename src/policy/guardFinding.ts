/** What a guard says. Types only. */
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
  | "exclusive_lock"
  | "open_without_locks";

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
