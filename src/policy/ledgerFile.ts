/**
 * The ledger as a file: one JSON document, one line for each database, so that people and `jq` can read it and only
 * changed lines are made anew. Everything is validated when it is read. Pure.
 *
 *     {"format":"walwarden-ledger","version":1,"databases":[
 *     {"path":"/srv/kv.db", ... as LedgerEntry says },
 *     ...
 *     ]}
 *
 * A file of another version is not touched: what it says is not known here. Invariant: no text makes it throw.
 */
import type { FsyncError, LedgerEntry, LedgerHeader, LedgerWal, RefusedWal } from "../domain/ledger.ts";

const formatName = "walwarden-ledger";
const formatVersion = 1;

export type LedgerReading =
  | { readonly kind: "ledger"; readonly entries: readonly LedgerEntry[] }
  | { readonly kind: "unreadable"; readonly reason: string };

/** One line, without its end. */
export function ledgerLine(entry: LedgerEntry): string {
  return JSON.stringify(entry);
}

export function ledgerText(lines: readonly string[]): string {
  return `{"format":"${formatName}","version":${formatVersion},"databases":[\n${lines.join(",\n")}\n]}\n`;
}

export function parseLedger(text: string): LedgerReading {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { kind: "unreadable", reason: `it is no JSON: ${error.message}` };
  }
  try {
    const file = recordOf(value, "the file");
    if (file.format !== formatName) throw new Unfit("it is no ledger");
    if (file.version !== formatVersion) {
      throw new Unfit(`its version is ${JSON.stringify(file.version)}, this daemon knows ${formatVersion}`);
    }
    if (!Array.isArray(file.databases)) throw new Unfit("databases: no list");
    return { kind: "ledger", entries: file.databases.map(entryOf) };
  } catch (error) {
    if (!(error instanceof Unfit)) throw error;
    return { kind: "unreadable", reason: error.message };
  }
}

/** A value is not what it should be; never leaves this file. */
class Unfit extends Error {}

type Fields = Readonly<Record<string, unknown>>;

function recordOf(value: unknown, where: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Unfit(`${where}: no object`);
  return { ...value };
}

function entryOf(value: unknown, position: number): LedgerEntry {
  const fields = recordOf(value, `database ${position}`);
  const where = `database ${position} `;
  return {
    path: text(fields, "path", where),
    device: digits(fields, "device", where),
    inode: digits(fields, "inode", where),
    databaseBytes: count(fields, "databaseBytes", where),
    databaseModifiedAtMs: timeOf(fields.databaseModifiedAtMs, where),
    header: fields.header === null ? null : headerOf(recordOf(fields.header, `${where}header`), where),
    wal: fields.wal === null ? null : walOf(recordOf(fields.wal, `${where}wal`), where),
    walFile: fields.walFile === undefined || fields.walFile === null ? null : text(fields, "walFile", where),
    headerFrame:
      fields.headerFrame === undefined || fields.headerFrame === null
        ? null
        : word(fields, "headerFrame", where),
    databaseExposed: fields.databaseExposed === null ? null : flag(fields, "databaseExposed", where),
    checkpointsSeenToSync: flag(fields, "checkpointsSeenToSync", where),
    bootId: fields.bootId === null ? null : text(fields, "bootId", where),
    writtenAtMs: count(fields, "writtenAtMs", where),
    restoreWindowEndsAtMs: orNull(count)(fields, "restoreWindowEndsAtMs", where),
    fsyncError:
      fields.fsyncError === undefined || fields.fsyncError === null
        ? null
        : fsyncErrorOf(recordOf(fields.fsyncError, `${where}fsyncError`), where),
    refusedWal:
      fields.refusedWal === undefined || fields.refusedWal === null
        ? null
        : refusedWalOf(recordOf(fields.refusedWal, `${where}refusedWal`), where),
  };
}

function refusedWalOf(fields: Fields, where: string): RefusedWal {
  const walSalts = text(fields, "walSalts", where);
  if (!/^\d+ \d+$/.test(walSalts)) throw wrong("walSalts", where, "two numbers");
  return {
    walSalts,
    evidence: text(fields, "evidence", where),
    ownerIdentity: fields.ownerIdentity === null ? null : text(fields, "ownerIdentity", where),
    ownerHeaderHex: fields.ownerHeaderHex === null ? null : hex(fields, "ownerHeaderHex", where, 100),
    walInode:
      fields.walInode === undefined || fields.walInode === null ? null : digits(fields, "walInode", where),
    databaseMark: fields.databaseMark === null ? null : text(fields, "databaseMark", where),
  };
}

