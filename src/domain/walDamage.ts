/** A WAL that was found broken with commits behind the break, and the copy that was made of it. Types only. */

/** Files that an operator can look at; recovery takes nothing from them. */
export interface KeptWal {
  readonly kind: "kept";
  readonly walPath: string;
  /** Null: there was no WAL-index. */
  readonly shmPath: string | null;
  readonly sizeBytes: number;
  /** The same bytes had been kept before. */
  readonly wasThere: boolean;
  /** Older copies of this database that were removed to keep their number bounded. */
  readonly removedPaths: readonly string[];
}

export interface NotKeptWal {
  readonly kind: "failed";
  /** What, on which path, and what would help. */
  readonly reason: string;
}

export type WalCopy = KeptWal | NotKeptWal;

export interface WalDamage {
  readonly foundAtMs: number;
  /** Which state of which file it is about (policy/walDamage.ts). */
  readonly walMark: string;
  /** Where it is broken, and what stands behind: policy/walEnding.ts. */
  readonly text: string;
  /** Null: not known. */
  readonly droppedCommitCountMin: number | null;
  readonly copy: WalCopy;
  /** The last attempt to copy it, and how many have failed. */
  readonly triedAtMs: number;
  readonly failureCount: number;
}
