/**
 * How an integrity check is divided. Each part is a read transaction of its own in a worker of its own. Types only.
 */

/** A b-tree by its root page, as messages name it. */
export interface CheckTree {
  readonly rootPage: number;
  /** Of the table or the index. */
  readonly name: string;
  readonly table: string;
  readonly kind: "table" | "index";
}

/** An index whose entries can be compared with the rows by SQL: plain columns, every row, a known collation. */
export interface ComparableIndex {
  readonly name: string;
  readonly unique: boolean;
  readonly columns: readonly { readonly name: string; readonly collation: string }[];
}

export interface CheckTable {
  readonly name: string;
  /** Pages of the table and its indexes, estimated by following the left edge of each b-tree. */
  readonly pageCount: number;
  readonly hasForeignKeys: boolean;
  readonly hasChecks: boolean;
  /** Null: its rows cannot be divided, or not all of its indexes compared by SQL. */
  readonly rows: {
    /** 64-bit, in decimal. */
    readonly rowidMin: string;
    readonly rowidMax: string;
    /** How the statements call the rowid: a column may have taken one of its names. */
    readonly rowidName: string;
    readonly indexes: readonly ComparableIndex[];
  } | null;
}

export interface CheckPlan {
  readonly pageCount: number;
  readonly pageSizeBytes: number;
  /** Ordinary tables, the schema's own among them; virtual ones belong to the structural part. */
  readonly tables: readonly CheckTable[];
  /** It cannot be divided: the schema cannot be read, or there is nothing to divide. */
  readonly undivided: boolean;
}

export type CheckPart =
  /** The whole check as SQLite does it, foreign keys included. */
  | { readonly kind: "whole" }
  /** PRAGMA quick_check of the whole file: every page, its owner, the freelist, and all about rows but their indexes. */
  | { readonly kind: "structure" }
  /** PRAGMA integrity_check of these tables, one after the other, each in a transaction of its own. */
  | { readonly kind: "tables"; readonly tables: readonly string[] }
  /** Is there an index entry for each of these rows, with the same values? */
  | {
      readonly kind: "rows";
      readonly table: string;
      readonly rowidName: string;
      readonly indexes: readonly ComparableIndex[];
      readonly fromRowid: string;
      /** Inclusive. */
      readonly toRowid: string;
    }
  /** Are the entries of this index unique? */
  | { readonly kind: "unique"; readonly table: string; readonly index: ComparableIndex }
  /** Do the CHECK constraints of these tables hold? */
  | { readonly kind: "constraints"; readonly tables: readonly string[] }
  | { readonly kind: "foreignKeys"; readonly tables: readonly string[] };

export interface IntegrityFinding {
  readonly class: "structural" | "content" | "foreign_keys" | "undecidable";
  readonly table: string | null;
  readonly index: string | null;
  readonly page: number | null;
  /** In decimal, for it may have 64 bits; null: SQLite does not tell. */
  readonly rowid: string | null;
  /** SQLite's own words. */
  readonly message: string;
}

/** How far a check has come that is running. */
export interface IntegrityProgress {
  readonly check: "quick_check" | "integrity_check";
  readonly trigger: "evidence" | "startup" | "schedule" | "demand";
  readonly beganAtMs: number;
  /** 0 to 100; null: it is not divided, so nothing can be told. */
  readonly percent: number | null;
  /** Null: not known yet. */
  readonly remainingMs: number | null;
  readonly partCount: number;
  readonly endedPartCount: number;
  /** Why it waits between its parts; empty: it does not. */
  readonly pausedFor: string;
}
