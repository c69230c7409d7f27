/**
 * What this process may do with the files of a database. Asked anew whenever owner, mode or identity of one of them is
 * another than before, at every look while something is forbidden, and now and then anyway: the directory's own
 * rights and access lists may change without a trace on the files.
 */
import { constants } from "node:fs";
import type { AccessLook, FileLook } from "../domain/observation.ts";
import { lookAtFile } from "../host/fileLook.ts";
import type { Os } from "../host/os.ts";
import type { DatabasePaths } from "./databasePath.ts";

type Looks = readonly [database: FileLook, wal: FileLook, shm: FileLook];

export class KeptAccess {
  #access: AccessLook | null = null;
  #looks: Looks | null = null;

  /** Null: nothing that could be opened is there. A file that is absent could be made where the directory allows. */
  look(os: Os, paths: DatabasePaths, looks: Looks, anew: boolean): AccessLook | null {
    const before = this.#looks;
    if (!anew && before !== null && allAllowed(this.#access) && haveSameRights(before, looks))
      return this.#access;
    const access = lookAtAccess(os, paths, looks);
    this.#looks = looks;
    if (!isSameAccess(this.#access, access)) this.#access = access;
    return this.#access;
  }
}

function lookAtAccess(os: Os, paths: DatabasePaths, [database, wal, shm]: Looks): AccessLook | null {
  if (database.kind === "other") return null;
  const directoryWritable = os.access(paths.directory, constants.W_OK | constants.X_OK);
  // Every last close takes -wal and -shm away: gone since it was looked at is not forbidden.
  const isGone = (look: FileLook, path: string): boolean =>
    look.kind === "absent" || lookAtFile(os, path, { followLinks: false }).kind === "absent";
  const writable = (look: FileLook, path: string): boolean =>
    os.access(path, constants.W_OK) || (directoryWritable && isGone(look, path));
  return {
    databaseReadable: database.kind !== "absent" && os.access(paths.database, constants.R_OK),
    databaseWritable: writable(database, paths.database),
    walWritable: writable(wal, paths.wal),
    shmWritable: writable(shm, paths.shm),
    directoryWritable,
    effectiveUid: process.geteuid?.() ?? -1,
  };
}

function allAllowed(access: AccessLook | null): boolean {
  if (access === null) return false;
  return (
    access.databaseReadable &&
    access.databaseWritable &&
    access.walWritable &&
    access.shmWritable &&
    access.directoryWritable
  );
}

function isSameAccess(one: AccessLook | null, other: AccessLook | null): boolean {
  if (one === null || other === null) return one === other;
  return (
    one.databaseReadable === other.databaseReadable &&
    one.databaseWritable === other.databaseWritable &&
    one.walWritable === other.walWritable &&
    one.shmWritable === other.shmWritable &&
    one.directoryWritable === other.directoryWritable &&
    one.effectiveUid === other.effectiveUid
  );
}

function haveSameRights(before: Looks, now: Looks): boolean {
  return (
    hasSameRights(before[0], now[0]) && hasSameRights(before[1], now[1]) && hasSameRights(before[2], now[2])
  );
}

function hasSameRights(before: FileLook, now: FileLook): boolean {
  if (before === now) return true;
  if (before.kind !== "regular" || now.kind !== "regular") return false;
  return (
    before.identity === now.identity &&
    before.permissions === now.permissions &&
    before.uid === now.uid &&
    before.gid === now.gid
  );
}
