/**
 * The headers of a `-journal` file, and the name of a super-journal at its end.
 *
 * Source: sqlite.org/fileformat2.html, "The Rollback Journal"; hasHotJournal(), readJournalHdr(), pager_playback() and
 * readSuperJournal() in SQLite src/pager.c. All integers are big-endian.
 *
 *    0  8  magic d9 d5 05 f9 20 a1 63 d7
 *    8  4  page records that follow; 0xffffffff: as many as the file goes on with (written without syncing)
 *   12  4  nonce of the records' checksums
 *   16  4  size of the database in pages before the transaction
 *   20  4  sector size: the header takes that many bytes, and each further header begins at a multiple of it
 *   24  4  page size; 0 in journals of versions before 3.5.8
 *
 * A record is a page number, a page and a checksum: page size + 8 bytes. Sector and page size are those of the first
 * header. A transaction that syncs its journal more than once has a header before each part.
 *
 * The end of the journal of one file among several of a transaction:
 *
 *   name of the super-journal | its length (4) | sum of its bytes as signed 8-bit integers (4) | magic (8)
 *
 * A journal is hot, and rolled back by whoever opens the database, when its first byte is not zero and nobody holds a
 * RESERVED lock. Journal mode PERSIST fills the header with zeroes at commit, TRUNCATE leaves no byte, and a journal that was not
 * synced yet begins with zeroes too. A journal that names a super-journal that is gone is committed: not played back.
 *
 * Invariant: no bytes make it throw.
 */

export const journalHeaderBytes = 28;
const superJournalTrailerBytes = 16;
/** SQLite on unix takes a longer name for none (MAX_PATHNAME). */
const superJournalNameBytesMax = 512;
/** Of the end of the file: what the name of a super-journal is looked for in. */
export const journalTailBytes = superJournalNameBytesMax + superJournalTrailerBytes;

export interface JournalHeader {
  /** What the header says; null: as many as the file goes on with. */
  readonly announcedRecordCount: number | null;
  /** Of the database in pages before the transaction: what it is cut to when this is rolled back. */
  readonly initialPageCount: number;
  readonly sectorBytes: number;
  /** Null: written by a version before 3.5.8; it is that of the database. */
  readonly pageSizeBytes: number | null;
}

export type JournalHeaderResult =
  /** Rolled back by whoever opens the database, unless its transaction is still going on. */
  | { readonly kind: "header"; readonly header: JournalHeader }
  /** Cold: no byte, as after a commit in journal mode TRUNCATE. */
  | { readonly kind: "empty" }
  /** Cold: it begins with a zero, after a commit in journal mode PERSIST, or before its first sync. */
  | { readonly kind: "zeroed" }
  /** What follows is taken for hot by SQLite, but nothing is played back: the writer never came to sync a header. */
  | { readonly kind: "tooShort"; readonly byteCount: number }
  | { readonly kind: "badMagic" }
  | { readonly kind: "badSectorSize"; readonly value: number }
  | { readonly kind: "badPageSize"; readonly value: number };

const magic = Uint8Array.of(0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7);
const toTheEndOfTheFile = 0xffffffff;

/**
 * @param bytes from the beginning of the file, `journalHeaderBytes` of it or all there is.
 * @param fileBytes size of the whole file: a header that it cuts short is none.
 */
export function parseJournalHeader(bytes: Uint8Array, fileBytes: number): JournalHeaderResult {
  if (bytes.byteLength === 0) return { kind: "empty" };
  if (bytes[0] === 0) return { kind: "zeroed" };
  if (bytes.byteLength < journalHeaderBytes) return { kind: "tooShort", byteCount: fileBytes };
  if (!hasMagic(bytes, 0)) return { kind: "badMagic" };
  const view = new DataView(bytes.buffer, bytes.byteOffset, journalHeaderBytes);
  const sectorBytes = view.getUint32(20);
  if (!isPowerOfTwoWithin(sectorBytes, 32, 65536)) return { kind: "badSectorSize", value: sectorBytes };
  const pageSizeBytes = view.getUint32(24);
  if (pageSizeBytes !== 0 && !isPowerOfTwoWithin(pageSizeBytes, 512, 65536))
    return { kind: "badPageSize", value: pageSizeBytes };
  if (fileBytes < sectorBytes) return { kind: "tooShort", byteCount: fileBytes };
  return {
    kind: "header",
    header: {
      announcedRecordCount: recordCountAt(view),
      initialPageCount: view.getUint32(16),
      sectorBytes,
      pageSizeBytes: pageSizeBytes === 0 ? null : pageSizeBytes,
    },
  };
}

/** One header with its records. */
export interface JournalPart {
  /** Whole records that the file holds of those that were announced. */
  readonly recordCount: number;
  /** Where the next header would begin; null: the file does not reach that far. */
  readonly nextOffsetBytes: number | null;
}

/**
 * What a header at `offsetBytes` stands for. Null: there is no header, and the journal ends there.
 *
 * @param bytes from that offset, `journalHeaderBytes` of it or all there is.
 * @param first the header at the beginning of the file.
 * @param pageSizeBytes of the journal, or of the database where the journal does not say.
 */
export function journalPartAt(
  bytes: Uint8Array,
  offsetBytes: number,
  fileBytes: number,
  first: JournalHeader,
  pageSizeBytes: number,
): JournalPart | null {
  if (offsetBytes + first.sectorBytes > fileBytes || bytes.byteLength < journalHeaderBytes) return null;
  if (!hasMagic(bytes, 0)) return null;
  const announced = recordCountAt(new DataView(bytes.buffer, bytes.byteOffset, journalHeaderBytes));
  const recordBytes = pageSizeBytes + 8;
  const recordsOffsetBytes = offsetBytes + first.sectorBytes;
  const heldCount = Math.floor((fileBytes - recordsOffsetBytes) / recordBytes);
  if (announced === null || announced > heldCount) return { recordCount: heldCount, nextOffsetBytes: null };
  const endBytes = recordsOffsetBytes + announced * recordBytes;
  const nextOffsetBytes = Math.ceil(endBytes / first.sectorBytes) * first.sectorBytes;
  return {
    recordCount: announced,
    nextOffsetBytes: nextOffsetBytes + first.sectorBytes <= fileBytes ? nextOffsetBytes : null,
  };
}

/** Null: none is named. `bytes`: the end of the file, `journalTailBytes` of it or all there is. */
export function parseSuperJournalName(bytes: Uint8Array): string | null {
  const nameEnd = bytes.byteLength - superJournalTrailerBytes;
  if (nameEnd < 0 || !hasMagic(bytes, bytes.byteLength - magic.byteLength)) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const nameBytes = view.getUint32(nameEnd);
  if (nameBytes === 0 || nameBytes > superJournalNameBytesMax || nameBytes > nameEnd) return null;
  let sum = view.getUint32(nameEnd + 4);
  for (let offset = nameEnd - nameBytes; offset < nameEnd; offset += 1) sum -= view.getInt8(offset);
  if (sum >>> 0 !== 0) return null;
  const [name = ""] = nameText(bytes.subarray(nameEnd - nameBytes, nameEnd)).split("\0");
  return name === "" ? null : name;
}

function nameText(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

function recordCountAt(view: DataView): number | null {
  const count = view.getUint32(8);
  return count === toTheEndOfTheFile ? null : count;
}

function hasMagic(bytes: Uint8Array, offset: number): boolean {
  return magic.every((byte, index) => bytes[offset + index] === byte);
}

function isPowerOfTwoWithin(value: number, min: number, max: number): boolean {
  return value >= min && value <= max && (value & (value - 1)) === 0;
}
