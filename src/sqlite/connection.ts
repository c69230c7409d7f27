/**
 * Opens handles on the target and puts them into a known state.
 *
 * Order: busy_timeout first, so that everything after it may wait for a lock; then wal_autocheckpoint = 0,
 * because a checkpoint happens only when it was decided; then synchronous, which is the first statement that
 * reads the file and opens its WAL; then foreign_keys.
 *
 * Paths: an absolute path begins with "/", so SQLite never takes it for a URI, whatever characters follow
 * (sqlite.org/uri.html: a URI begins with "file:").
 */
import { Database } from "bun:sqlite";
import type { Profile } from "../domain/databaseConfig.ts";
import type { Target } from "../domain/operation.ts";
import { firstRow } from "../profile/sqlConnection.ts";
import { requireIdentity } from "./fileIdentity.ts";

const openFlags = {
  readOnly: { readonly: true },
  readWrite: { readwrite: true },
  create: { readwrite: true, create: true },
} as const;

/** A handle on which no statement has run, proven to be on the observed file. */
export function openHandle(target: Target, access: keyof typeof openFlags): Database {
  if (!target.path.startsWith("/")) throw new Error(`path must be absolute: ${target.path}`);
  requireIdentity(target);
  const handle = new Database(target.path, openFlags[access]);
  try {
    requireIdentity(target);
  } catch (error) {
    handle.close(true);
    throw error;
  }
  return handle;
}

/** A database that is locked as a whole is checkpointed later; others wait for the same worker. */
const checkpointerBusyTimeoutMaxMs = 2_000;

/** Touches no file. */
export function setBusyTimeout(connection: Database, busyTimeoutMs: number): void {
  setAndVerify(connection, "busy_timeout", busyTimeoutMs);
}

/** Throws SQLite's error when the file cannot be read now. */
export function prepareWriter(connection: Database, profile: Profile): void {
  setBusyTimeout(connection, profile.busyTimeoutMs);
  setAndVerify(connection, "wal_autocheckpoint", 0);
  connection.exec(`PRAGMA main.synchronous = ${profile.synchronous}`);
  connection.exec(`PRAGMA foreign_keys = ${profile.foreignKeys ? "on" : "off"}`);
}

/**
 * For a connection that checkpoints. With synchronous = OFF a checkpoint syncs nothing and the next writer
 * overwrites the WAL: a power cut would then damage commits of applications that did sync theirs.
 */
export function prepareCheckpointer(connection: Database, profile: Profile): void {
  const synchronous = profile.synchronous === "OFF" ? "NORMAL" : profile.synchronous;
  const busyTimeoutMs = Math.min(profile.busyTimeoutMs, checkpointerBusyTimeoutMaxMs);
  prepareWriter(connection, { ...profile, synchronous, busyTimeoutMs });
  if (Number(firstRow(connection, "PRAGMA main.synchronous")[0]) === 0) {
    throw new Error("synchronous reads back OFF on a connection that checkpoints");
  }
}

function setAndVerify(connection: Database, pragma: string, value: number): void {
  connection.exec(`PRAGMA ${pragma} = ${value}`);
  const actual = firstRow(connection, `PRAGMA ${pragma}`)[0];
  if (actual !== String(value)) throw new Error(`PRAGMA ${pragma} reads back ${actual}, set was ${value}`);
}

/** Reads the file: the journal mode of a fresh handle is not known before. */
export function isWalMode(connection: Database): boolean {
  return firstRow(connection, "PRAGMA main.journal_mode")[0] === "wal";
}
