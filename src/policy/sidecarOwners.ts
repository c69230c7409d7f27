/**
 * A -wal, -shm or -journal that the database's own users may not write: made by root, say, with a shell or a backup
 * that ran as another user. The application then gets SQLITE_CANTOPEN or "readonly database" at its next open, and
 * nothing in the file is wrong. So this degrades; opening is not what harms here. Pure.
 *
 * SQLite gives the files that it makes the mode of the database, and as root its owner too (os_unix.c,
 * findCreateFileMode and robustFchown). Members of a group are not known here: "may".
 */
import type { FileLook, Observation } from "../domain/observation.ts";

type Regular = Extract<FileLook, { readonly kind: "regular" }>;

const ownerReadWrite = 0o600;
const groupReadWrite = 0o060;
const othersReadWrite = 0o006;

/** Null: those who may write the database may write what lies beside it. */
export function whoIsLockedOut(observation: Observation): string | null {
  const { database } = observation;
  if (database.kind !== "regular") return null;
  const path = observation.resolvedPath ?? "the database";
  const sidecars = [
    [`${path}-wal`, observation.wal],
    [`${path}-shm`, observation.shm],
    [`${path}-journal`, observation.journal],
  ] as const;
  const shut = sidecars.filter(([, look]) => look.kind === "regular" && isShut(database, look));
  if (shut.length === 0) return null;
  const names = shut.map(([name]) => name);
  const mode = (database.permissions & 0o777).toString(8);
  const whose = shut
    .map(([name, look]) =>
      look.kind === "regular"
        ? `${name} (user ${look.uid}, group ${look.gid}, mode ${(look.permissions & 0o777).toString(8)})`
        : name,
    )
    .join(", ");
  return `who may write ${path} (user ${database.uid}, group ${database.gid}, mode ${mode}) may be kept out by ${whose}; mend it with: chown ${database.uid}:${database.gid} ${names.join(" ")} && chmod ${mode} ${names.join(" ")}`;
}

function isShut(database: Regular, sidecar: Regular): boolean {
  return isShutToOwner(database, sidecar) || isShutToGroup(database, sidecar);
}

function allows({ permissions }: Regular, bits: number): boolean {
  return (permissions & bits) === bits;
}

/** Root is kept out by nothing. */
function isShutToOwner(database: Regular, sidecar: Regular): boolean {
  if (database.uid === 0 || !allows(database, ownerReadWrite)) return false;
  if (sidecar.uid === database.uid) return !allows(sidecar, ownerReadWrite);
  return !byGroupOrOthers(database, sidecar);
}

function isShutToGroup(database: Regular, sidecar: Regular): boolean {
  return allows(database, groupReadWrite) && !byGroupOrOthers(database, sidecar);
}

function byGroupOrOthers(database: Regular, sidecar: Regular): boolean {
  return (
    (sidecar.gid === database.gid && allows(sidecar, groupReadWrite)) || allows(sidecar, othersReadWrite)
  );
}
