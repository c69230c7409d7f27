/** Another program that replicates a database and therefore owns its checkpoints. Types only. */
import type { LockHolder } from "./observation.ts";

/** Litestream's directory beside a database, `.NAME-litestream`. */
export type ReplicaDirectoryLook =
  | { readonly kind: "absent" }
  /** Nothing is in it that Litestream writes when it follows a database. */
  | { readonly kind: "empty"; readonly path: string }
  | {
      readonly kind: "seen";
      readonly path: string;
      /** The newest modification time of the entries that Litestream changes as it follows the WAL, to the minute. */
      readonly changedAtMs: number;
    }
  | { readonly kind: "unreadable"; readonly operation: string; readonly code: string };

export interface Replicator {
  readonly name: "Litestream" | "LiteFS";
  /**
   * process: one of its name holds locks on the database, or has it open. mount: the file system is its own.
   * directory: only its directory speaks, which has kept pace with the WAL; the process may be of another name
   * (the library in an application), in another PID namespace, or stopped just now.
   */
  readonly evidence: "process" | "mount" | "directory";
  /** Its processes: their long read transaction is lawful. Empty: not seen. */
  readonly holders: readonly LockHolder[];
  readonly sinceMs: number;
  /** Since when the evidence is not there any more; null: it is. */
  readonly missingSinceMs: number | null;
}
