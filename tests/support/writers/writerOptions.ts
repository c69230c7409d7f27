/** What a writer in a test does. A writer is always a process of its own, as an application is in life. */

export interface WriterOptions {
  readonly path: string;
  /**
   * write: one row a commit. holdReader: opens a snapshot and keeps it until told. holdWriter: BEGIN
   * IMMEDIATE, kept until told.
   */
  readonly mode: "write" | "holdReader" | "holdWriter";
  /** Null leaves the file as it is. */
  readonly journalMode: "WAL" | "DELETE" | "TRUNCATE" | "PERSIST" | null;
  readonly synchronous: "OFF" | "NORMAL" | "FULL" | "EXTRA";
  /** 0 is what bun:sqlite and the command line tool do when nobody sets it. */
  readonly busyTimeoutMs: number;
  readonly lockingMode: "NORMAL" | "EXCLUSIVE";
  /** For example unix-none; null is the default VFS. */
  readonly vfs: string | null;
  /** Pages; 0 leaves checkpoints to others; null is SQLite's default of 1000. */
  readonly autocheckpoint: number | null;
  /** Between two commits; 0 does not pause at all. */
  readonly pauseMs: number;
  /** Stop by itself after that many commits; 0 goes on until told. */
  readonly rowCount: number;
  readonly rowBytes: number;
  /** Row ids start here, so that several writers, or one that was killed, never collide. */
  readonly firstRow: number;
}

export const writerDefaults: Omit<WriterOptions, "path"> = {
  mode: "write",
  journalMode: "WAL",
  synchronous: "EXTRA",
  busyTimeoutMs: 0,
  lockingMode: "NORMAL",
  vfs: null,
  autocheckpoint: null,
  pauseMs: 0,
  rowCount: 0,
  rowBytes: 100,
  firstRow: 1,
};

export const createTableSql = "CREATE TABLE IF NOT EXISTS written(id INTEGER PRIMARY KEY, payload BLOB)";

/** The connection's settings, in the order in which an application should make them. */
export function pragmaStatements(options: WriterOptions): readonly string[] {
  return [
    `PRAGMA busy_timeout = ${options.busyTimeoutMs}`,
    ...(options.lockingMode === "EXCLUSIVE" ? ["PRAGMA locking_mode = EXCLUSIVE"] : []),
    ...(options.journalMode === null ? [] : [`PRAGMA journal_mode = ${options.journalMode}`]),
    `PRAGMA synchronous = ${options.synchronous}`,
    ...(options.autocheckpoint === null ? [] : [`PRAGMA wal_autocheckpoint = ${options.autocheckpoint}`]),
  ];
}
