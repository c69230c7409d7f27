/** Kinds of damage, each made by changing bytes of a real file, and the class that a check has to give. */
import type { IntegrityStatus } from "../../../src/domain/status.ts";
import { type DamagedFile, pageKinds, swapCells } from "./damagedFile.ts";

export interface DamageKind {
  readonly name: string;
  /** What is changed before the file is filled. */
  readonly pragma?: string;
  readonly damage: (file: DamagedFile) => Buffer | undefined;
  readonly full: IntegrityStatus["verdict"];
  /** quick_check does not look at what indexes hold, nor at foreign keys. */
  readonly quick: IntegrityStatus["verdict"];
  /** What the command line tool of Debian 12 (3.40) does not look at. */
  readonly newSince340?: readonly ("integrity_check" | "quick_check")[];
}

/**
 * `t` is large enough for interior pages in each of its b-trees, and can be divided by rows. Comments in the schema are as
 * long as what takes their place.
 */
export const schema = `
  CREATE TABLE p(id INTEGER PRIMARY KEY);
  CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, n INTEGER, w TEXT COLLATE NOCASE, z /*NOT_NULL*/, body BLOB /*CHECK(n < 399)*/);
  CREATE INDEX ta ON t(a);
  CREATE INDEX tn ON t(z /*3456*/);
  CREATE INDEX tw ON t(w);
  CREATE TABLE k(k TEXT PRIMARY KEY, v) WITHOUT ROWID;
  CREATE TABLE c(id INTEGER PRIMARY KEY, p INTEGER /*REFERENCES p(id)*/);
  CREATE INDEX cp ON c(p) WHERE p > 10;
  CREATE INDEX ce ON c(p + 1);
  CREATE TABLE dropped(x);
  CREATE VIRTUAL TABLE f USING fts5(text);
  WITH RECURSIVE s(v) AS (SELECT 1 UNION ALL SELECT v + 1 FROM s WHERE v < 400)
  INSERT INTO t SELECT v, 'alpha-' || printf('%05d', v), v, 'Word-' || printf('%05d', v),
    CASE WHEN v % 2 THEN v / 20 END, CASE WHEN v % 50 = 0 THEN zeroblob(5000) ELSE zeroblob(40) END FROM s;
  INSERT INTO k SELECT 'key-' || printf('%05d', id), id FROM t;
  INSERT INTO c SELECT id, id FROM t;
  INSERT INTO p SELECT id FROM t WHERE id <> 77;
  INSERT INTO f SELECT 'some text ' || id FROM t WHERE id < 20;
  VACUUM;
  INSERT INTO dropped SELECT zeroblob(900) FROM t;
  DROP TABLE dropped;
`;

const structural = { full: "structural", quick: "structural" } as const;
const contentOfRows = { full: "content", quick: "content" } as const;
const contentOfIndex = { full: "content", quick: "ok" } as const;

/** Of the copies of a text, the one on a page of that kind. */
function copyOn(file: DamagedFile, text: string, kind: number): number {
  const { bytes, pageSizeBytes } = file;
  for (let at = bytes.indexOf(text); at !== -1; at = bytes.indexOf(text, at + 1))
    if (bytes[Math.floor(at / pageSizeBytes) * pageSizeBytes] === kind) return at;
  throw new Error(`${text} is on no page of kind ${kind}`);
}

function firstOverflowPage(file: DamagedFile): number {
  const { bytes, offsetOf } = file;
  // A page of zeros behind a pointer to the next: only the bodies are.
  for (let page = 2; page * file.pageSizeBytes < bytes.length; page += 1) {
    const at = offsetOf(page);
    const next = bytes.readUInt32BE(at);
    if (next !== page + 1 || bytes.subarray(at + 4, at + 1024).some((byte) => byte !== 0)) continue;
    return at;
  }
  throw new Error("no overflow page");
}

