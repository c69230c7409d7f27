/** Which SQLite a connected process runs, as far as it can be told from its files. Types only. */
import type { LockHolder } from "./observation.ts";

export interface SqliteProcess extends LockHolder {
  /** "3.40.1"; null: not known. */
  readonly version: string | null;
  readonly sourceId: string | null;
  /** The file that it was found in, as the process sees it: a library or the executable. */
  readonly file: string | null;
  /** Carries the WAL-reset bug (sqlite.org/wal.html#walresetbug); null: not known. */
  readonly affected: boolean | null;
  /** Why something of it is not known; empty: all is. */
  readonly reason: string;
  /** The most descriptors of the WAL that it was seen to have at a time, one for each connection; null: not known. */
  readonly connectionCount: number | null;
}