function fsyncErrorOf(fields: Fields, where: string): FsyncError {
  const { file } = fields;
  if (file !== "wal" && file !== "database") throw wrong("file", where, "wal or database");
  const identity = (name: string, pattern: RegExp): string | null => {
    if (fields[name] === null) return null;
    const value = text(fields, name, where);
    if (!pattern.test(value)) throw wrong(name, where, "two numbers");
    return value;
  };
  return {
    file,
    code: text(fields, "code", where),
    atMs: count(fields, "atMs", where),
    walIdentity: identity("walIdentity", /^\d+ \d+$/),
    databaseIdentity: identity("databaseIdentity", /^\d+:\d+$/),
  };
}

function headerOf(fields: Fields, where: string): LedgerHeader {
  return {
    changeCounter: word(fields, "changeCounter", where),
    pageCount: word(fields, "pageCount", where),
    versionValidFor: word(fields, "versionValidFor", where),
    sqliteVersionNumber: word(fields, "sqliteVersionNumber", where),
    inWalMode: flag(fields, "inWalMode", where),
    bytesHex: hex(fields, "bytesHex", where, 100),
  };
}

function walOf(fields: Fields, where: string): LedgerWal {
  const wal: LedgerWal = {
    salt1: word(fields, "salt1", where),
    salt2: word(fields, "salt2", where),
    checkpointSequence: word(fields, "checkpointSequence", where),
    pageSizeBytes: word(fields, "pageSizeBytes", where),
    seenFrame: word(fields, "seenFrame", where),
    seenCommitCount: orNull(word)(fields, "seenCommitCount", where),
    seenFrameChecksum: fields.seenFrameChecksum === null ? null : hex(fields, "seenFrameChecksum", where, 8),
    provenFrame: word(fields, "provenFrame", where),
    provenCommitCount: orNull(word)(fields, "provenCommitCount", where),
    provenFrameChecksum:
      fields.provenFrameChecksum === null ? null : hex(fields, "provenFrameChecksum", where, 8),
    backfilledFrame: word(fields, "backfilledFrame", where),
  };
  if (wal.provenFrame > wal.seenFrame) throw new Unfit(`${where}provenFrame: beyond seenFrame`);
  return wal;
}

function wrong(name: string, where: string, accepted: string): Unfit {
  return new Unfit(`${where}${name}: not ${accepted}`);
}

function text(fields: Fields, name: string, where: string): string {
  const value = fields[name];
  if (typeof value !== "string" || value === "") throw wrong(name, where, "a text");
  return value;
}

function digits(fields: Fields, name: string, where: string): string {
  const value = text(fields, name, where);
  if (!/^\d+$/.test(value)) throw wrong(name, where, "a number in digits");
  return value;
}

function hex(fields: Fields, name: string, where: string, byteCount: number): string {
  const value = text(fields, name, where);
  if (value.length !== 2 * byteCount || !/^[0-9a-f]+$/.test(value))
    throw wrong(name, where, `${byteCount} bytes in hexadecimal`);
  return value;
}

function count(fields: Fields, name: string, where: string): number {
  const value = fields[name];
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0 || Object.is(value, -0))
    throw wrong(name, where, "a whole number");
  return value;
}

/** With fractions, and of before 1970 too. */
function timeOf(value: unknown, where: string): number | null {
  if (value === undefined || value === null) return null;
  if (typeof value !== "number" || !Number.isFinite(value) || Object.is(value, -0))
    throw wrong("databaseModifiedAtMs", where, "a time");
  return value;
}

function word(fields: Fields, name: string, where: string): number {
  const value = count(fields, name, where);
  if (value > 0xffffffff) throw wrong(name, where, "a number of 32 bits");
  return value;
}

function flag(fields: Fields, name: string, where: string): boolean {
  const value = fields[name];
  if (typeof value !== "boolean") throw wrong(name, where, "true or false");
  return value;
}

function orNull(read: typeof count): (fields: Fields, name: string, where: string) => number | null {
  return (fields, name, where) => (fields[name] === null ? null : read(fields, name, where));
}