export const damageKinds: readonly DamageKind[] = [
  {
    name: "an entry of an index",
    ...contentOfIndex,
    damage: (file) => {
      file.bytes.write("alphA", copyOn(file, "alpha-00200", pageKinds.indexLeaf));
      return undefined;
    },
  },
  {
    name: "a value of a row that is indexed",
    ...contentOfIndex,
    damage: (file) => {
      file.bytes.write("alphA", copyOn(file, "alpha-00200", pageKinds.tableLeaf));
      return undefined;
    },
  },
  {
    name: "a value in other capitals than its index has",
    ...contentOfIndex,
    newSince340: ["integrity_check"],
    damage: (file) => {
      file.bytes.write("wORD", copyOn(file, "Word-00200", pageKinds.tableLeaf));
      return undefined;
    },
  },
  {
    name: "the order of an index",
    ...contentOfIndex,
    damage: (file) => {
      swapCells(file, file.firstLeafOf("ta"), 1, 3);
      return undefined;
    },
  },
  {
    name: "a row missing from an index",
    full: "content",
    quick: "content",
    newSince340: ["quick_check"],
    damage: (file) => {
      file.replace("WHERE p > 10", "            ");
      return undefined;
    },
  },
  {
    name: "an expression other than the index was made with",
    ...contentOfIndex,
    damage: (file) => {
      file.replace("ON c(p + 1)", "ON c(p + 2)");
      return undefined;
    },
  },
  {
    name: "a UNIQUE that does not hold",
    ...contentOfIndex,
    damage: (file) => {
      file.replace("CREATE INDEX tn ON t(z /*3456*/)", "CREATE UNIQUE INDEX tn ON t(z  )");
      return undefined;
    },
  },
  {
    name: "a NOT NULL that does not hold",
    ...contentOfRows,
    damage: (file) => {
      file.replace("z /*NOT_NULL*/", "z   NOT NULL  ");
      return undefined;
    },
  },
  {
    name: "a CHECK that does not hold",
    ...contentOfRows,
    damage: (file) => {
      file.replace("/*CHECK(n < 399)*/", "  CHECK(n < 399)  ");
      return undefined;
    },
  },
  {
    name: "a foreign key that does not hold",
    full: "foreign_keys",
    quick: "ok",
    damage: (file) => {
      file.replace("/*REFERENCES p(id)*/", "  REFERENCES p(id)  ");
      return undefined;
    },
  },
  {
    name: "the order of rowids",
    ...structural,
    damage: (file) => {
      swapCells(file, file.firstLeafOf("t"), 0, 2);
      return undefined;
    },
  },
  {
    name: "the order of a WITHOUT ROWID table",
    full: "structural",
    quick: "ok",
    damage: (file) => {
      swapCells(file, file.firstLeafOf("k"), 1, 3);
      return undefined;
    },
  },
  {
    name: "the kind of a page",
    ...structural,
    damage: (file) => {
      file.bytes[file.firstLeafOf("t")] = pageKinds.indexLeaf;
      return undefined;
    },
  },
  {
    name: "the number of cells of a page",
    ...structural,
    damage: ({ bytes, firstLeafOf }) => {
      const leaf = firstLeafOf("ta");
      bytes.writeUInt16BE(bytes.readUInt16BE(leaf + 3) - 1, leaf + 3);
      return undefined;
    },
  },
  {
    name: "a page that two parents own",
    ...structural,
    damage: ({ bytes, offsetOf, root }) => {
      const parent = offsetOf(root("t"));
      const cell = (index: number) => parent + bytes.readUInt16BE(parent + 12 + 2 * index);
      bytes.copy(bytes, cell(1), cell(0), cell(0) + 4);
      return undefined;
    },
  },
  {
    name: "a page that two trees own",
    ...structural,
    damage: ({ bytes, offsetOf, root }) => {
      const parentOf = (name: string) => offsetOf(root(name));
      const child = (name: string) => parentOf(name) + bytes.readUInt16BE(parentOf(name) + 12);
      bytes.copy(bytes, child("ta"), child("tw"), child("tw") + 4);
      return undefined;
    },
  },
  {
    name: "an overflow chain that is too short",
    ...structural,
    damage: (file) => {
      file.bytes.writeUInt32BE(0, firstOverflowPage(file));
      return undefined;
    },
  },
  {
    name: "an overflow chain that leads elsewhere",
    ...structural,
    damage: (file) => {
      file.bytes.writeUInt32BE(file.root("k"), firstOverflowPage(file));
      return undefined;
    },
  },
  {
    name: "the number of free pages",
    ...structural,
    damage: ({ bytes }) => {
      bytes.writeUInt32BE(bytes.readUInt32BE(36) + 1, 36);
      return undefined;
    },
  },
  {
    name: "a trunk of the freelist",
    ...structural,
    damage: ({ bytes, offsetOf }) => {
      bytes.writeUInt32BE(5000, offsetOf(bytes.readUInt32BE(32)) + 4);
      return undefined;
    },
  },
  {
    name: "a free page that is in use",
    ...structural,
    damage: ({ bytes, offsetOf, root }) => {
      bytes.writeUInt32BE(root("ta"), offsetOf(bytes.readUInt32BE(32)) + 8);
      return undefined;
    },
  },
  {
    name: "a page that nobody owns",
    ...structural,
    damage: ({ bytes, pageSizeBytes }) => {
      bytes.writeUInt32BE(bytes.readUInt32BE(28) + 1, 28);
      return Buffer.concat([bytes, Buffer.alloc(pageSizeBytes)]);
    },
  },
  {
    name: "a file that was cut off",
    ...structural,
    damage: ({ bytes, pageSizeBytes }) => bytes.subarray(0, bytes.length - 40 * pageSizeBytes),
  },
  {
    name: "a pointer map",
    ...structural,
    pragma: "PRAGMA auto_vacuum = FULL;",
    damage: ({ bytes, offsetOf }) => {
      bytes.writeUInt32BE(9, offsetOf(2) + 5 * 10 + 1);
      return undefined;
    },
  },
  {
    name: "the header of a record",
    full: "structural",
    quick: "structural",
    damage: ({ bytes, firstLeafOf }) => {
      const leaf = firstLeafOf("t");
      const cell = leaf + bytes.readUInt16BE(leaf + 8 + 2 * 2);
      bytes[cell + 2] = 0x7f;
      return undefined;
    },
  },
  {
    name: "the schema",
    ...structural,
    damage: (file) => {
      file.replace("CREATE INDEX ta ON t(a)", "CREATE INDEX ta ON t(((");
      return undefined;
    },
  },
  {
    name: "the root page of an index",
    ...structural,
    damage: ({ bytes, offsetOf, root }) => {
      bytes.fill(0xa5, offsetOf(root("tw")), offsetOf(root("tw") + 1));
      return undefined;
    },
  },
  {
    name: "a full-text index",
    ...structural,
    newSince340: ["integrity_check", "quick_check"],
    damage: (file) => {
      file.replace("some text 7", "soma text 7");
      return undefined;
    },
  },
];
