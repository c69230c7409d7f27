/**
 * The first 100 bytes of a database file: is it a sane SQLite database, and in which state?
 *
 * Source: sqlite.org/fileformat2.html, "The Database Header". All integers are big-endian.
 *
 *    0  16  the string "SQLite format 3" and a NUL
 *   16   2  page size in bytes, a power of two between 512 and 32768; 1 stands for 65536
 *   18   1  file format write version: 1 for legacy (rollback journal), 2 for WAL
 *   19   1  file format read version: 1 for legacy, 2 for WAL
 *   20   1  bytes of unused "reserved" space at the end of each page; at least 480 must stay usable
 *   21   1  maximum embedded payload fraction, must be 64
 *   22   1  minimum embedded payload fraction, must be 32
 *   23   1  leaf payload fraction, must be 32
 *   24   4  file change counter
 *   28   4  size of the database in pages, valid only if the change counter equals version-valid-for
 *   44   4  schema format number, 1 to 4; 0 while nothing was created
 *   56   4  text encoding: 1 UTF-8, 2 UTF-16le, 3 UTF-16be; 0 while nothing was created
 *   92   4  version-valid-for: the change counter when the version number was stored
 *   96   4  SQLITE_VERSION_NUMBER of the library that wrote the change counter last
 *
 * Invariant: no bytes make it throw. In WAL mode the newest page 1 may be in the WAL, so counters and page
 * count are those of the last checkpoint.
 */

export const databaseHeaderBytes = 100;

export interface DatabaseHeader {
  readonly pageSizeBytes: number;
  readonly writeVersion: number;
  readonly readVersion: number;
  readonly reservedBytes: number;
  readonly changeCounter: number;
  readonly pageCount: number;
  readonly versionValidFor: number;
  readonly freelistPageCount: number;
  /** The page count may be believed: it was written by a SQLite that knows the field (3.7.0 on). */
  readonly pageCountValid: boolean;
  readonly schemaFormat: number;
  readonly textEncoding: number;
  /** For example 3040001 for 3.40.1. */
  readonly sqliteVersionNumber: number;
  /** Both format versions are 2. */
  readonly inWalMode: boolean;
  /** The 100 bytes as hexadecimal digits: whether a header is the very one that was seen before. */
  readonly bytesHex: string;
}

export type DatabaseHeaderResult =
  | { readonly kind: "header"; readonly header: DatabaseHeader }
  /** No byte at all: what SQLite makes of it is a new database. */
  | { readonly kind: "empty" }
  | { readonly kind: "tooShort"; readonly byteCount: number }
  /** Another magic: a text file, an encrypted database, anything. */
  | { readonly kind: "notADatabase" }
  | {
      readonly kind: "malformed";
      readonly field: string;
      readonly value: number;
      readonly accepted: string;
    };

const magic = new TextEncoder().encode("SQLite format 3\0");
const usableBytesMin = 480;

/** `bytes`: the file from its beginning, `databaseHeaderBytes` of it or all there is. */
export function parseDatabaseHeader(bytes: Uint8Array): DatabaseHeaderResult {
  if (bytes.byteLength === 0) return { kind: "empty" };
  if (bytes.byteLength < databaseHeaderBytes) return { kind: "tooShort", byteCount: bytes.byteLength };
  if (magic.some((byte, offset) => bytes[offset] !== byte)) return { kind: "notADatabase" };

  const view = new DataView(bytes.buffer, bytes.byteOffset, databaseHeaderBytes);
  const pageSizeField = view.getUint16(16);
  const pageSizeBytes = pageSizeField === 1 ? 65536 : pageSizeField;
  const reservedBytes = view.getUint8(20);
  const changeCounter = view.getUint32(24);
  const pageCount = view.getUint32(28);
  const versionValidFor = view.getUint32(92);
  const header: DatabaseHeader = {
    pageSizeBytes,
    writeVersion: view.getUint8(18),
    readVersion: view.getUint8(19),
    reservedBytes,
    changeCounter,
    pageCount,
    versionValidFor,
    freelistPageCount: view.getUint32(36),
    pageCountValid: changeCounter === versionValidFor && pageCount > 0,
    schemaFormat: view.getUint32(44),
    textEncoding: view.getUint32(56),
    sqliteVersionNumber: view.getUint32(96),
    inWalMode: view.getUint8(18) === 2 && view.getUint8(19) === 2,
    bytesHex: Buffer.from(bytes.buffer, bytes.byteOffset, databaseHeaderBytes).toString("hex"),
  };

  const malformed = (field: string, value: number, accepted: string): DatabaseHeaderResult => ({
    kind: "malformed",
    field,
    value,
    accepted,
  });
  if (pageSizeBytes < 512 || (pageSizeBytes & (pageSizeBytes - 1)) !== 0)
    return malformed("page size", pageSizeField, "a power of two between 512 and 32768, or 1 for 65536");
  if (header.writeVersion !== 1 && header.writeVersion !== 2)
    return malformed("write version", header.writeVersion, "1 or 2");
  if (header.readVersion !== 1 && header.readVersion !== 2)
    return malformed("read version", header.readVersion, "1 or 2");
  if (pageSizeBytes - reservedBytes < usableBytesMin)
    return malformed("reserved bytes", reservedBytes, `at most ${pageSizeBytes - usableBytesMin}`);
  if (view.getUint8(21) !== 64) return malformed("maximum payload fraction", view.getUint8(21), "64");
  if (view.getUint8(22) !== 32) return malformed("minimum payload fraction", view.getUint8(22), "32");
  if (view.getUint8(23) !== 32) return malformed("leaf payload fraction", view.getUint8(23), "32");
  if (header.schemaFormat > 4) return malformed("schema format", header.schemaFormat, "0 to 4");
  if (header.textEncoding > 3) return malformed("text encoding", header.textEncoding, "0 to 3");
  return { kind: "header", header };
}
