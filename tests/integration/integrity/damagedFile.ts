/** A database file as pages and bytes, to be damaged in one place. Format: sqlite.org/fileformat2.html. */
import { Database } from "bun:sqlite";
import { readFileSync, writeFileSync } from "node:fs";

export interface DamagedFile {
  readonly bytes: Buffer;
  readonly pageSizeBytes: number;
  /** Root page of a table or an index. */
  readonly root: (name: string) => number;
  /** Offset of a page in the file. */
  readonly offsetOf: (page: number) => number;
  /** Offset of the leftmost leaf of a b-tree, which must have interior pages. */
  readonly firstLeafOf: (name: string) => number;
  /** Puts text of the same length in the place of all that is there. */
  readonly replace: (from: string, to: string) => void;
}

/** The page's kind, at its first byte. */
export const pageKinds = { indexInterior: 2, tableInterior: 5, indexLeaf: 10, tableLeaf: 13 } as const;

const pageSizeBytes = 1024;

export function makeDatabase(path: string, sql: string): void {
  const database = new Database(path, { readwrite: true, create: true });
  database.exec(`PRAGMA page_size = ${pageSizeBytes}; PRAGMA journal_mode = DELETE`);
  database.exec(sql);
  database.close(true);
}

export function damageFile(path: string, damage: (file: DamagedFile) => Buffer | undefined): void {
  const roots = readRoots(path);
  const bytes = readFileSync(path);
  const offsetOf = (page: number) => (page - 1) * pageSizeBytes;
  const root = (name: string) => {
    const page = roots.get(name);
    if (page === undefined) throw new Error(`${name} has no root page`);
    return page;
  };
  const firstLeafOf = (name: string) => {
    let offset = offsetOf(root(name));
    for (let kind = bytes[offset]; kind === 2 || kind === 5; kind = bytes[offset]) {
      const firstCell = offset + bytes.readUInt16BE(offset + 12);
      offset = offsetOf(bytes.readUInt32BE(firstCell));
    }
    if (offset === offsetOf(root(name))) throw new Error(`${name} has a single page`);
    return offset;
  };
  const replace = (from: string, to: string) => {
    if (Buffer.byteLength(from) !== Buffer.byteLength(to))
      throw new Error(`${from} and ${to} differ in length`);
    if (!bytes.includes(from)) throw new Error(`${from} is nowhere in the file`);
    for (let at = bytes.indexOf(from); at !== -1; at = bytes.indexOf(from, at + 1)) bytes.write(to, at);
  };
  const longer = damage({ bytes, pageSizeBytes, root, offsetOf, firstLeafOf, replace });
  writeFileSync(path, longer ?? bytes);
}

function readRoots(path: string): ReadonlyMap<string, number> {
  const database = new Database(path, { readonly: true });
  try {
    const rows = database.prepare("SELECT name, rootpage FROM sqlite_schema").values();
    return new Map(rows.map(([name, page]) => [String(name), Number(page)]));
  } finally {
    database.close(true);
  }
}

/** Exchanges two entries of the cell pointer array of a leaf. */
export function swapCells({ bytes }: DamagedFile, leaf: number, one: number, other: number): void {
  const at = (cell: number) => leaf + 8 + 2 * cell;
  const kept = bytes.readUInt16BE(at(one));
  bytes.writeUInt16BE(bytes.readUInt16BE(at(other)), at(one));
  bytes.writeUInt16BE(kept, at(other));
}
